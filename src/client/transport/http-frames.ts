// Bodies of requests and answers: frames, each behind its length.
import { ByteReader } from '../../protocol/byte-reader.js';

const LENGTH_BYTES = 4;

/** How many of the bytes are whole frames. */
export function wholeFramesEnd(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = 0;
  while (end + LENGTH_BYTES <= bytes.length && end + LENGTH_BYTES + view.getUint32(end) <= bytes.length) end += LENGTH_BYTES + view.getUint32(end);
  return end;
}

/** Throws FrameError where the bytes are no frames. */
export function framesIn(bytes: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(bytes);
  const frames: Uint8Array[] = [];
  while (reader.remaining > 0) frames.push(reader.bytes32().slice());
  return frames;
}
