// Acks: the device's signed statement "I hold everything up to here"; also the gossip by which a split view is caught.
import { ByteWriter } from './byte-writer.js';
import type { Ed25519 } from './ed25519.js';
import { domain } from './hash.js';
import type { LogIdentity } from './attestation.js';

/** A position in one log with its head; what an ack claims and what an entry's header reports as seen. */
export interface AckedHead {
  readonly logEpoch: number;
  readonly size: number;
  readonly head: Uint8Array;
}

/** The text a device signs for an ack. */
export function ackSigningBytes(log: LogIdentity, acked: AckedHead): Uint8Array {
  return new ByteWriter()
    .raw(domain('ack'))
    .raw32(log.space)
    .raw32(log.logId)
    .u64(acked.logEpoch)
    .u64(acked.size)
    .raw32(acked.head)
    .finish();
}

/** Whether the device signed this ack for this log. */
export async function verifyAck(
  log: LogIdentity,
  device: Uint8Array,
  ack: AckedHead & { readonly signature: Uint8Array },
  ed25519: Ed25519,
): Promise<boolean> {
  return ed25519.verify(device, ackSigningBytes(log, ack), ack.signature);
}

/** The text a device signs for "I opened this snapshot". */
export function snapshotAckSigningBytes(space: Uint8Array, snapshot: Uint8Array): Uint8Array {
  return new ByteWriter().raw(domain('snapshot-ack')).raw32(space).raw32(snapshot).finish();
}
