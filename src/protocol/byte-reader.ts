// Reads the fields of a frame or statement: big-endian, zero-copy (byte strings are views into the input).
import { FrameError } from './frame-error.js';

/** The largest u64 the wire allows: 2^53 − 1, so that every number is exact in JavaScript. */
export const U64_MAX = Number.MAX_SAFE_INTEGER;

const TWO_POW_32 = 0x1_0000_0000;

/** A cursor over immutable bytes; every read past the end throws `malformed_frame`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** A u64 that must not exceed `U64_MAX`. */
  u64(): number {
    const at = this.#advance(8);
    const high = this.#view.getUint32(at);
    if (high > 0x1f_ffff) throw new FrameError('malformed_frame', 'a u64 above 2^53 − 1');
    return high * TWO_POW_32 + this.#view.getUint32(at + 4);
  }

  /** A u64 that is a bit set and may use all 64 bits. */
  bits64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  /** The next `length` bytes, as a view. */
  raw(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A key, hash or nonce: 32 bytes. */
  raw32(): Uint8Array {
    return this.raw(32);
  }

  /** A list of keys, hashes or nonces. */
  list32(count: number, countMax: number): Uint8Array[] {
    return this.list(count, countMax, 32, (reader) => reader.raw32());
  }

  /** Bytes preceded by their length as u16. */
  bytes16(lengthMax = 0xffff): Uint8Array {
    return this.raw(bounded(this.u16(), lengthMax));
  }

  /** Bytes preceded by their length as u32. */
  bytes32(lengthMax = 0xffff_ffff): Uint8Array {
    return this.raw(bounded(this.u32(), lengthMax));
  }

  /** `count` items; the count is checked against `countMax` and the bytes left before anything is read. */
  list<T>(count: number, countMax: number, itemBytesMin: number, read: (reader: ByteReader) => T): T[] {
    bounded(count, countMax);
    if (count * itemBytesMin > this.remaining) throw new FrameError('malformed_frame', 'the bytes end inside a list');
    const items: T[] = [];
    for (let i = 0; i < count; i += 1) items.push(read(this));
    return items;
  }

  /** Must be called after the last field: bytes left over are malformed. */
  end(): void {
    if (this.remaining !== 0) throw new FrameError('malformed_frame', `${this.remaining} bytes after the last field`);
  }

  #advance(length: number): number {
    if (length > this.remaining) throw new FrameError('malformed_frame', 'the bytes end inside a field');
    const at = this.#at;
    this.#at = at + length;
    return at;
  }
}

function bounded(value: number, max: number): number {
  if (value > max) throw new FrameError('malformed_frame', `a length or count of ${value} above ${max}`);
  return value;
}
