// An append-only file of records. A record is its length and CRC-32 (4 bytes each, little endian) and its bytes; a tail that was torn by a crash is cut off.
import { open, readFile, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { syncDirectoryOf } from './sync-directory.js';

const HEAD_BYTES = 8;
/** Larger lengths are damage, not data. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** One file; whoever opens it is its only writer. */
export class RecordLog {
  readonly #path: string;
  #file: FileHandle;
  #bytes: number;

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.#path = path;
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Opens the file, made when it is missing; gives what it holds. */
  static async open(path: string): Promise<{ log: RecordLog; records: readonly Uint8Array[] }> {
    const content = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return null;
      throw cause;
    });
    const { records, end } = parse(content ?? new Uint8Array());
    const file = await open(path, content === null ? 'wx+' : 'r+', 0o600);
    if (content === null) await syncDirectoryOf(path);
    if (content !== null && end < content.length) {
      await file.truncate(end);
      await file.datasync();
    }
    return { log: new RecordLog(path, file, end), records };
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when all of them are on disk. */
  async append(records: readonly Uint8Array[]): Promise<void> {
    const bytes = frame(records);
    await this.#file.write(bytes, 0, bytes.length, this.#bytes);
    await this.#file.datasync();
    this.#bytes += bytes.length;
  }

  /** Puts these records in the place of all others: a crash leaves the old file or the new one. */
  async replace(records: readonly Uint8Array[]): Promise<void> {
    const next = `${this.#path}.next`;
    const bytes = frame(records);
    const file = await open(next, 'w+', 0o600);
    await file.write(bytes, 0, bytes.length, 0);
    await file.datasync();
    await rename(next, this.#path);
    await syncDirectoryOf(this.#path);
    await this.#file.close();
    this.#file = file;
    this.#bytes = bytes.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function frame(records: readonly Uint8Array[]): Buffer {
  const parts = records.flatMap((record) => {
    if (record.length > RECORD_BYTES_MAX) throw new RangeError(`a record has more than ${RECORD_BYTES_MAX} bytes`);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(record.length, 0);
    head.writeUInt32LE(crc32(record), 4);
    return [head, record];
  });
  return Buffer.concat(parts);
}

function parse(content: Uint8Array): { records: Uint8Array[]; end: number } {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + HEAD_BYTES <= content.length) {
    const length = view.getUint32(at, true);
    const record = content.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length);
    if (length > RECORD_BYTES_MAX || record.length < length || crc32(record) !== view.getUint32(at + 4, true)) break;
    records.push(record.slice());
    at += HEAD_BYTES + length;
  }
  return { records, end: at };
}
