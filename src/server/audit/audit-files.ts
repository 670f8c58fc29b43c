// Where the audit log lies: files named after the seq of their first line, the oldest of which go when there are too many.
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, isMissing } from '../file-errors.js';

/** A file that reached this size is followed by the next. */
export const AUDIT_FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Files kept; with the size above, 64 MiB or about 150,000 lines. */
export const AUDIT_FILES_MAX = 16;
const NAME_DIGITS = 20;
const OWNER_ONLY_DIR = 0o700;

export interface AuditFile {
  readonly path: string;
  /** What its name says. */
  readonly firstSeq: number;
}

export function auditDirOf(dataDir: string): string {
  return join(dataDir, 'audit');
}

export function auditFilePath(dir: string, firstSeq: number): string {
  return join(dir, `${String(firstSeq).padStart(NAME_DIGITS, '0')}.jsonl`);
}

/** Oldest first; none where there is no such directory. */
export async function listAuditFiles(dir: string): Promise<AuditFile[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names
    .filter((name) => /^\d{20}\.jsonl$/.test(name))
    .sort()
    .map((name) => ({ path: join(dir, name), firstSeq: Number(name.slice(0, NAME_DIGITS)) }));
}

export interface FileText {
  /** Complete lines, without their newlines. */
  readonly lines: readonly string[];
  /** Bytes behind the last newline: a write that was cut off. */
  readonly tornBytes: number;
  readonly bytes: number;
}

/** A whole file: bounded by the size at which files are ended. */
export async function readAuditFile(path: string): Promise<FileText> {
  const content = await readFile(path);
  const end = content.lastIndexOf(0x0a) + 1;
  const text = content.subarray(0, end).toString('utf8');
  return { lines: text === '' ? [] : text.slice(0, -1).split('\n'), tornBytes: content.length - end, bytes: content.length };
}

export async function makeAuditDir(dir: string): Promise<void> {
  await mkdir(dir, { mode: OWNER_ONLY_DIR }).catch(async (error: unknown) => {
    if (!(hasCode(error, 'EEXIST') && (await stat(dir)).isDirectory())) throw error;
  });
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
