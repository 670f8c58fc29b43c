// LogReset: after a restored backup the relay opens a new log epoch and says, signed, from where.
import type { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { Ed25519 } from './ed25519.js';
import { domain } from './hash.js';
import { FrameError } from './frame-error.js';

/** The statement by the ordering authority that one log epoch ended at base_size and another began. */
export interface LogReset {
  readonly space: Uint8Array;
  readonly logId: Uint8Array;
  readonly oldEpoch: number;
  readonly baseSize: number;
  readonly baseHead: Uint8Array;
  readonly newEpoch: number;
  readonly time: number;
  readonly signature: Uint8Array;
}

/** Appends a LogReset's body to a frame. */
export function writeLogReset(writer: ByteWriter, reset: LogReset): void {
  writeFields(writer, reset).fixed(reset.signature, 64);
}

/** The LogReset's body at the reader. */
export function readLogReset(reader: ByteReader): LogReset {
  const reset = {
    space: reader.raw32(),
    logId: reader.raw32(),
    oldEpoch: reader.u64(),
    baseSize: reader.u64(),
    baseHead: reader.raw32(),
    newEpoch: reader.u64(),
    time: reader.u64(),
    signature: reader.raw(64),
  };
  if (reset.newEpoch <= reset.oldEpoch) throw new FrameError('request_invalid', 'a log epoch that does not grow');
  return reset;
}

/** The text the log id's key signs. */
export function logResetSigningBytes(reset: Omit<LogReset, 'signature'>): Uint8Array {
  return writeFields(new ByteWriter().raw(domain('log-reset')), reset).finish();
}

/** Whether the key of the named log id signed it; the caller compares space and log id with its own. */
export async function verifyLogReset(reset: LogReset, ed25519: Ed25519): Promise<boolean> {
  return ed25519.verify(reset.logId, logResetSigningBytes(reset), reset.signature);
}

function writeFields(writer: ByteWriter, reset: Omit<LogReset, 'signature'>): ByteWriter {
  return writer
    .raw32(reset.space)
    .raw32(reset.logId)
    .u64(reset.oldEpoch)
    .u64(reset.baseSize)
    .raw32(reset.baseHead)
    .u64(reset.newEpoch)
    .u64(reset.time);
}
