// A new or renamed file survives a power cut only when its directory was synced.
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Syncs the directory that holds this path. Windows cannot, and needs not to: its file system journals names. */
export async function syncDirectoryOf(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
