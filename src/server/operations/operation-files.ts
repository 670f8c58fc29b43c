// The files of operations: few, small, in a folder of the data directory of their own. What is written is not synced: losing
// the last seconds with the power is allowed, and is accounted for as downtime.
import { appendFile, mkdir, open, readFile, readdir, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, isMissing } from '../file-errors.js';

/** Larger files are not read: nothing here grows to this. A day of minutes with something in every bucket has 26 MiB, a busy one a tenth. */
const FILE_BYTES_MAX = 32 * 1024 * 1024;
/** Names in one folder; more are not looked at. */
const NAMES_MAX = 2000;

/** A folder of files; tests have one in memory. */
export interface OperationFiles {
  list(): Promise<string[]>;
  /** The text, or null when there is no such file (or one that is too large). */
  read(name: string): Promise<string | null>;
  append(name: string, text: string): Promise<void>;
  /** The new text or the old one, never a part. */
  replace(name: string, text: string): Promise<void>;
  /** Writes over the beginning of a file in one call; the text must not get shorter from call to call. */
  overwrite(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Makes the folder; null when the directory it is to be in does not exist. */
export async function openFolder(parent: string, name: string): Promise<OperationFiles | null> {
  const folder = join(parent, name);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (isMissing(error)) return null;
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  return new Folder(folder);
}

class Folder implements OperationFiles {
  readonly #folder: string;
  readonly #open = new Map<string, FileHandle>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async list(): Promise<string[]> {
    return (await readdir(this.#folder)).toSorted().slice(0, NAMES_MAX);
  }

  async read(name: string): Promise<string | null> {
    try {
      const path = join(this.#folder, name);
      return (await stat(path)).size > FILE_BYTES_MAX ? null : await readFile(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  append(name: string, text: string): Promise<void> {
    return appendFile(join(this.#folder, name), text, { mode: 0o600 });
  }

  async replace(name: string, text: string): Promise<void> {
    const path = join(this.#folder, name);
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async overwrite(name: string, text: string): Promise<void> {
    const file = this.#open.get(name) ?? (await open(join(this.#folder, name), 'w', 0o600));
    this.#open.set(name, file);
    await file.write(text, 0, 'utf8');
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((file) => file.close()));
  }
}
