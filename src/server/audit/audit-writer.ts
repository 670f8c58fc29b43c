// Appends lines to the newest file and syncs them, mends what a crash cut off, and goes on in a new file when one is full.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { RelayError } from '../../errors.js';
import { syncDirectory } from '../sync-directory.js';
import {
  AUDIT_FILES_MAX,
  AUDIT_FILE_BYTES_MAX,
  auditFilePath,
  listAuditFiles,
  makeAuditDir,
  readAuditFile,
  removeFile,
  type AuditFile,
} from './audit-files.js';
import { takeAuditKey } from './audit-key.js';
import { chainStart, encodeLine, lineHash, parseLine, type AuditLine, type ChainEnd } from './audit-line.js';
import { lockAudit } from './audit-lock.js';
import type { AuditEntry } from './audit-sink.js';

const OWNER_ONLY = 0o600;

export interface FileBounds {
  readonly fileBytesMax: number;
  readonly filesMax: number;
}

export const FILE_BOUNDS: FileBounds = { fileBytesMax: AUDIT_FILE_BYTES_MAX, filesMax: AUDIT_FILES_MAX };

/** An entry and when it happened. */
export interface TimedEntry {
  readonly entry: AuditEntry;
  readonly timeMs: number;
}

/** What an opened log ended with. */
export interface Opened {
  readonly writer: AuditWriter;
  /** Bytes of a line that a crash cut off; they are gone. */
  readonly tornBytes: number;
  /** The newest line about a start or a stop, or null. */
  readonly lastLife: AuditLine | null;
}

interface Place {
  readonly dir: string;
  readonly key: KeyObject;
  readonly bounds: FileBounds;
  readonly unlock: () => Promise<void>;
}

/** Where the next line goes. */
interface OpenEnd {
  readonly file: FileHandle;
  readonly bytes: number;
  readonly files: AuditFile[];
  readonly chain: ChainEnd;
}

/** The open end of the log. After a failed `append` it is closed and a new one has to be opened. */
export class AuditWriter {
  #end: ChainEnd;
  #file: FileHandle;
  #bytes: number;
  #files: AuditFile[];
  readonly #dir: string;
  readonly #key: KeyObject;
  readonly #bounds: FileBounds;
  readonly #unlock: () => Promise<void>;

  private constructor(place: Place, end: OpenEnd) {
    [this.#dir, this.#key, this.#bounds, this.#unlock] = [place.dir, place.key, place.bounds, place.unlock];
    [this.#file, this.#bytes, this.#files, this.#end] = [end.file, end.bytes, end.files, end.chain];
  }

  static async open(dir: string, bounds: FileBounds): Promise<Opened> {
    await makeAuditDir(dir);
    const unlock = await lockAudit(dir);
    try {
      const files = await withoutEmptyEnd(await listAuditFiles(dir));
      const key = await takeAuditKey(dir, files.length > 0);
      const { end, tornBytes } = await openEnd(dir, files, key);
      const writer = new AuditWriter({ dir, key, bounds, unlock }, end);
      return { writer, tornBytes, lastLife: await lastLife(files) };
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  get end(): ChainEnd {
    return this.#end;
  }

  /** Resolves once all of them are on disk. */
  async append(entries: readonly TimedEntry[]): Promise<void> {
    if (this.#bytes >= this.#bounds.fileBytesMax) await this.#nextFile(entries[0]?.timeMs ?? 0);
    await this.#write(entries);
  }

  async close(): Promise<void> {
    await this.#file.close().finally(() => this.#unlock());
  }

  async #write(entries: readonly TimedEntry[]): Promise<void> {
    let end = this.#end;
    let text = '';
    for (const { entry, timeMs } of entries) {
      const line = encodeLine(entry, timeMs, end, this.#key);
      end = { seq: end.seq + 1, hash: lineHash(line) };
      text += `${line}\n`;
    }
    const bytes = Buffer.from(text);
    await writeAt(this.#file, bytes, this.#bytes);
    await this.#file.datasync();
    this.#bytes += bytes.length;
    this.#end = end;
  }

  /** The first line of a file says what was given up for it, so that a missing file cannot pass for one that went in order. */
  async #nextFile(timeMs: number): Promise<void> {
    const firstSeq = this.#end.seq + 1;
    const path = auditFilePath(this.#dir, firstSeq);
    const file = await open(path, 'w', OWNER_ONLY);
    await syncDirectory(this.#dir);
    await this.#file.close();
    [this.#file, this.#bytes] = [file, 0];
    const all = [...this.#files, { path, firstSeq }];
    const kept = all.slice(-this.#bounds.filesMax);
    const droppedThrough = (kept[0]?.firstSeq ?? 1) - 1;
    await this.#write([{ entry: { action: 'audit.rotated', actor: 'relay', subject: null, outcome: 'done', detail: { droppedThrough } }, timeMs }]);
    for (const { path: old } of all.slice(0, -kept.length)) await removeFile(old);
    this.#files = kept;
  }
}

async function openEnd(dir: string, files: AuditFile[], key: KeyObject): Promise<{ end: OpenEnd; tornBytes: number }> {
  const isNew = files.length === 0;
  const newest = files.at(-1) ?? { path: auditFilePath(dir, 1), firstSeq: 1 };
  const text = isNew ? { lines: [], tornBytes: 0, bytes: 0 } : await readAuditFile(newest.path);
  const chain = endOf(text.lines, newest, key);
  const bytes = text.bytes - text.tornBytes;
  const file = await open(newest.path, isNew ? 'wx' : 'r+', OWNER_ONLY);
  try {
    await file.truncate(bytes);
    await file.sync();
    await syncDirectory(dir);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { end: { file, bytes, files: isNew ? [newest] : files, chain }, tornBytes: text.tornBytes };
}

/** A file without a complete line is one that a crash left when it was begun; the one before goes on. */
async function withoutEmptyEnd(files: AuditFile[]): Promise<AuditFile[]> {
  const newest = files.at(-1);
  if (newest === undefined || files.length === 1 || (await readAuditFile(newest.path)).lines.length > 0) return files;
  await removeFile(newest.path);
  return files.slice(0, -1);
}

function endOf(lines: readonly string[], { path, firstSeq }: AuditFile, key: KeyObject): ChainEnd {
  const last = lines.at(-1);
  if (last === undefined) return chainStart(createPublicKey(key));
  const seq = parseLine(last)?.seq;
  if (seq !== firstSeq + lines.length - 1) {
    throw new RelayError('audit_unusable', `the last line of ${path} is not what was written there`, {
      hint: 'Run `relay audit verify`; to go on, move the directory `audit` away: a new log then begins.',
    });
  }
  return { seq, hash: lineHash(last) };
}

async function lastLife(files: readonly AuditFile[]): Promise<AuditLine | null> {
  for (const { path } of files.toReversed()) {
    const { lines } = await readAuditFile(path);
    const found = lines.findLast((line) => /^\{"seq":\d+,"time":"[^"]+","action":"relay\.(started|stopped)"/.test(line));
    if (found !== undefined) return parseLine(found);
  }
  return null;
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
