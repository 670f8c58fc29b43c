// A file that was made or renamed is found after a power cut only once its directory is synced, too.
import { open } from 'node:fs/promises';

/** Makes the names in a directory durable. */
export async function syncDirectory(dir: string): Promise<void> {
  // Windows opens no directories, and needs it not.
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
