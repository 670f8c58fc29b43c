// Frames that only some clients use, as a set of its own: a client carries the bytes of those it was given.
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import type { ClientFrame } from './client-frame.js';
import type { RelayFrame } from './relay-frame.js';

/** How the frames of one feature are read and written. */
export interface FrameSet {
  /** The body of a relay's frame; undefined when the number is none of the set. */
  read(reader: ByteReader, type: number): RelayFrame | undefined;
  /** Appends the body of a client's frame; false when it is none of the set. */
  write(writer: ByteWriter, frame: ClientFrame): boolean;
}
