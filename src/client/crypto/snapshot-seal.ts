// Sealing of snapshots into chunks with a signed manifest, and opening them. docs/protocol.md sections 6 and 8.
//
// Every chunk but the last has `chunk_bytes` sealed bytes, tag included; `total_bytes` counts sealed bytes and lies on the
// PADMÉ grid. With a chunk size that is a power of two the last chunk then is never shorter than a tag.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { FrameError } from '../../protocol/frame-error.js';
import { domain, hash } from '../../protocol/hash.js';
import { SNAPSHOT_BYTES_MAX, SNAPSHOT_CHAINS_MAX, SNAPSHOT_CHUNK_BYTES_MIN } from '../../protocol/limits.js';
import { padme } from '../../protocol/padme.js';
import { chunkCount, chunksHash, encodeManifest, manifestSigningBytes } from '../../protocol/snapshot.js';
import type { SnapshotManifestFields } from '../../protocol/snapshot.js';
import { TAG_BYTES, aesOpen, aesSeal, importAesKey } from './aes-gcm.js';
import { derive, epochHalves } from './derive.js';
import type { DeviceSecret } from './keys.js';
import type { Random } from './platform.js';
import { SealError } from './seal-error.js';

const SUITE = 1;
const CHAIN_BYTES = 72;

/** The last entry the author saw of one device, so that a new device can judge `previous`. */
export interface DeviceChain {
  readonly device: Uint8Array;
  readonly pushSeq: number;
  readonly entryId: Uint8Array;
}

/** What a snapshot holds. */
export interface SnapshotState {
  readonly chains: readonly DeviceChain[];
  readonly state: Uint8Array;
}

/** The position in the log that a snapshot covers. */
export type SnapshotPosition = Pick<SnapshotManifestFields, 'logId' | 'logEpoch' | 'size' | 'head' | 'range'>;

/** What is sealed, where it stands, and under what. */
export interface SealSnapshotInput extends SnapshotState {
  readonly ed25519: Ed25519;
  readonly epochKey: Uint8Array;
  readonly keyEpoch: number;
  readonly space: Uint8Array;
  readonly device: DeviceSecret;
  readonly position: SnapshotPosition;
  /** A power of two from 64 KiB to 1 MiB; 64 KiB when absent. */
  readonly chunkBytes?: number;
  readonly time: number;
  readonly random: Random;
}

/** A manifest and its chunks in order, ready for upload. */
export interface SealedSnapshot {
  readonly manifest: Uint8Array;
  readonly chunks: readonly Uint8Array[];
}

/** All chunks in order, their manifest (whose signature the caller has checked), and the key of that epoch. */
export interface OpenSnapshotInput {
  readonly epochKey: Uint8Array;
  readonly manifest: SnapshotManifestFields;
  readonly chunks: readonly Uint8Array[];
}

/** Seals a state. Throws SealError `size` when it is larger than any relay takes. */
export async function sealSnapshot(input: SealSnapshotInput): Promise<SealedSnapshot> {
  const chunkBytes = checkedChunkBytes(input.chunkBytes ?? SNAPSHOT_CHUNK_BYTES_MIN);
  const plaintext = encodeState(input, chunkBytes);
  const salt = input.random(32);
  const keys = snapshotKeys(input.epochKey, input.space, salt);
  const key = await importAesKey(keys.key, 'encrypt');
  const place = { space: input.space, device: input.device.key, size: input.position.size, head: input.position.head };
  const step = chunkBytes - TAG_BYTES;
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < plaintext.length; at += step) {
    const aad = chunkData(place, chunks.length, at + step >= plaintext.length);
    chunks.push(await aesSeal(key, chunkNonce(chunks.length), aad, plaintext.subarray(at, at + step)));
  }
  const fields = {
    suite: SUITE,
    space: input.space,
    device: input.device.key,
    keyEpoch: input.keyEpoch,
    ...input.position,
    totalBytes: plaintext.length + TAG_BYTES * chunks.length,
    chunkBytes,
    chunksHash: chunksHash(chunks.map((chunk) => hash(chunk))),
    salt,
    commitment: keys.commitment,
    time: input.time,
  };
  const signature = await input.ed25519.sign(input.device.seed, manifestSigningBytes(fields));
  return { manifest: encodeManifest(fields, signature), chunks };
}

