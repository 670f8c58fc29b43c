// AES-256-GCM by WebCrypto. Every key seals under a given nonce only once; the callers derive a fresh key each time.
import { cryptoSource, subtleCrypto } from './platform.js';

/** Bytes that sealing adds. */
export const TAG_BYTES = 16;
/** The nonce of keys that are used once. */
export const NONCE_ZERO: Uint8Array = new Uint8Array(12);

const ALGORITHM = 'AES-GCM';

/** A key for one direction. */
export async function importAesKey(key: Uint8Array, usage: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return subtleCrypto().importKey('raw', cryptoSource(key), ALGORITHM, false, [usage]);
}

/** Ciphertext and tag. */
export async function aesSeal(key: CryptoKey, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
  const sealed = await subtleCrypto().encrypt(parameters(nonce, aad), key, cryptoSource(plaintext));
  return new Uint8Array(sealed);
}

/** The plaintext, or undefined when the tag does not hold. */
export async function aesOpen(key: CryptoKey, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await subtleCrypto().decrypt(parameters(nonce, aad), key, cryptoSource(sealed)));
  } catch (error) {
    // WebCrypto reports a wrong tag, and input shorter than a tag, as an OperationError; anything else is a fault of ours.
    if (error instanceof Error && error.name === 'OperationError') return undefined;
    throw error;
  }
}

function parameters(nonce: Uint8Array, aad: Uint8Array): AesGcmParams {
  return { name: ALGORITHM, iv: cryptoSource(nonce), additionalData: cryptoSource(aad), tagLength: 8 * TAG_BYTES };
}
