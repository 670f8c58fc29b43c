// Bytes of all frames a relay sends: relays in TypeScript and test doubles encode, tools decode. Clients read with `relay-frame-reader.ts`.
import { ALL_FRAME_SETS } from './all-frame-sets.js';
import { writeAttestation } from './attestation.js';
import { ByteWriter } from './byte-writer.js';
import { FRAME_TYPE } from './frame-type.js';
import { SESSION_TICKET_BYTES } from './limits.js';
import { writeLiveFrame } from './live-frame-codec.js';
import { writeEntries, writeReceipt } from './log-frame-codec.js';
import { writeLogReset } from './log-reset.js';
import { readRelayFrame } from './relay-frame-reader.js';
import type { RelayFrame, WelcomeFrame } from './relay-frame.js';
import { writeChainAndKeyring } from './roster-chain.js';

/** The frame as one binary message. */
export function encodeRelayFrame(frame: RelayFrame): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(FRAME_TYPE[frame.type]);
  writeBody(writer, frame);
  return writer.finish();
}

/** The frame of one binary message; throws FrameError when the bytes do not follow the protocol. */
export function decodeRelayFrame(message: Uint8Array): RelayFrame {
  return readRelayFrame(message, ALL_FRAME_SETS);
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
