// A field that is yes or no.
import type { ByteReader } from './byte-reader.js';
import { FrameError } from './frame-error.js';

/** One byte, 0 or 1; throws FrameError for another one. */
export function readBoolean(reader: ByteReader): boolean {
  const value = reader.u8();
  if (value > 1) throw new FrameError('malformed_frame', 'a yes-or-no field that is neither 0 nor 1');
  return value === 1;
}
