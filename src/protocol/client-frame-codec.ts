// Bytes of all frames a client sends: relays in TypeScript and test doubles decode, tools encode. Clients write with `client-frame-writer.ts`.
import { ALL_FRAME_SETS } from './all-frame-sets.js';
import { ByteReader, U64_MAX } from './byte-reader.js';
import { writeClientFrame } from './client-frame-writer.js';
import type { ClientFrame } from './client-frame.js';
import { FrameError } from './frame-error.js';
import { FRAME_TYPE } from './frame-type.js';
import { ADMISSION_BYTES_MAX, HELLO_VERSIONS_MAX, LEAVES_PAGE_MAX, OMIT_OWN_BODIES, SNAPSHOT_CHUNK_BYTES_MAX, SNAPSHOT_MANIFEST_BYTES_MAX } from './limits.js';
import { readLiveClientFrame } from './live-frame-codec.js';
import { readChainAndKeyring } from './roster-chain.js';

const COUNT_MAX = 0xffff;
const ENTRY_BYTES_MIN = 4;
const U32_MAX = 0xffff_ffff;

/** The frame as one binary message. */
export function encodeClientFrame(frame: ClientFrame): Uint8Array<ArrayBuffer> {
  return writeClientFrame(frame, ALL_FRAME_SETS);
}

/** The frame of one binary message; throws FrameError when the bytes do not follow the protocol. */
export function decodeClientFrame(message: Uint8Array): ClientFrame {
  const reader = new ByteReader(message);
  const frame = readBody(reader, reader.u8());
  reader.end();
  return frame;
}

/** The versions a Hello offers. This prefix is frozen, so it reads the Hello of any protocol version. */
export function decodeHelloVersions(message: Uint8Array): readonly number[] {
  const reader = new ByteReader(message);
  if (reader.u8() !== FRAME_TYPE.Hello) throw new FrameError('unexpected_frame', 'the first frame is not a Hello');
  return readVersions(reader);
}

function readVersions(reader: ByteReader): number[] {
  const versions = reader.list(reader.u8(), HELLO_VERSIONS_MAX, 2, (from) => from.u16());
  if (versions.length === 0) throw new FrameError('request_invalid', 'a Hello that offers no version');
  return versions;
}

function readBody(reader: ByteReader, type: number): ClientFrame {
  switch (type) {
    case FRAME_TYPE.Hello:
      return readHello(reader);
    case FRAME_TYPE.Proof:
      return { type: 'Proof', ...readChainAndKeyring(reader), signature: reader.raw(64) };
    case FRAME_TYPE.FoundingProof:
      return readFoundingProof(reader);
    case FRAME_TYPE.Ping:
      return { type: 'Ping', nonce: reader.u64() };
    case FRAME_TYPE.Push:
      return readPush(reader);
    case FRAME_TYPE.Pull:
      return readPull(reader);
    case FRAME_TYPE.Subscribe:
      return { type: 'Subscribe', logEpoch: reader.u64(), after: reader.u64(), omitOwnBodies: readFlag(reader, OMIT_OWN_BODIES) };
    case FRAME_TYPE.Ack:
      return { type: 'Ack', logEpoch: reader.u64(), size: reader.u64(), head: reader.raw32(), signature: reader.raw(64) };
    case FRAME_TYPE.RosterPut:
      return { type: 'RosterPut', ...readChainAndKeyring(reader) };
    case FRAME_TYPE.PullLeaves:
      return { type: 'PullLeaves', request: reader.u32(), firstSeq: reader.u64(), count: inRange(reader.u32(), LEAVES_PAGE_MAX) };
    case FRAME_TYPE.Purge:
      return { type: 'Purge', logEpoch: reader.u64(), size: inRange(reader.u64(), U64_MAX), head: reader.raw32(), signature: reader.raw(64) };
    case FRAME_TYPE.Erase:
      return { type: 'Erase', logEpoch: reader.u64(), rosterVersion: reader.u64(), rosterHash: reader.raw32(), signature: reader.raw(64) };
    case FRAME_TYPE.SnapshotBegin:
      return { type: 'SnapshotBegin', manifest: reader.bytes32(SNAPSHOT_MANIFEST_BYTES_MAX) };
    case FRAME_TYPE.SnapshotChunk:
      return { type: 'SnapshotChunk', snapshot: reader.raw32(), index: reader.u32(), bytes: reader.bytes32(SNAPSHOT_CHUNK_BYTES_MAX) };
    case FRAME_TYPE.SnapshotGet:
      return { type: 'SnapshotGet', snapshot: reader.raw32(), firstChunk: reader.u32(), chunksMax: reader.u32() };
    case FRAME_TYPE.SnapshotAck:
      return { type: 'SnapshotAck', snapshot: reader.raw32(), signature: reader.raw(64) };
    default: {
      const live = readLiveClientFrame(reader, type);
      if (live === undefined) throw new FrameError('unexpected_frame', `no client frame has the number ${type}`);
      return live;
    }
  }
}

function readFoundingProof(reader: ByteReader): ClientFrame {
  const news = readChainAndKeyring(reader);
  const admission = reader.bytes16(ADMISSION_BYTES_MAX);
  inRange(admission.length, ADMISSION_BYTES_MAX);
  return { type: 'FoundingProof', ...news, admission, signature: reader.raw(64) };
}

function readHello(reader: ByteReader): ClientFrame {
  return {
    type: 'Hello',
    versions: readVersions(reader),
    features: reader.bits64(),
    space: reader.raw32(),
    device: reader.raw32(),
    clientNonce: reader.raw32(),
    rosterVersion: reader.u64(),
    rosterHash: reader.raw32(),
  };
}

function readPush(reader: ByteReader): ClientFrame {
  const pushSeqFirst = inRange(reader.u64(), U64_MAX);
  const keyEpoch = reader.u32();
  const entries = reader.list(inRange(reader.u16(), COUNT_MAX), COUNT_MAX, ENTRY_BYTES_MIN, readSealed);
  // In this order, because a sum above 2^53 would be rounded.
  inRange(pushSeqFirst + (entries.length - 1), U64_MAX);
  return { type: 'Push', pushSeqFirst, keyEpoch, entries };
}

function readPull(reader: ByteReader): ClientFrame {
  return {
    type: 'Pull',
    request: inRange(reader.u32(), U32_MAX),
    logEpoch: reader.u64(),
    after: reader.u64(),
    entriesMax: inRange(reader.u32(), U32_MAX),
    bytesMax: reader.u32(),
  };
}

function readSealed(reader: ByteReader): Uint8Array {
  const sealed = reader.bytes32();
  inRange(sealed.length, U32_MAX);
  return sealed;
}

function inRange(value: number, max: number): number {
  if (value < 1 || value > max) throw new FrameError('request_invalid', `a field of ${value} is not from 1 to ${max}`);
  return value;
}

function readFlag(reader: ByteReader, bit: number): boolean {
  const flags = reader.u8();
  if ((flags & ~bit) !== 0) throw new FrameError('malformed_frame', 'an unknown flag');
  return flags !== 0;
}
