// Bytes of the frames that purge a log and erase a space.
import { readAttestation } from './attestation.js';
import type { FrameSet } from './frame-set.js';
import { FRAME_TYPE } from './frame-type.js';

const read: FrameSet['read'] = (reader, type) => (type === FRAME_TYPE.Purged ? { type: 'Purged', size: reader.u64(), attestation: readAttestation(reader) } : undefined);

const write: FrameSet['write'] = (writer, frame) => {
  switch (frame.type) {
    case 'Purge':
      writer.u64(frame.logEpoch).u64(frame.size).raw32(frame.head).fixed(frame.signature, 64);
      return true;
    case 'Erase':
      writer.u64(frame.logEpoch).u64(frame.rosterVersion).raw32(frame.rosterHash).fixed(frame.signature, 64);
      return true;
    default:
      return false;
  }
};

export const ERASURE_FRAMES: FrameSet = { read, write };
