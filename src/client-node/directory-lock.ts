// One store per directory: a file names the process that holds it; what a process that is gone left behind is taken over.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClientError } from '../client/client-error.js';
import { guarded } from './guarded.js';

const NAME = 'lock';
/** Tries against others that take over the same dead lock. */
const TRIES_MAX = 3;
const heldHere = new Set<string>();

export class DirectoryLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws `storage_in_use` while it is held, by this process too. */
  static async take(directory: string): Promise<DirectoryLock> {
    const path = join(directory, NAME);
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      if (heldHere.has(path)) break;
      if (await written(path)) {
        heldHere.add(path);
        return new DirectoryLock(path);
      }
      const holder = Number(await readFile(path, 'utf8').catch(() => ''));
      if (holder !== process.pid && isAlive(holder)) break;
      await guarded(() => rm(path, { force: true }));
    }
    throw new ClientError('storage_in_use', 'another program has this device open', { temporary: true, hint: 'A device can be open once at a time; give each program a storage of its own.' });
  }

  async release(): Promise<void> {
    heldHere.delete(this.#path);
    await rm(this.#path, { force: true });
  }
}

function written(path: string): Promise<boolean> {
  return guarded(() =>
    writeFile(path, String(process.pid), { flag: 'wx', mode: 0o600 }).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === 'EEXIST') return false;
        throw cause;
      },
    ),
  );
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
