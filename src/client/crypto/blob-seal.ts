// Sealing of blobs chunk by chunk, and opening them. docs/protocol.md section 8.
//
// Both work on one chunk at a time, so that a blob of any size passes through a few megabytes of memory. Sealing is a function
// of the salt and the content alone: the same chunk is sealed again, byte for byte, when an upload goes on.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { domain } from '../../protocol/hash.js';
import { padme } from '../../protocol/padme.js';
import { TAG_BYTES, aesOpen, aesSeal, importAesKey } from './aes-gcm.js';
import { derive, epochHalves } from './derive.js';
import { SealError } from './seal-error.js';

const SUITE = 1;
/** Length of a blob's clear beginning. */
export const BLOB_HEADER_BYTES = 73;
/** Length of a sealed chunk, but for the last; a power of two, so that the last is never shorter than its tag. */
export const BLOB_CHUNK_BYTES: number = 1024 * 1024;
const CHUNK_BYTES_MIN = 64 * 1024;
const LENGTH_BYTES = 8;

/** The clear beginning of a sealed blob. */
export interface BlobHeader {
  readonly keyEpoch: number;
  readonly chunkBytes: number;
  readonly salt: Uint8Array;
  readonly commitment: Uint8Array;
}

export interface SealBlobInput {
  readonly epochKey: Uint8Array;
  readonly keyEpoch: number;
  readonly space: Uint8Array;
  /** 32 fresh random bytes: a salt seals one content and never another. */
  readonly salt: Uint8Array;
  readonly contentBytes: number;
  readonly chunkBytes?: number;
}

/** Where the chunks of a blob lie, sealed and open. */
class Layout {
  readonly chunkBytes: number;
  /** Sealed bytes, without the header. */
  readonly sealedBytes: number;

  constructor(sealedBytes: number, chunkBytes: number) {
    this.sealedBytes = sealedBytes;
    this.chunkBytes = chunkBytes;
  }

  get count(): number {
    return Math.ceil(this.sealedBytes / this.chunkBytes);
  }

  get plainBytes(): number {
    return this.sealedBytes - TAG_BYTES * this.count;
  }

  /** Start and end of a chunk's plaintext. */
  plain(index: number): readonly [number, number] {
    const step = this.chunkBytes - TAG_BYTES;
    return [index * step, Math.min(this.plainBytes, (index + 1) * step)];
  }
}

/** Seals a content that is given piece by piece. */
export class BlobSealer {
  readonly header: Uint8Array;
  readonly #layout: Layout;
  readonly #input: SealBlobInput;
  readonly #key: CryptoKey;

  private constructor(input: SealBlobInput, layout: Layout, key: CryptoKey, header: Uint8Array) {
    this.#input = input;
    this.#layout = layout;
    this.#key = key;
    this.header = header;
  }

  static async start(input: SealBlobInput): Promise<BlobSealer> {
    const chunkBytes = input.chunkBytes ?? BLOB_CHUNK_BYTES;
    if (!Number.isInteger(Math.log2(chunkBytes)) || chunkBytes < CHUNK_BYTES_MIN) throw new RangeError('a chunk size is a power of two from 64 KiB on');
    const keys = blobKeys(input.epochKey, input.space, input.salt);
    const header = encodeBlobHeader({ keyEpoch: input.keyEpoch, chunkBytes, salt: input.salt, commitment: keys.commitment });
    const layout = new Layout(sealedBytes(LENGTH_BYTES + input.contentBytes, chunkBytes), chunkBytes);
    return new BlobSealer(input, layout, await importAesKey(keys.key, 'encrypt'), header);
  }

  get chunkCount(): number {
    return this.#layout.count;
  }

  /** Length of the whole sealed blob. */
  get totalBytes(): number {
    return BLOB_HEADER_BYTES + this.#layout.sealedBytes;
  }

