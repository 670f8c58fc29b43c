// The proof of a request for a tree of dialect C: that this device has its key, for this peer, tree, tips and moment.
import type { Environment } from '../environment.js';
import { cidBytes } from './cid.js';
import { behindLengths } from './handshake.js';
import type { Identity } from './handshake.js';
import type { SyncTreeRequest } from './wire.js';

const DOMAIN = 'eidetica/sync/tree-request/v1';
const NONCE_BYTES = 32;
const TEXT = new TextEncoder();

/** A number as eight bytes in big-endian order. */
export function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** In the order of their bytes, which is not that of their texts. */
function inOrder(tips: readonly string[]): readonly string[] {
  const pairs = [...new Set(tips)].map((tip) => ({ tip, bytes: cidBytes(tip) ?? new Uint8Array() }));
  return pairs.toSorted((a, b) => compareBytes(a.bytes, b.bytes)).map(({ tip }) => tip);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
}

/** What a proof signs, each field behind its length. */
export function proofBytes(peer: string, tree: string, tips: readonly string[], timestampMs: number, nonce: Uint8Array): Uint8Array {
  const sorted = inOrder(tips);
  const fields = [DOMAIN, peer, tree].map((field) => TEXT.encode(field));
  return behindLengths([...fields, u64(sorted.length), ...sorted.map((tip) => TEXT.encode(tip)), u64(timestampMs), nonce]);
}

/** The proof of a request to this peer. */
export async function proofOf(identity: Identity, environment: Pick<Environment, 'now' | 'randomBytes'>, peer: string, tree: string, tips: readonly string[]): Promise<NonNullable<SyncTreeRequest['auth']>> {
  const [nonce, timestampMs] = [environment.randomBytes(NONCE_BYTES), environment.now()];
  const signature = await identity.sign(proofBytes(peer, tree, tips, timestampMs, nonce));
  return { key: identity.publicKey, timestamp_ms: timestampMs, nonce: [...nonce], signature: [...signature] };
}
