// The token of this machine: a file that only the relay's user may read, new at every start. Whoever can read it can read
// the data directory anyway; the command line sends it.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { adminDir, readPrivate, writePrivate } from './private-file.js';
import { newSecret } from './secrets.js';

const NAME = 'token';

/** Writes a new token for the relay that holds this data directory. */
export async function writeLocalToken(dataDir: string): Promise<string> {
  const token = newSecret();
  await writePrivate(adminDir(dataDir), NAME, `${token}\n`);
  return token;
}

/** The token of the relay that runs on this data directory; null when there is none or it may not be read. */
export async function readLocalToken(dataDir: string): Promise<string | null> {
  const text = await readPrivate(adminDir(dataDir), NAME).catch(() => null);
  return text === null ? null : text.trim();
}

export async function removeLocalToken(dataDir: string): Promise<void> {
  await rm(join(adminDir(dataDir), NAME), { force: true });
}