  /** Which bytes of the content a chunk holds. */
  contentRange(index: number): readonly [number, number] {
    const clamp = (at: number): number => Math.min(this.#input.contentBytes, Math.max(0, at - LENGTH_BYTES));
    const [start, end] = this.#layout.plain(index);
    return [clamp(start), clamp(end)];
  }

  /** Seals a chunk; `content` are the bytes of `contentRange`. */
  async seal(index: number, content: Uint8Array): Promise<Uint8Array> {
    const [start, end] = this.#layout.plain(index);
    const [from, to] = this.contentRange(index);
    if (content.length !== to - from) throw new SealError('size', 'the content changed its length while it was sealed');
    const writer = new ByteWriter(end - start);
    if (index === 0) writer.u64(this.#input.contentBytes);
    writer.raw(content);
    const plain = writer.zeros(end - start - writer.length).finish();
    return aesSeal(this.#key, chunkNonce(index), chunkData(this.#input, this.#layout, index), plain);
  }
}

/** Opens a blob chunk by chunk. */
export class BlobOpener {
  readonly #layout: Layout;
  readonly #place: ChunkPlace;
  readonly #key: CryptoKey;
  #contentBytes = 0;

  private constructor(place: ChunkPlace, layout: Layout, key: CryptoKey) {
    this.#place = place;
    this.#layout = layout;
    this.#key = key;
  }

  /** Throws SealError when the header is of another key or the length is none a sealer makes. */
  static async start(header: BlobHeader, totalBytes: number, epochKey: Uint8Array, space: Uint8Array): Promise<BlobOpener> {
    const layout = new Layout(totalBytes - BLOB_HEADER_BYTES, header.chunkBytes);
    if (layout.sealedBytes < 256 || padme(layout.sealedBytes) !== layout.sealedBytes) throw new SealError('size', 'a length beside the grid');
    const keys = blobKeys(epochKey, space, header.salt);
    if (!equalBytes(keys.commitment, header.commitment)) throw new SealError('commitment', 'sealed under another key');
    return new BlobOpener({ space, keyEpoch: header.keyEpoch }, layout, await importAesKey(keys.key, 'decrypt'));
  }

  get chunkCount(): number {
    return this.#layout.count;
  }

  /** Length of a sealed chunk. */
  chunkBytes(index: number): number {
    const [start, end] = this.#layout.plain(index);
    return end - start + TAG_BYTES;
  }

  /** The content of the next chunk; they are opened in order, from 0 on. Throws SealError for anything that does not hold. */
  async open(index: number, sealed: Uint8Array): Promise<Uint8Array> {
    const plain = await aesOpen(this.#key, chunkNonce(index), chunkData(this.#place, this.#layout, index), sealed);
    if (plain === undefined) throw new SealError('content', `the tag of chunk ${index} does not hold`);
    const [start] = this.#layout.plain(index);
    if (index === 0) {
      this.#contentBytes = new ByteReader(plain).u64();
      if (this.#contentBytes + LENGTH_BYTES > this.#layout.plainBytes) throw new SealError('layout', 'more content than the blob holds');
    }
    const from = index === 0 ? LENGTH_BYTES : 0;
    const to = Math.max(from, Math.min(plain.length, LENGTH_BYTES + this.#contentBytes - start));
    if (plain.subarray(to).some((byte) => byte !== 0)) throw new SealError('padding', 'bytes other than zero');
    return plain.subarray(from, to);
  }
}

/** Reads the clear beginning of a blob. Throws SealError when it is of another suite or form. */
export function parseBlobHeader(bytes: Uint8Array): BlobHeader {
  if (bytes.length < BLOB_HEADER_BYTES) throw new SealError('layout', 'shorter than a blob');
  const reader = new ByteReader(bytes.subarray(0, BLOB_HEADER_BYTES));
  const suite = reader.u8();
  if (suite !== SUITE) throw new SealError('suite', `suite ${suite} is not known`);
  const header = { keyEpoch: reader.u32(), chunkBytes: reader.u32(), salt: reader.raw32(), commitment: reader.raw32() };
  const sound = Number.isInteger(Math.log2(header.chunkBytes)) && header.chunkBytes >= CHUNK_BYTES_MIN && header.chunkBytes <= 16 * BLOB_CHUNK_BYTES;
  if (!sound) throw new SealError('layout', 'a chunk size that no sealer uses');
  return header;
}

function encodeBlobHeader({ keyEpoch, chunkBytes, salt, commitment }: BlobHeader): Uint8Array {
  return new ByteWriter(BLOB_HEADER_BYTES).u8(SUITE).u32(keyEpoch).u32(chunkBytes).raw32(salt).raw32(commitment).finish();
}

/** The smallest length on the grid whose chunks have room for the plaintext beside their tags. */
function sealedBytes(plainBytes: number, chunkBytes: number): number {
  let total = Math.max(256, padme(plainBytes + TAG_BYTES));
  while (total - TAG_BYTES * Math.ceil(total / chunkBytes) < plainBytes) total = padme(total + 1);
  return total;
}

function blobKeys(epochKey: Uint8Array, space: Uint8Array, salt: Uint8Array): { key: Uint8Array; commitment: Uint8Array } {
  const both = derive(epochHalves(epochKey, space).content, salt, 'blob-key', space, 64);
  return { key: both.subarray(0, 32), commitment: both.subarray(32) };
}

function chunkNonce(index: number): Uint8Array {
  return new ByteWriter(12).zeros(8).u32(index).finish();
}

interface ChunkPlace {
  readonly space: Uint8Array;
  readonly keyEpoch: number;
}

function chunkData({ space, keyEpoch }: ChunkPlace, { chunkBytes, count }: Layout, index: number): Uint8Array {
  const writer = new ByteWriter(96).raw(domain('blob-chunk')).raw32(space).u32(keyEpoch);
  return writer.u32(chunkBytes).u32(index).u8(index === count - 1 ? 1 : 0).finish();
}
