// Attestations: signed heads. One signature serves a whole commit group, so each carries its salted leaf's path.
import type { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { Ed25519 } from './ed25519.js';
import { domain, hash } from './hash.js';
import { GROUP_LEAVES_MAX, GROUP_PATH_MAX } from './limits.js';
import { rootFromPath } from './merkle.js';

/** What the ordering authority states about one space at one moment, and where that stands in the signed group. */
export interface Attestation {
  readonly logEpoch: number;
  readonly size: number;
  readonly head: Uint8Array;
  readonly floor: number;
  readonly time: number;
  readonly pushes: Uint8Array;
  readonly salt: Uint8Array;
  readonly leafIndex: number;
  readonly leafCount: number;
  readonly path: readonly Uint8Array[];
  readonly signature: Uint8Array;
}

/** The log an attestation speaks of; it is not repeated on the wire. */
export interface LogIdentity {
  readonly space: Uint8Array;
  readonly logId: Uint8Array;
}

/** Appends an attestation to a frame. */
export function writeAttestation(writer: ByteWriter, attestation: Attestation): void {
  writer
    .u64(attestation.logEpoch)
    .u64(attestation.size)
    .raw32(attestation.head)
    .u64(attestation.floor)
    .u64(attestation.time)
    .raw32(attestation.pushes)
    .fixed(attestation.salt, 16)
    .u32(attestation.leafIndex)
    .u32(attestation.leafCount)
    .u8(attestation.path.length)
    .each(attestation.path, (to, node) => to.raw32(node))
    .fixed(attestation.signature, 64);
}

/** The attestation at the reader; its place in the group is judged when it is verified. */
export function readAttestation(reader: ByteReader): Attestation {
  const stated = {
    logEpoch: reader.u64(),
    size: reader.u64(),
    head: reader.raw32(),
    floor: reader.u64(),
    time: reader.u64(),
    pushes: reader.raw32(),
  };
  const salt = reader.raw(16);
  const place = { leafIndex: reader.u32(), leafCount: reader.u32() };
  const path = reader.list32(reader.u8(), GROUP_PATH_MAX);
  return { ...stated, salt, ...place, path, signature: reader.raw(64) };
}

/** The salted leaf of this attestation in its commit group. */
export function attestationLeaf(log: LogIdentity, attestation: Attestation): Uint8Array {
  const body = new ByteWriter()
    .fixed(attestation.salt, 16)
    .raw32(log.space)
    .raw32(log.logId)
    .u64(attestation.logEpoch)
    .u64(attestation.size)
    .raw32(attestation.head)
    .u64(attestation.floor)
    .u64(attestation.time)
    .raw32(attestation.pushes);
  return hash(Uint8Array.of(0), domain('receipt-leaf'), body.finish());
}

/** The group root this attestation's path leads to, or undefined when the path does not fit its place. */
export function attestationRoot(log: LogIdentity, attestation: Attestation): Uint8Array | undefined {
  if (attestation.leafCount > GROUP_LEAVES_MAX) return undefined;
  const place = { index: attestation.leafIndex, leaves: attestation.leafCount, path: attestation.path };
  return rootFromPath(attestationLeaf(log, attestation), place);
}

/** The text the ordering authority signs for a group. */
export function groupSigningBytes(root: Uint8Array): Uint8Array {
  return new ByteWriter().raw(domain('receipt-root')).raw32(root).finish();
}

/** Whether the log id's key signed this attestation for this space. */
export async function verifyAttestation(log: LogIdentity, attestation: Attestation, ed25519: Ed25519): Promise<boolean> {
  const root = attestationRoot(log, attestation);
  return root !== undefined && ed25519.verify(log.logId, groupSigningBytes(root), attestation.signature);
}
