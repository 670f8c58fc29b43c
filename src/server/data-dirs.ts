// Makes a directory with those it lies in. Node's own recursive way never answers where a directory refuses every name (`/proc`).
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RelayError } from '../errors.js';
import { isMissing } from './file-errors.js';

const OWNER_ONLY_DIR = 0o700;
/** Directories made for one path. */
const LEVELS_MAX = 64;

/** Makes what is missing, readable by this user only; `data_dir_unusable` where the system refuses. */
export async function makeDirs(path: string): Promise<void> {
  await make(path, LEVELS_MAX).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RelayError('data_dir_unusable', `cannot make the directory ${path}: ${why}`, { hint: 'Check the path, its rights and the disk.', cause });
  });
}

async function make(path: string, levels: number): Promise<void> {
  try {
    await mkdir(path, { mode: OWNER_ONLY_DIR });
  } catch (error) {
    const parent = dirname(path);
    if (await isDirectory(path)) return;
    // A parent that is there and lets nothing be made in it says so once, not for ever.
    if (!isMissing(error) || parent === path || levels === 0 || (await isDirectory(parent))) throw error;
    await make(parent, levels - 1);
    await mkdir(path, { mode: OWNER_ONLY_DIR });
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then((found) => found.isDirectory(), () => false);
}
