// Bytes of the frames of snapshots.
import type { FrameSet } from './frame-set.js';
import { FRAME_TYPE } from './frame-type.js';
import { SNAPSHOT_CHUNK_BYTES_MAX, SNAPSHOT_MANIFEST_BYTES_MAX } from './limits.js';
import { readBoolean } from './read-boolean.js';

const read: FrameSet['read'] = (reader, type) => {
  switch (type) {
    case FRAME_TYPE.SnapshotChunk:
      return { type: 'SnapshotChunk', snapshot: reader.raw32(), index: reader.u32(), bytes: reader.bytes32(SNAPSHOT_CHUNK_BYTES_MAX) };
    case FRAME_TYPE.SnapshotStatus:
      return { type: 'SnapshotStatus', snapshot: reader.raw32(), nextChunk: reader.u32(), stored: readBoolean(reader) };
    case FRAME_TYPE.SnapshotManifest:
      return { type: 'SnapshotManifest', manifest: reader.bytes32(SNAPSHOT_MANIFEST_BYTES_MAX) };
    default:
      return undefined;
  }
};

const write: FrameSet['write'] = (writer, frame) => {
  switch (frame.type) {
    case 'SnapshotBegin':
      writer.bytes32(frame.manifest);
      return true;
    case 'SnapshotChunk':
      writer.raw32(frame.snapshot).u32(frame.index).bytes32(frame.bytes);
      return true;
    case 'SnapshotGet':
      writer.raw32(frame.snapshot).u32(frame.firstChunk).u32(frame.chunksMax);
      return true;
    case 'SnapshotAck':
      writer.raw32(frame.snapshot).fixed(frame.signature, 64);
      return true;
    default:
      return false;
  }
};

export const SNAPSHOT_FRAMES: FrameSet = { read, write };