/** Opens a snapshot; throws SealError for anything that does not hold. Author, position and signature are judged by the caller. */
export async function openSnapshot({ epochKey, manifest, chunks }: OpenSnapshotInput): Promise<SnapshotState> {
  if (manifest.suite !== SUITE) throw new SealError('suite', `suite ${manifest.suite} is not known`);
  checkChunks(manifest, chunks);
  const keys = snapshotKeys(epochKey, manifest.space, manifest.salt);
  if (!equalBytes(keys.commitment, manifest.commitment)) throw new SealError('commitment', 'sealed under another key');
  const key = await importAesKey(keys.key, 'decrypt');
  const plaintext = new Uint8Array(manifest.totalBytes - TAG_BYTES * chunks.length);
  let at = 0;
  for (const [index, chunk] of chunks.entries()) {
    const part = await aesOpen(key, chunkNonce(index), chunkData(manifest, index, index === chunks.length - 1), chunk);
    if (part === undefined) throw new SealError('content', `the tag of chunk ${index} does not hold`);
    plaintext.set(part, at);
    at += part.length;
  }
  return parseState(plaintext);
}

function checkedChunkBytes(chunkBytes: number): number {
  const powerOfTwo = Number.isInteger(Math.log2(chunkBytes));
  if (!powerOfTwo || chunkBytes < SNAPSHOT_CHUNK_BYTES_MIN || chunkBytes > 16 * SNAPSHOT_CHUNK_BYTES_MIN) {
    throw new RangeError('a chunk size is a power of two from 64 KiB to 1 MiB');
  }
  return chunkBytes;
}

function checkChunks(manifest: SnapshotManifestFields, chunks: readonly Uint8Array[]): void {
  const { totalBytes, chunkBytes } = manifest;
  if (totalBytes > SNAPSHOT_BYTES_MAX || padme(totalBytes) !== totalBytes) throw new SealError('size', 'a size beside the grid or above the limit');
  const count = chunkCount(manifest);
  const fits = (chunk: Uint8Array, i: number): boolean =>
    chunk.length >= TAG_BYTES && chunk.length === (i < count - 1 ? chunkBytes : totalBytes - chunkBytes * (count - 1));
  if (chunks.length !== count || !chunks.every(fits)) throw new SealError('layout', 'chunks missing or of another length');
  if (!equalBytes(chunksHash(chunks.map((chunk) => hash(chunk))), manifest.chunksHash)) {
    throw new SealError('content_hash', 'the chunks are not those of the manifest');
  }
}

function encodeState({ chains, state }: SnapshotState, chunkBytes: number): Uint8Array {
  const length = 2 + CHAIN_BYTES * chains.length + 4 + state.length;
  const padded = plaintextBytes(length, chunkBytes);
  const writer = new ByteWriter(padded).u16(chains.length);
  writer.each(chains, (to, chain) => to.raw32(chain.device).u64(chain.pushSeq).raw32(chain.entryId)).bytes32(state);
  return writer.zeros(padded - writer.length).finish();
}

// The smallest total on the grid whose chunks have room for the plaintext beside their tags.
function plaintextBytes(length: number, chunkBytes: number): number {
  let total = padme(length + TAG_BYTES);
  while (total - TAG_BYTES * Math.ceil(total / chunkBytes) < length) total = padme(total + 1);
  if (total > SNAPSHOT_BYTES_MAX) throw new SealError('size', `a snapshot of ${total} bytes; the limit is ${SNAPSHOT_BYTES_MAX}`);
  return total - TAG_BYTES * Math.ceil(total / chunkBytes);
}

function parseState(plaintext: Uint8Array): SnapshotState {
  try {
    const reader = new ByteReader(plaintext);
    const chains = reader.list(reader.u16(), SNAPSHOT_CHAINS_MAX, CHAIN_BYTES, (from) => ({
      device: from.raw32(),
      pushSeq: from.u64(),
      entryId: from.raw32(),
    }));
    const state = reader.bytes32();
    if (reader.raw(reader.remaining).some((byte) => byte !== 0)) throw new SealError('padding', 'bytes other than zero');
    return { chains, state };
  } catch (cause) {
    if (cause instanceof FrameError) throw new SealError('content', cause.message, { cause });
    throw cause;
  }
}

function snapshotKeys(epochKey: Uint8Array, space: Uint8Array, salt: Uint8Array): { key: Uint8Array; commitment: Uint8Array } {
  const both = derive(epochHalves(epochKey, space).content, salt, 'snapshot-key', space, 64);
  return { key: both.subarray(0, 32), commitment: both.subarray(32) };
}

function chunkNonce(index: number): Uint8Array {
  return new ByteWriter(12).zeros(8).u32(index).finish();
}

type ChunkPlace = Pick<SnapshotManifestFields, 'space' | 'device' | 'size' | 'head'>;

function chunkData(place: ChunkPlace, index: number, last: boolean): Uint8Array {
  const writer = new ByteWriter(160).raw(domain('snapshot-chunk')).raw32(place.space).raw32(place.device);
  return writer.u64(place.size).raw32(place.head).u32(index).u8(last ? 1 : 0).finish();
}
