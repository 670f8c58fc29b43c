// The snapshot manifest: what an author states about a sealed snapshot, checked by the relay and by whoever opens it.
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { Ed25519 } from './ed25519.js';
import { equalBytes } from './equal-bytes.js';
import { FrameError } from './frame-error.js';
import { domain, hash } from './hash.js';
import { COMPACT_RANGE_MAX, SNAPSHOT_CHUNK_BYTES_MAX, SNAPSHOT_CHUNK_BYTES_MIN } from './limits.js';
import { CompactRange, foldRange } from './merkle.js';

const FORMAT = 1;
const SIGNATURE_BYTES = 64;
const CHUNK_NUMBERS_MAX = 0xffff_ffff;

/** The signed fields of a manifest; the layout is in docs/protocol.md section 6. */
export interface SnapshotManifestFields {
  readonly suite: number;
  readonly space: Uint8Array;
  readonly device: Uint8Array;
  readonly keyEpoch: number;
  readonly logId: Uint8Array;
  readonly logEpoch: number;
  readonly size: number;
  readonly head: Uint8Array;
  readonly range: readonly Uint8Array[];
  readonly totalBytes: number;
  readonly chunkBytes: number;
  readonly chunksHash: Uint8Array;
  readonly salt: Uint8Array;
  readonly commitment: Uint8Array;
  readonly time: number;
}

/** A parsed manifest with its exact bytes and its id. */
export interface SnapshotManifest extends SnapshotManifestFields {
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
  readonly id: Uint8Array;
}

/** The text the author's device signs. */
export function manifestSigningBytes(fields: SnapshotManifestFields): Uint8Array {
  return writeFields(new ByteWriter().raw(domain('snapshot')), fields).finish();
}

/** The complete manifest. */
export function encodeManifest(fields: SnapshotManifestFields, signature: Uint8Array): Uint8Array {
  return writeFields(new ByteWriter(), fields).fixed(signature, SIGNATURE_BYTES).finish();
}

/** Reads a manifest; throws FrameError when it is not well formed or its range does not fold to its head. The signature is checked apart. */
export function parseManifest(bytes: Uint8Array): SnapshotManifest {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== FORMAT) throw new FrameError('malformed_frame', 'an unknown manifest format');
  const fields = {
    suite: reader.u8(),
    space: reader.raw32(),
    device: reader.raw32(),
    keyEpoch: reader.u32(),
    logId: reader.raw32(),
    logEpoch: reader.u64(),
    size: reader.u64(),
    head: reader.raw32(),
    range: reader.list32(reader.u8(), COMPACT_RANGE_MAX),
    totalBytes: reader.u64(),
    chunkBytes: reader.u32(),
    chunksHash: reader.raw32(),
    salt: reader.raw32(),
    commitment: reader.raw32(),
    time: reader.u64(),
  };
  const signature = reader.raw(SIGNATURE_BYTES);
  reader.end();
  checkRanges(fields);
  return { ...fields, signature, bytes, id: hash(bytes) };
}

/** Whether the named device signed the manifest; the caller looks the device up in the roster. */
export async function verifyManifest(manifest: SnapshotManifest, ed25519: Ed25519): Promise<boolean> {
  return ed25519.verify(manifest.device, manifestSigningBytes(manifest), manifest.signature);
}

/** The author's compact range, or undefined when it is not one of size − base_size + 1 leaves that folds to the head. */
export function manifestRange(manifest: SnapshotManifestFields, baseSize: number): CompactRange | undefined {
  const range = CompactRange.fromHashes(manifest.size - baseSize + 1, manifest.range);
  return range !== undefined && equalBytes(range.root(), manifest.head) ? range : undefined;
}

/** How many chunks the snapshot has. */
export function chunkCount(fields: Pick<SnapshotManifestFields, 'totalBytes' | 'chunkBytes'>): number {
  return Math.ceil(fields.totalBytes / fields.chunkBytes);
}

/** H(H(chunk 0) ‖ H(chunk 1) ‖ …). */
export function chunksHash(chunkHashes: readonly Uint8Array[]): Uint8Array {
  return hash(...chunkHashes);
}

function checkRanges(fields: SnapshotManifestFields): void {
  const { chunkBytes, totalBytes, range, head } = fields;
  const chunksFit = chunkBytes >= SNAPSHOT_CHUNK_BYTES_MIN && chunkBytes <= SNAPSHOT_CHUNK_BYTES_MAX && totalBytes > 0;
  if (!chunksFit || chunkCount(fields) > CHUNK_NUMBERS_MAX) throw new FrameError('request_invalid', 'a size outside its limits');
  const root = foldRange(range);
  if (root === undefined || !equalBytes(root, head)) throw new FrameError('request_invalid', 'a range that does not fold to the head');
}

function writeFields(writer: ByteWriter, fields: SnapshotManifestFields): ByteWriter {
  return writer
    .u8(FORMAT)
    .u8(fields.suite)
    .raw32(fields.space)
    .raw32(fields.device)
    .u32(fields.keyEpoch)
    .raw32(fields.logId)
    .u64(fields.logEpoch)
    .u64(fields.size)
    .raw32(fields.head)
    .u8(fields.range.length)
    .each(fields.range, (to, node) => to.raw32(node))
    .u64(fields.totalBytes)
    .u32(fields.chunkBytes)
    .raw32(fields.chunksHash)
    .raw32(fields.salt)
    .raw32(fields.commitment)
    .u64(fields.time);
}
