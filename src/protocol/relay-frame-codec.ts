// Bytes of the frames a relay sends. The client decodes; relays in TypeScript and test doubles encode.
import { readAttestation, writeAttestation } from './attestation.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { FrameError } from './frame-error.js';
import { FRAME_TYPE } from './frame-type.js';
import { LEAVES_PAGE_MAX, SESSION_TICKET_BYTES, SESSION_TOKEN_BYTES_MAX, SNAPSHOT_CHUNK_BYTES_MAX, SNAPSHOT_MANIFEST_BYTES_MAX } from './limits.js';
import { readLiveRelayFrame, writeLiveFrame } from './live-frame-codec.js';
import { readEntries, readReceipt, writeEntries, writeReceipt } from './log-frame-codec.js';
import { readLogReset, writeLogReset } from './log-reset.js';
import type { RelayFrame, WelcomeFrame } from './relay-frame.js';
import { readChainAndKeyring, writeChainAndKeyring } from './roster-chain.js';

/** The frame as one binary message. */
export function encodeRelayFrame(frame: RelayFrame): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(FRAME_TYPE[frame.type]);
  writeBody(writer, frame);
  return writer.finish();
}

/** The frame of one binary message; throws FrameError when the bytes do not follow the protocol. */
export function decodeRelayFrame(message: Uint8Array): RelayFrame {
  const reader = new ByteReader(message);
  const frame = readBody(reader, reader.u8());
  reader.end();
  return frame;
}

function writeBody(writer: ByteWriter, frame: RelayFrame): void {
  switch (frame.type) {
    case 'Challenge':
      writer.u16(frame.version).bits64(frame.features).raw32(frame.logId).raw32(frame.relayNonce);
      return;
    case 'Welcome':
      writeWelcome(writer, frame);
      return;
    case 'Error':
      writer.u16(frame.code).u64(frame.context).u32(frame.retryAfterMs).bytes16(frame.detail);
      return;
    case 'Goaway':
      writer.u16(frame.reason).u32(frame.reconnectAfterMs).u32(frame.reconnectSpreadMs);
      return;
    case 'Pong':
      writeAttestation(writer.u64(frame.nonce), frame.attestation);
      return;
    case 'Receipt':
      writeReceipt(writer, frame);
      return;
    case 'Entries':
      writeEntries(writer, frame);
      return;
    case 'AckNotice':
      writer.raw32(frame.device).u64(frame.logEpoch).u64(frame.size).raw32(frame.head).fixed(frame.signature, 64);
      return;
    case 'RosterUpdate':
      writeChainAndKeyring(writer, frame);
      return;
    case 'LogReset':
      writeLogReset(writer, frame);
      return;
    case 'CursorExpired':
      writeAttestation(writer.u32(frame.request), frame.attestation);
      return;
    case 'Leaves':
      writer.u32(frame.request).u64(frame.firstSeq).u32(frame.leaves.length).each(frame.leaves, (to, leaf) => to.raw32(leaf));
      return;
    case 'Purged':
      writer.u64(frame.size);
      writeAttestation(writer, frame.attestation);
      return;
    case 'SnapshotChunk':
      writer.raw32(frame.snapshot).u32(frame.index).bytes32(frame.bytes);
      return;
    case 'SnapshotStatus':
      writer.raw32(frame.snapshot).u32(frame.nextChunk).u8(frame.stored ? 1 : 0);
      return;
    case 'SnapshotManifest':
      writer.bytes32(frame.manifest);
      return;
    case 'SnapshotDue':
      writer.u64(frame.size);
      return;
    case 'SessionTicket':
      writer.u32(frame.expiresInMs).fixed(frame.ticket, SESSION_TICKET_BYTES);
      return;
    case 'SessionToken':
      writer.u32(frame.expiresInMs).bytes16(frame.token);
      return;
    default:
      writeLiveFrame(writer, frame);
  }
}

function writeWelcome(writer: ByteWriter, frame: WelcomeFrame): void {
  writer.u64(frame.logEpoch).u64(frame.rosterVersion).raw32(frame.rosterHash);
  writer.u64(frame.pushSeqHigh).u8(frame.pushSeqBound ? 1 : 0).raw32(frame.lastEntryId);
  const { limits, policy } = frame;
  writer.u32(limits.messageBytesMax).u32(limits.entryBytesMax).u16(limits.pushEntriesMax);
  writer.u32(limits.pushBytesInFlightMax).u32(limits.heartbeatMs);
  writer.u64(policy.retentionMs).u64(policy.deviceLeaseMs);
  writeAttestation(writer, frame.attestation);
  writer.fixed(frame.signature, 64);
}

