// The header of a sealed entry, in clear: what its author states and signs. Layout: docs/protocol.md section 8.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { FrameError } from '../../protocol/frame-error.js';
import { domain } from '../../protocol/hash.js';
import { SEEN_HEADS_MAX } from '../../protocol/limits.js';
import { SealError } from './seal-error.js';

const FORMAT = 1;
const FIXED_BYTES = 179;
const SEEN_BYTES = 88;

/** Data of the app. */
export const ENTRY_TYPE_APP = 1;
/** What the author calls itself: one item, UTF-8. */
export const ENTRY_TYPE_DEVICE_NAME = 2;
/** The author stored a snapshot here with history of another relay's log: one item, its id; zeros, of an entry that only makes a log begin. */
export const ENTRY_TYPE_CARRIED = 3;

/** A head the author had verified, with the time of the attestation under which it did. */
export interface SeenHead {
  readonly logId: Uint8Array;
  readonly logEpoch: number;
  readonly size: number;
  readonly head: Uint8Array;
  readonly time: number;
}

/** The roster the author knew. */
export interface RosterRef {
  readonly version: number;
  readonly hash: Uint8Array;
}

/** The signed fields of a header. */
export interface EntryHeader {
  readonly type: number;
  readonly time: number;
  /** Id of this device's entry before; zeros for its first. */
  readonly previous: Uint8Array;
  readonly roster: RosterRef;
  readonly seen: readonly SeenHead[];
  readonly contentHash: Uint8Array;
}

/** What the header's signature and both layers' associated data bind beside the header itself. */
export interface EntryPlace {
  readonly space: Uint8Array;
  readonly device: Uint8Array;
  readonly pushSeq: number;
  readonly keyEpoch: number;
}

/** Bytes of a header's plaintext with that many seen heads. */
export function headerBytes(seenCount: number): number {
  if (seenCount > SEEN_HEADS_MAX) throw new RangeError(`at most ${SEEN_HEADS_MAX} seen heads`);
  return FIXED_BYTES + SEEN_BYTES * seenCount;
}

/** The text the device signs. */
export function entrySigningBytes(place: EntryPlace, suite: number, salt: Uint8Array, header: EntryHeader): Uint8Array {
  const writer = new ByteWriter(512).raw(domain('entry-signature')).raw32(place.space).raw32(place.device);
  return writeFields(writer.u64(place.pushSeq).u32(place.keyEpoch).u8(suite).raw32(salt), header).finish();
}

/** The header's plaintext. */
export function encodeHeader(header: EntryHeader, signature: Uint8Array): Uint8Array {
  return writeFields(new ByteWriter(headerBytes(header.seen.length)), header).fixed(signature, 64).finish();
}

/** Reads a header's plaintext; throws SealError `header` when it is not well formed. */
export function parseHeader(bytes: Uint8Array): EntryHeader & { readonly signature: Uint8Array } {
  try {
    return readHeader(new ByteReader(bytes));
  } catch (cause) {
    if (cause instanceof FrameError) throw new SealError('header', cause.message, { cause });
    throw cause;
  }
}

function readHeader(reader: ByteReader): EntryHeader & { readonly signature: Uint8Array } {
  if (reader.u8() !== FORMAT) throw new SealError('header', 'an unknown header format');
  const type = reader.u8();
  if (type < ENTRY_TYPE_APP || type > ENTRY_TYPE_CARRIED) throw new SealError('header', 'an unknown type of entry');
  const header = {
    type,
    time: reader.u64(),
    previous: reader.raw32(),
    roster: { version: reader.u64(), hash: reader.raw32() },
    seen: reader.list(reader.u8(), SEEN_HEADS_MAX, SEEN_BYTES, readSeen),
    contentHash: reader.raw32(),
    signature: reader.raw(64),
  };
  reader.end();
  return header;
}

function readSeen(reader: ByteReader): SeenHead {
  return { logId: reader.raw32(), logEpoch: reader.u64(), size: reader.u64(), head: reader.raw32(), time: reader.u64() };
}

function writeFields(writer: ByteWriter, header: EntryHeader): ByteWriter {
  return writer
    .u8(FORMAT)
    .u8(header.type)
    .u64(header.time)
    .raw32(header.previous)
    .u64(header.roster.version)
    .raw32(header.roster.hash)
    .u8(header.seen.length)
    .each(header.seen, (to, seen) => to.raw32(seen.logId).u64(seen.logEpoch).u64(seen.size).raw32(seen.head).u64(seen.time))
    .raw32(header.contentHash);
}
