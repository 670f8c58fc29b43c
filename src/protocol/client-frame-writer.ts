// Writes the frames that every client sends, and those of the sets it was given.
import { ByteWriter } from './byte-writer.js';
import type { ClientFrame, HelloFrame } from './client-frame.js';
import type { FrameSet } from './frame-set.js';
import { FRAME_TYPE } from './frame-type.js';
import { OMIT_OWN_BODIES } from './limits.js';
import { writeChainAndKeyring } from './roster-chain.js';

/** The frame as one binary message; throws for a frame of another set. */
export function writeClientFrame(frame: ClientFrame, sets: readonly FrameSet[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(FRAME_TYPE[frame.type]);
  if (!writeCore(writer, frame) && !sets.some((set) => set.write(writer, frame))) throw new RangeError(`no set of frames has ${frame.type}`);
  return writer.finish();
}

function writeCore(writer: ByteWriter, frame: ClientFrame): boolean {
  switch (frame.type) {
    case 'Hello':
      writeHello(writer, frame);
      return true;
    case 'Proof':
      writeChainAndKeyring(writer, frame);
      writer.fixed(frame.signature, 64);
      return true;
    case 'FoundingProof':
      writeChainAndKeyring(writer, frame);
      writer.bytes16(frame.admission).fixed(frame.signature, 64);
      return true;
    case 'Ping':
      writer.u64(frame.nonce);
      return true;
    case 'Push':
      writer.u64(frame.pushSeqFirst).u32(frame.keyEpoch).u16(frame.entries.length);
      writer.each(frame.entries, (to, sealed) => to.bytes32(sealed));
      return true;
    case 'Pull':
      writer.u32(frame.request).u64(frame.logEpoch).u64(frame.after).u32(frame.entriesMax).u32(frame.bytesMax);
      return true;
    case 'Subscribe':
      writer.u64(frame.logEpoch).u64(frame.after).u8(frame.omitOwnBodies ? OMIT_OWN_BODIES : 0);
      return true;
    case 'Ack':
      writer.u64(frame.logEpoch).u64(frame.size).raw32(frame.head).fixed(frame.signature, 64);
      return true;
    case 'RosterPut':
      writeChainAndKeyring(writer, frame);
      return true;
    case 'PullLeaves':
      writer.u32(frame.request).u64(frame.firstSeq).u32(frame.count);
      return true;
    default:
      return false;
  }
}

function writeHello(writer: ByteWriter, frame: HelloFrame): void {
  writer.u8(frame.versions.length).each(frame.versions, (to, version) => to.u16(version));
  writer.bits64(frame.features).raw32(frame.space).raw32(frame.device).raw32(frame.clientNonce);
  writer.u64(frame.rosterVersion).raw32(frame.rosterHash);
}
