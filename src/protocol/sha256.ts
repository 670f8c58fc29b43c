// SHA-256, and HMAC and HKDF with it, from a library that is reviewed. WebCrypto has them too, but one promise for each leaf of a log would be a
// thousand times the work of the hash.
import { expand, extract } from '@noble/hashes/hkdf.js';
import { hmac as hmacOf } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** A hash that is fed piece by piece. */
export class Sha256 {
  readonly #hash = sha256.create();

  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    return this;
  }

  /** The hash of all of it. To be called once. */
  digest(): Uint8Array<ArrayBuffer> {
    return this.#hash.digest();
  }
}

/** HMAC-SHA-256 over the parts, one after the other. */
export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const mac = hmacOf.create(sha256, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** HKDF-Extract; no salt is one of zeros. */
export function hkdfExtract(ikm: Uint8Array, salt: Uint8Array | undefined): Uint8Array {
  return extract(sha256, ikm, salt);
}

/** HKDF-Expand, for up to 8160 bytes. */
export function hkdfExpand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  return expand(sha256, prk, info, length);
}
