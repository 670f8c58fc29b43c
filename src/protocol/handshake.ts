// The handshake transcript: both sides sign every handshake byte, offers included, under different domains.
import { ByteWriter } from './byte-writer.js';
import { domain, hash } from './hash.js';

const SIGNATURE_BYTES = 64;

/** A Proof or Welcome frame without its trailing signature, as the transcript covers it. */
export function withoutSignature(frame: Uint8Array): Uint8Array {
  return frame.subarray(0, Math.max(0, frame.length - SIGNATURE_BYTES));
}

/** T1: the transcript up to the Proof, whose signature is not part of it; all frames include their type byte. */
export function transcript1(hello: Uint8Array, challenge: Uint8Array, proofUnsigned: Uint8Array): Uint8Array {
  const framed = new ByteWriter().bytes32(hello).bytes32(challenge).bytes32(proofUnsigned);
  return hash(domain('transcript'), framed.finish());
}

/** T2: T1, the proof's signature and the Welcome without its own. */
export function transcript2(t1: Uint8Array, proofSignature: Uint8Array, welcomeUnsigned: Uint8Array): Uint8Array {
  return hash(domain('transcript'), t1, proofSignature, welcomeUnsigned);
}

/** The text the device (or the root) signs in the Proof. */
export function proofSigningBytes(t1: Uint8Array): Uint8Array {
  return new ByteWriter().raw(domain('handshake/client')).raw32(t1).finish();
}

/** The text the log id's key signs in the Welcome. */
export function welcomeSigningBytes(t2: Uint8Array): Uint8Array {
  return new ByteWriter().raw(domain('handshake/relay')).raw32(t2).finish();
}
