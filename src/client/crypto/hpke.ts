/*
 * HPKE (RFC 9180), base mode, one shot, one suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. X25519 and AES are the platform's; what is here
 * is the key schedule of sections 4.1 and 5.1. The shared vectors and the package @hpke/core check it (test/unit/crypto/hpke.test.ts).
 */
import { hkdfExpand, hkdfExtract } from '../../protocol/sha256.js';
import { aesOpen, aesSeal, importAesKey } from './aes-gcm.js';
import { importPrivate, publicKeyOf } from './okp-keys.js';
import { cryptoSource, subtleCrypto } from './platform.js';

/** What is sealed, to whom, and the fresh randomness the ephemeral key is derived from. */
export interface HpkeSealInput {
  readonly recipient: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly ephemeralSeed: Uint8Array;
}

/** What `hpkeSeal` gave, and the recipient's private key. */
export interface HpkeOpenInput {
  readonly secret: Uint8Array;
  readonly enc: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly sealed: Uint8Array;
}

const KEM_SUITE = Uint8Array.of(...ascii('KEM'), 0x00, 0x20);
const SUITE = Uint8Array.of(...ascii('HPKE'), 0x00, 0x20, 0x00, 0x01, 0x00, 0x02);
const MODE_BASE = 0;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const NOTHING = new Uint8Array();

/** The encapsulated key and the ciphertext with its tag. */
export async function hpkeSeal(input: HpkeSealInput): Promise<{ enc: Uint8Array; ct: Uint8Array }> {
  const secret = labeledExpand(KEM_SUITE, labeledExtract(KEM_SUITE, NOTHING, 'dkp_prk', input.ephemeralSeed), 'sk', NOTHING, KEY_BYTES);
  const enc = await publicKeyOf(subtleCrypto(), 'X25519', secret);
  const shared = await exchange(secret, input.recipient);
  if (shared === undefined) throw new RangeError('the key of the recipient is none');
  const { key, nonce } = await keySchedule(shared, enc, input.recipient, input.info, 'encrypt');
  return { enc, ct: await aesSeal(key, nonce, input.aad, input.plaintext) };
}

/** The plaintext, or undefined when the bytes were not sealed to this key like this. */
export async function hpkeOpen(input: HpkeOpenInput): Promise<Uint8Array | undefined> {
  const shared = await exchange(input.secret, input.enc);
  if (shared === undefined) return undefined;
  const recipient = await publicKeyOf(subtleCrypto(), 'X25519', input.secret);
  const { key, nonce } = await keySchedule(shared, input.enc, recipient, input.info, 'decrypt');
  return aesOpen(key, nonce, input.aad, input.sealed);
}

/** X25519; undefined when the peer's bytes are no key, or one whose result everybody knows. */
async function exchange(secret: Uint8Array, peer: Uint8Array): Promise<Uint8Array | undefined> {
  const subtle = subtleCrypto();
  const own = await importPrivate(subtle, 'X25519', secret, false);
  try {
    const key = await subtle.importKey('raw', cryptoSource(peer), 'X25519', false, []);
    const shared = new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: key }, own, KEY_BYTES * 8));
    return shared.every((byte) => byte === 0) ? undefined : shared;
  } catch (error) {
    if (error instanceof Error && (error.name === 'DataError' || error.name === 'OperationError')) return undefined;
    throw error;
  }
}

/** The key and the nonce of the first and only message. */
async function keySchedule(shared: Uint8Array, enc: Uint8Array, recipient: Uint8Array, info: Uint8Array, usage: 'encrypt' | 'decrypt'): Promise<{ key: CryptoKey; nonce: Uint8Array }> {
  const eaePrk = labeledExtract(KEM_SUITE, NOTHING, 'eae_prk', shared);
  const sharedSecret = labeledExpand(KEM_SUITE, eaePrk, 'shared_secret', join(enc, recipient), KEY_BYTES);
  const context = join(Uint8Array.of(MODE_BASE), labeledExtract(SUITE, NOTHING, 'psk_id_hash', NOTHING), labeledExtract(SUITE, NOTHING, 'info_hash', info));
  const secret = labeledExtract(SUITE, sharedSecret, 'secret', NOTHING);
  const raw = labeledExpand(SUITE, secret, 'key', context, KEY_BYTES);
  return { key: await importAesKey(raw, usage), nonce: labeledExpand(SUITE, secret, 'base_nonce', context, NONCE_BYTES) };
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return hkdfExtract(join(ascii('HPKE-v1'), suite, ascii(label), ikm), salt);
}

function labeledExpand(suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  return hkdfExpand(prk, join(Uint8Array.of(length >> 8, length & 0xff), ascii('HPKE-v1'), suite, ascii(label), info), length);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
