// Small files that only the relay's user may read, in a directory that only this user can enter. They are whole or not there.
import { randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirs } from '../data-dirs.js';
import { isMissing } from '../file-errors.js';

const FILE_MODE = 0o600;
const DIR_MODE = 0o700;
const FILE_BYTES_MAX = 256 * 1024;

/** Where the data directory keeps who may administer the relay. */
export function adminDir(dataDir: string): string {
  return join(dataDir, 'admin');
}

/** Writes a file whole: beside, synced, renamed. */
export async function writePrivate(dir: string, name: string, text: string): Promise<void> {
  await makeDirs(dir);
  await chmod(dir, DIR_MODE);
  const aside = join(dir, `${name}.${randomBytes(6).toString('hex')}.new`);
  try {
    const file = await open(aside, 'wx', FILE_MODE);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, join(dir, name));
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/** The text of a file, or null when there is none. */
export async function readPrivate(dir: string, name: string): Promise<string | null> {
  const path = join(dir, name);
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) throw new Error(`${path} is larger than ${FILE_BYTES_MAX} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
