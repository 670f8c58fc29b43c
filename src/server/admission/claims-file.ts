// What a token, or a tenant, was used for: one claim a line, appended and synced before it counts. One process writes it.
import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirs } from '../data-dirs.js';
import { isMissing } from '../file-errors.js';
import { syncDirectory } from '../sync-directory.js';

const CLAIM = /^[0-9a-f]{32}$/;

/** The claims of a file; one that is not there has none. A line that a crash cut is none. */
export async function readClaims(path: string): Promise<readonly string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter((line) => CLAIM.test(line));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Adds a claim unless it is there already or there are as many as there may be. Calls for one file must not overlap. */
export async function addClaim(path: string, claim: string, claimsMax: number): Promise<{ readonly isIn: boolean; readonly used: number }> {
  if (!CLAIM.test(claim)) throw new Error('a claim is 32 hexadecimal digits');
  const claims = await readClaims(path);
  if (claims.includes(claim)) return { isIn: true, used: claims.length };
  if (claims.length >= claimsMax) return { isIn: false, used: claims.length };
  await makeDirs(dirname(path));
  const file = await open(path, 'a', 0o600);
  try {
    // The newline in front ends a line that a crash cut.
    await file.appendFile(`\n${claim}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  // A power cut must not forget the file either, nor the directory that was made for it.
  for (const dir of [dirname(path), dirname(dirname(path))]) await syncDirectory(dir);
  return { isIn: true, used: claims.length + 1 };
}
