// Purge and Erase: what an admin signs for, and what a device is told of a space that is gone.
import type { LogIdentity } from './attestation.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { Ed25519 } from './ed25519.js';
import { FrameError } from './frame-error.js';
import { domain } from './hash.js';

/** Everything up to a size, with the head at that size. */
export interface PurgeClaim {
  readonly logEpoch: number;
  readonly size: number;
  readonly head: Uint8Array;
}

/** A whole space, as its newest roster names it. */
export interface EraseClaim {
  readonly logEpoch: number;
  readonly rosterVersion: number;
  readonly rosterHash: Uint8Array;
}

/** Who signed that a space goes, and the words. */
export interface SignedErase extends EraseClaim {
  readonly signer: Uint8Array;
  readonly signature: Uint8Array;
}

/** The detail of the Error space_erased. */
export interface ErasureNotice {
  /** An admin or the root asked for it; the operator did; or no device came for too long. */
  readonly reason: 'signed' | 'operator' | 'expired';
  /** Whether everything is overwritten already. */
  readonly done: boolean;
  /** By the relay's clock, Unix milliseconds. */
  readonly time: number;
  /** With the reason `signed`. */
  readonly erase: SignedErase | null;
}

/** The text that is signed for a purge. */
export function purgeSigningBytes(log: LogIdentity, { logEpoch, size, head }: PurgeClaim): Uint8Array {
  return new ByteWriter().raw(domain('purge')).raw32(log.space).raw32(log.logId).u64(logEpoch).u64(size).raw32(head).finish();
}

/** The text that is signed for an erasure. */
export function eraseSigningBytes(log: LogIdentity, { logEpoch, rosterVersion, rosterHash }: EraseClaim): Uint8Array {
  return new ByteWriter().raw(domain('erase')).raw32(log.space).raw32(log.logId).u64(logEpoch).u64(rosterVersion).raw32(rosterHash).finish();
}

/** Whether the signer asked for this purge of this log. */
export function verifyPurge(log: LogIdentity, signer: Uint8Array, purge: PurgeClaim & { readonly signature: Uint8Array }, ed25519: Ed25519): Promise<boolean> {
  return ed25519.verify(signer, purgeSigningBytes(log, purge), purge.signature);
}

/** Whether the signer asked for this erasure of this log. */
export function verifyErase(log: LogIdentity, erase: SignedErase, ed25519: Ed25519): Promise<boolean> {
  return ed25519.verify(erase.signer, eraseSigningBytes(log, erase), erase.signature);
}

const REASONS = { 1: 'signed', 2: 'operator', 3: 'expired' } as const;

/** The notice of an Error's detail; throws FrameError when it is none. */
export function decodeErasureNotice(detail: Uint8Array): ErasureNotice {
  const reader = new ByteReader(detail);
  const reason = reader.u8();
  const done = reader.u8();
  const time = reader.u64();
  if ((reason !== 1 && reason !== 2 && reason !== 3) || done > 1) throw new FrameError('malformed_frame', 'an unknown reason of an erasure');
  const erase = reason === 1 ? readSignedErase(reader) : null;
  reader.end();
  return { reason: REASONS[reason], done: done === 1, time, erase };
}

function readSignedErase(reader: ByteReader): SignedErase {
  return { signer: reader.raw32(), logEpoch: reader.u64(), rosterVersion: reader.u64(), rosterHash: reader.raw32(), signature: reader.raw(64) };
}
