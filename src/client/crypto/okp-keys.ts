// Key pairs of Ed25519 and X25519 in WebCrypto, from the 32 bytes that are the private half.
import { fromBase64url } from '../../protocol/base64url.js';
import { fromHex } from '../../protocol/hex.js';
import { PlatformError } from './platform.js';

type Curve = 'Ed25519' | 'X25519';

const SEED_BYTES = 32;
/** The fixed head of a PKCS #8 private key that holds 32 bytes of the curve (RFC 8410). */
const PKCS8_HEADS: Readonly<Record<Curve, string>> = { Ed25519: '302e020100300506032b657004220420', X25519: '302e020100300506032b656e04220420' };
const USAGES: Readonly<Record<Curve, readonly KeyUsage[]>> = { Ed25519: ['sign'], X25519: ['deriveBits'] };

export function checkedSeed(seed: Uint8Array): Uint8Array {
  if (seed.length !== SEED_BYTES) throw new RangeError(`a private key has ${SEED_BYTES} bytes`);
  return seed;
}

/** The private half as the platform's key. */
export function importPrivate(subtle: SubtleCrypto, curve: Curve, seed: Uint8Array, extractable: boolean): Promise<CryptoKey> {
  const head = fromHex(PKCS8_HEADS[curve]) ?? new Uint8Array();
  const pkcs8 = new Uint8Array(head.length + SEED_BYTES);
  pkcs8.set(head);
  pkcs8.set(seed, head.length);
  return subtle.importKey('pkcs8', pkcs8, curve, extractable, USAGES[curve]);
}

/** The public half, which the platform tells with the private one. Throws PlatformError where it does not know the curve. */
export async function publicKeyOf(subtle: SubtleCrypto, curve: Curve, seed: Uint8Array): Promise<Uint8Array> {
  const key = await importPrivate(subtle, curve, checkedSeed(seed), true).catch((cause: unknown) => {
    throw new PlatformError('unsupported_platform', `WebCrypto of this platform has no ${curve}.`, { cause });
  });
  const { x } = await subtle.exportKey('jwk', key);
  const known = fromBase64url(x ?? '');
  if (known === undefined) throw new PlatformError('unsupported_platform', `WebCrypto of this platform does not tell public keys of ${curve}.`);
  return known;
}