function readBody(reader: ByteReader, type: number): RelayFrame {
  switch (type) {
    case FRAME_TYPE.Challenge:
      return { type: 'Challenge', version: reader.u16(), features: reader.bits64(), logId: reader.raw32(), relayNonce: reader.raw32() };
    case FRAME_TYPE.Welcome:
      return readWelcome(reader);
    case FRAME_TYPE.Error:
      return { type: 'Error', code: reader.u16(), context: reader.u64(), retryAfterMs: reader.u32(), detail: reader.bytes16() };
    case FRAME_TYPE.Goaway:
      return { type: 'Goaway', reason: reader.u16(), reconnectAfterMs: reader.u32(), reconnectSpreadMs: reader.u32() };
    case FRAME_TYPE.Pong:
      return { type: 'Pong', nonce: reader.u64(), attestation: readAttestation(reader) };
    case FRAME_TYPE.Receipt:
      return readReceipt(reader);
    case FRAME_TYPE.Entries:
      return readEntries(reader);
    case FRAME_TYPE.AckNotice:
      return readAckNotice(reader);
    case FRAME_TYPE.RosterUpdate:
      return { type: 'RosterUpdate', ...readChainAndKeyring(reader) };
    case FRAME_TYPE.LogReset:
      return { type: 'LogReset', ...readLogReset(reader) };
    case FRAME_TYPE.CursorExpired:
      return { type: 'CursorExpired', request: reader.u32(), attestation: readAttestation(reader) };
    case FRAME_TYPE.Leaves:
      return readLeaves(reader);
    default:
      return readSnapshotBody(reader, type);
  }
}

function readSnapshotBody(reader: ByteReader, type: number): RelayFrame {
  switch (type) {
    case FRAME_TYPE.Purged:
      return { type: 'Purged', size: reader.u64(), attestation: readAttestation(reader) };
    case FRAME_TYPE.SnapshotChunk:
      return { type: 'SnapshotChunk', snapshot: reader.raw32(), index: reader.u32(), bytes: reader.bytes32(SNAPSHOT_CHUNK_BYTES_MAX) };
    case FRAME_TYPE.SnapshotStatus:
      return { type: 'SnapshotStatus', snapshot: reader.raw32(), nextChunk: reader.u32(), stored: readBoolean(reader) };
    case FRAME_TYPE.SnapshotManifest:
      return { type: 'SnapshotManifest', manifest: reader.bytes32(SNAPSHOT_MANIFEST_BYTES_MAX) };
    case FRAME_TYPE.SnapshotDue:
      return { type: 'SnapshotDue', size: reader.u64() };
    case FRAME_TYPE.SessionTicket:
      return { type: 'SessionTicket', expiresInMs: reader.u32(), ticket: reader.raw(SESSION_TICKET_BYTES) };
    case FRAME_TYPE.SessionToken:
      return { type: 'SessionToken', expiresInMs: reader.u32(), token: reader.bytes16(SESSION_TOKEN_BYTES_MAX) };
    default: {
      const live = readLiveRelayFrame(reader, type);
      if (live === undefined) throw new FrameError('unexpected_frame', `no relay frame has the number ${type}`);
      return live;
    }
  }
}

function readWelcome(reader: ByteReader): WelcomeFrame {
  return {
    type: 'Welcome',
    logEpoch: reader.u64(),
    rosterVersion: reader.u64(),
    rosterHash: reader.raw32(),
    pushSeqHigh: reader.u64(),
    pushSeqBound: readBoolean(reader),
    lastEntryId: reader.raw32(),
    limits: {
      messageBytesMax: reader.u32(),
      entryBytesMax: reader.u32(),
      pushEntriesMax: reader.u16(),
      pushBytesInFlightMax: reader.u32(),
      heartbeatMs: reader.u32(),
    },
    policy: { retentionMs: reader.u64(), deviceLeaseMs: reader.u64() },
    attestation: readAttestation(reader),
    signature: reader.raw(64),
  };
}

function readAckNotice(reader: ByteReader): RelayFrame {
  return {
    type: 'AckNotice',
    device: reader.raw32(),
    logEpoch: reader.u64(),
    size: reader.u64(),
    head: reader.raw32(),
    signature: reader.raw(64),
  };
}

function readLeaves(reader: ByteReader): RelayFrame {
  const request = reader.u32();
  const firstSeq = reader.u64();
  return { type: 'Leaves', request, firstSeq, leaves: reader.list32(reader.u32(), LEAVES_PAGE_MAX) };
}

function readBoolean(reader: ByteReader): boolean {
  const value = reader.u8();
  if (value > 1) throw new FrameError('malformed_frame', 'a yes-or-no field that is neither 0 nor 1');
  return value === 1;
}
