// Memory and disk of a process, from /proc; what is not there reads as 0.
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const KIB = 1024;
/** Written into clear_refs, this makes the kernel count the peak from now on. */
const RESET_PEAK = '5';
const BLOCK_BYTES = 512;

/**
 * A line of a /proc file in KiB, as bytes.
 * @param {string} path
 * @param {string} name
 */
function kibibytes(path, name) {
  try {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8'));
    return Number(found?.[1] ?? 0) * KIB;
  } catch {
    return 0;
  }
}

/** Resident memory of a process. */
export function residentBytes(/** @type {number} */ pid) {
  return kibibytes(`/proc/${pid}/status`, 'VmRSS');
}

/** The same without what it shares with others. */
export function proportionalBytes(/** @type {number} */ pid) {
  return kibibytes(`/proc/${pid}/smaps_rollup`, 'Pss');
}

/** The highest resident memory since the last reset. */
export function peakBytes(/** @type {number} */ pid) {
  return kibibytes(`/proc/${pid}/status`, 'VmHWM');
}

/** From now on the peak counts anew. */
export function resetPeak(/** @type {number} */ pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
  } catch {
    // Without it the peak is the process's whole life, which is never lower.
  }
}

/** Bytes a process caused to be written to disk so far. */
export function writtenBytes(/** @type {number} */ pid) {
  try {
    return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * What a folder occupies on disk.
 * @param {string} folder
 * @returns {number}
 */
export function diskBytes(folder) {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sum += diskBytes(path);
    else sum += (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES;
  }
  return sum;
}
