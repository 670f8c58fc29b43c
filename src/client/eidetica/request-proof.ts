// The proof of a whole request: that this device has its key, and sends exactly this to exactly this peer now. Peers of this project take
// it beside the request, so that entries and questions of every dialect have a sender; the system itself has a proof for one question only.
import { sha256 } from '@noble/hashes/sha2.js';
import type { Environment } from '../environment.js';
import { behindLengths } from './handshake.js';
import type { Identity } from './handshake.js';
import { fromBase64, publicKeyBytes, toBase64 } from './keys.js';
import { u64 } from './proof.js';

/** The header it is in, over HTTP. */
export const PROOF_HEADER = 'sealrelay-proof';
const DOMAIN = 'sealrelay/eidetica/request/v1';
const NONCE_BYTES = 16;
const TEXT = new TextEncoder();

/** Where a request goes, as far as it matters to its proof. */
export interface ProofTarget {
  /** The public key of who is asked. */
  readonly peer: string;
  /** What both ends of the way know of it and nobody in between can choose; empty where a way has nothing of the kind. */
  readonly channel: Uint8Array;
}

/** A proof that was read, and not yet believed. */
export interface GivenProof {
  readonly key: string;
  readonly keyBytes: Uint8Array;
  readonly timestampMs: number;
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}

/** What is signed. */
export function requestProofBytes({ peer, channel }: ProofTarget, key: string, body: Uint8Array, timestampMs: number, nonce: Uint8Array): Uint8Array {
  const named = [DOMAIN, peer, key].map((field) => TEXT.encode(field));
  return behindLengths([...named, channel, sha256(body), u64(timestampMs), nonce]);
}

/** The proof of a body, as text without line breaks. */
export async function proveRequest(identity: Identity, environment: Pick<Environment, 'now' | 'randomBytes'>, target: ProofTarget, body: Uint8Array): Promise<string> {
  const [nonce, timestampMs] = [environment.randomBytes(NONCE_BYTES), environment.now()];
  const signature = await identity.sign(requestProofBytes(target, identity.publicKey, body, timestampMs, nonce));
  return [identity.publicKey, timestampMs, toBase64(nonce), toBase64(signature)].join(' ');
}

/** Reads such a text; undefined for what is none. */
export function readRequestProof(text: string): GivenProof | undefined {
  const [key = '', time = '', nonceText = '', signatureText = '', ...rest] = text.split(' ');
  const [keyBytes, nonce, signature] = [publicKeyBytes(key), fromBase64(nonceText), fromBase64(signatureText)];
  const isWhole = keyBytes !== undefined && nonce?.length === NONCE_BYTES && signature !== undefined && rest.length === 0;
  return isWhole && /^\d{1,15}$/.test(time) ? { key, keyBytes, timestampMs: Number(time), nonce, signature } : undefined;
}
