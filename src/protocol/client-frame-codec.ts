// Bytes of the frames a client sends. The client encodes; relays in TypeScript and test doubles decode.
import { ByteReader, U64_MAX } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { ClientFrame, HelloFrame } from './client-frame.js';
import { FrameError } from './frame-error.js';
import { FRAME_TYPE } from './frame-type.js';
import { ADMISSION_BYTES_MAX, HELLO_VERSIONS_MAX, LEAVES_PAGE_MAX, SNAPSHOT_CHUNK_BYTES_MAX, SNAPSHOT_MANIFEST_BYTES_MAX } from './limits.js';
import { readLiveClientFrame, writeLiveFrame } from './live-frame-codec.js';
import { readChainAndKeyring, writeChainAndKeyring } from './roster-chain.js';

const OMIT_OWN_BODIES = 0x01;
const COUNT_MAX = 0xffff;
const ENTRY_BYTES_MIN = 4;
const U32_MAX = 0xffff_ffff;

/** The frame as one binary message. */
export function encodeClientFrame(frame: ClientFrame): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(FRAME_TYPE[frame.type]);
  writeBody(writer, frame);
  return writer.finish();
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

function writeBody(writer: ByteWriter, frame: ClientFrame): void {
  switch (frame.type) {
    case 'Hello':
      writeHello(writer, frame);
      return;
    case 'Proof':
      writeChainAndKeyring(writer, frame);
      writer.fixed(frame.signature, 64);
      return;
    case 'FoundingProof':
      writeChainAndKeyring(writer, frame);
      writer.bytes16(frame.admission).fixed(frame.signature, 64);
      return;
    case 'Ping':
      writer.u64(frame.nonce);
      return;
    case 'Push':
      writer.u64(frame.pushSeqFirst).u32(frame.keyEpoch).u16(frame.entries.length);
      writer.each(frame.entries, (to, sealed) => to.bytes32(sealed));
      return;
    case 'Pull':
      writer.u32(frame.request).u64(frame.logEpoch).u64(frame.after).u32(frame.entriesMax).u32(frame.bytesMax);
      return;
    case 'Subscribe':
      writer.u64(frame.logEpoch).u64(frame.after).u8(frame.omitOwnBodies ? OMIT_OWN_BODIES : 0);
      return;
    case 'Ack':
      writer.u64(frame.logEpoch).u64(frame.size).raw32(frame.head).fixed(frame.signature, 64);
      return;
    case 'RosterPut':
      writeChainAndKeyring(writer, frame);
      return;
    case 'PullLeaves':
      writer.u32(frame.request).u64(frame.firstSeq).u32(frame.count);
      return;
    case 'Purge':
      writer.u64(frame.logEpoch).u64(frame.size).raw32(frame.head).fixed(frame.signature, 64);
      return;
    case 'Erase':
      writer.u64(frame.logEpoch).u64(frame.rosterVersion).raw32(frame.rosterHash).fixed(frame.signature, 64);
      return;
    case 'SnapshotBegin':
      writer.bytes32(frame.manifest);
      return;
    case 'SnapshotChunk':
      writer.raw32(frame.snapshot).u32(frame.index).bytes32(frame.bytes);
      return;
    case 'SnapshotGet':
      writer.raw32(frame.snapshot).u32(frame.firstChunk).u32(frame.chunksMax);
      return;
    case 'SnapshotAck':
      writer.raw32(frame.snapshot).fixed(frame.signature, 64);
      return;
    default:
      writeLiveFrame(writer, frame);
  }
}

function writeHello(writer: ByteWriter, frame: HelloFrame): void {
  writer.u8(frame.versions.length).each(frame.versions, (to, version) => to.u16(version));
  writer.bits64(frame.features).raw32(frame.space).raw32(frame.device).raw32(frame.clientNonce);
  writer.u64(frame.rosterVersion).raw32(frame.rosterHash);
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
