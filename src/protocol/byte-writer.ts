// Writes the fields of a frame or statement: big-endian. A value that does not fit is a bug of the caller and throws RangeError.
import { U64_MAX } from './byte-reader.js';

const TWO_POW_32 = 0x1_0000_0000;
const CAPACITY_BYTES_INITIAL = 256;

/** A growing buffer; every method returns the writer so that layouts read like the tables of the protocol document. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacityBytes = CAPACITY_BYTES_INITIAL) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, checked(value, 0xff));
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, checked(value, 0xffff));
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, checked(value, 0xffff_ffff));
    return this;
  }

  u64(value: number): this {
    const at = this.#grow(8);
    this.#view.setUint32(at, Math.floor(checked(value, U64_MAX) / TWO_POW_32));
    this.#view.setUint32(at + 4, value % TWO_POW_32);
    return this;
  }

  /** A u64 that is a bit set. */
  bits64(value: bigint): this {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError('a bit set of more than 64 bits');
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  /** Exactly these bytes. */
  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** A fixed-size field: the length is checked. */
  fixed(bytes: Uint8Array, length: number): this {
    if (bytes.length !== length) throw new RangeError(`a field of ${length} bytes got ${bytes.length}`);
    return this.raw(bytes);
  }

  /** A key, hash or nonce: 32 bytes. */
  raw32(bytes: Uint8Array): this {
    return this.fixed(bytes, 32);
  }

  bytes16(bytes: Uint8Array): this {
    return this.u16(bytes.length).raw(bytes);
  }

  bytes32(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** The elements one after the other; the count is written by the caller, whose width it knows. */
  each<T>(items: readonly T[], write: (writer: ByteWriter, item: T) => void): this {
    for (const item of items) write(this, item);
    return this;
  }

  /** `length` zero bytes. */
  zeros(length: number): this {
    this.#grow(length);
    return this;
  }

  /** Everything written, as a view of exactly that length. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return at;
  }
}

function checked(value: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new RangeError(`${value} is not an integer from 0 to ${max}`);
  return value;
}
