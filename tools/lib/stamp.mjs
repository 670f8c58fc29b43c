// Decides whether a build step is needed: a fingerprint of its inputs (path, size, modification time) is kept in .build/.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BUILD_DIR, ROOT } from './project.mjs';

/** Far above what the project has; a symbolic-link loop or a wrong folder ends here instead of running on. */
const FILES_MAX = 20_000;

/**
 * Files under the given paths, sorted; folders are walked, missing paths are left out.
 * @param {string[]} paths
 * @param {(path: string) => boolean} [keep]
 */
export function listFiles(paths, keep = () => true) {
  /** @type {string[]} */
  const found = [];
  const queue = [...paths];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const info = statSync(path, { throwIfNoEntry: false });
    if (info === undefined) continue;
    if (info.isDirectory()) for (const name of readdirSync(path)) queue.push(join(path, name));
    else if (keep(path)) found.push(path);
    if (found.length > FILES_MAX) throw new Error(`more than ${FILES_MAX} files under ${paths.join(', ')}`);
  }
  return found.sort();
}

/**
 * @param {string[]} files
 * @param {string} [salt]
 */
export function fingerprint(files, salt = '') {
  const hash = createHash('sha256').update(salt);
  for (const file of files) {
    const info = statSync(file);
    hash.update(`${relative(ROOT, file)}\0${info.size}\0${info.mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/**
 * True when the step ran with these inputs before and its outputs are still there.
 * @param {string} name
 * @param {string} print
 * @param {string[]} outputs
 */
export function isFresh(name, print, outputs) {
  if (outputs.some((path) => statSync(path, { throwIfNoEntry: false }) === undefined)) return false;
  try {
    return readFileSync(join(BUILD_DIR, `${name}.stamp`), 'utf8') === print;
  } catch {
    return false;
  }
}

/**
 * @param {string} name
 * @param {string} print
 */
export function writeStamp(name, print) {
  mkdirSync(BUILD_DIR, { recursive: true });
  writeFileSync(join(BUILD_DIR, `${name}.stamp`), print);
}

/** @param {string} name */
export function clearStamp(name) {
  rmSync(join(BUILD_DIR, `${name}.stamp`), { force: true });
}
