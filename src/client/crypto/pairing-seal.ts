// What two devices that pair make of the key they agreed on: proofs that both have it, and one sealed message in each direction.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { domain } from '../../protocol/hash.js';
import { NONCE_ZERO, TAG_BYTES, aesOpen, aesSeal, importAesKey } from './aes-gcm.js';
import { derive } from './derive.js';
import type { Random } from './platform.js';

const SALT_BYTES = 32;
const NOTHING = new Uint8Array();

/** Who made a proof or a message: the device that comes in, or the one that lets it in. */
export type PairingRole = 'joiner' | 'offerer';

const ROLE_BYTES: Readonly<Record<PairingRole, Uint8Array>> = { joiner: Uint8Array.of(1), offerer: Uint8Array.of(2) };

/** Shows that its maker has the key, and says nothing about it. */
export function pairingProof(key: Uint8Array, role: PairingRole): Uint8Array {
  return derive(key, undefined, 'pairing-proof', ROLE_BYTES[role], 32);
}

/** Compared in constant time. */
export function holdsPairingProof(key: Uint8Array, role: PairingRole, proof: Uint8Array): boolean {
  return equalBytes(pairingProof(key, role), proof);
}

/** Seals under a fresh key of its own, so that the same message may be made again. */
export async function sealPairing(key: Uint8Array, role: PairingRole, plaintext: Uint8Array, random: Random): Promise<Uint8Array> {
  const salt = random(SALT_BYTES);
  const aesKey = await importAesKey(derive(key, salt, 'pairing-key', ROLE_BYTES[role], 32), 'encrypt');
  const sealed = await aesSeal(aesKey, NONCE_ZERO, domain('pairing-aad'), plaintext);
  return new ByteWriter(SALT_BYTES + sealed.length).raw(salt).raw(sealed).finish();
}

/** What the other side sealed, or undefined when it does not hold. */
export async function openPairing(key: Uint8Array, role: PairingRole, sealed: Uint8Array): Promise<Uint8Array | undefined> {
  if (sealed.length < SALT_BYTES + TAG_BYTES) return undefined;
  const reader = new ByteReader(sealed);
  const salt = reader.raw(SALT_BYTES);
  const aesKey = await importAesKey(derive(key, salt, 'pairing-key', ROLE_BYTES[role], 32), 'decrypt');
  return aesOpen(aesKey, NONCE_ZERO, domain('pairing-aad'), reader.raw(reader.remaining));
}

/** The root secret of a mailbox: the relay may find the words it comes from, and nothing rests on its not doing so. */
export function deriveMailboxSecret(words: string, logId: Uint8Array): Uint8Array {
  return derive(new TextEncoder().encode(words), logId, 'pairing-mailbox', NOTHING, 32);
}

/** Randomness that follows from a seed, so that a device that was reloaded goes on with the same keys and shares. */
export function derivePairing(seed: Uint8Array, use: 'scalar' | 'device' | 'device-hpke'): Uint8Array {
  return derive(seed, undefined, 'pairing-seed', new TextEncoder().encode(use), 32);
}
