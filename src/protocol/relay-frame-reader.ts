// Reads the frames of a relay that every client needs, and those of the sets it was given.
import { readAttestation } from './attestation.js';
import { ByteReader } from './byte-reader.js';
import { FrameError } from './frame-error.js';
import type { FrameSet } from './frame-set.js';
import { FRAME_TYPE } from './frame-type.js';
import { LEAVES_PAGE_MAX } from './limits.js';
import { readEntries, readReceipt } from './log-frame-codec.js';
import { readLogReset } from './log-reset.js';
import { readBoolean } from './read-boolean.js';
import type { RelayFrame, WelcomeFrame } from './relay-frame.js';
import { readChainAndKeyring } from './roster-chain.js';

/** The frame of one binary message; throws FrameError when the bytes do not follow the protocol, and for frames of other sets. */
export function readRelayFrame(message: Uint8Array, sets: readonly FrameSet[]): RelayFrame {
  const reader = new ByteReader(message);
  const type = reader.u8();
  const frame = readCore(reader, type) ?? readSets(reader, type, sets);
  reader.end();
  return frame;
}

function readSets(reader: ByteReader, type: number, sets: readonly FrameSet[]): RelayFrame {
  for (const set of sets) {
    const frame = set.read(reader, type);
    if (frame !== undefined) return frame;
  }
  throw new FrameError('unexpected_frame', `no relay frame has the number ${type}`);
}

function readCore(reader: ByteReader, type: number): RelayFrame | undefined {
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
    case FRAME_TYPE.SnapshotDue:
      return { type: 'SnapshotDue', size: reader.u64() };
    default:
      return undefined;
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
