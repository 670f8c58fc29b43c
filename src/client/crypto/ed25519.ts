// Ed25519 by WebCrypto, or by what the app gave where that lacks it. Both give the same verdict on every signature.
import { isStrictPoint, isStrictSignature } from '../../protocol/ed25519-strict.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { fromHex } from '../../protocol/hex.js';
import { checkedSeed, importPrivate, publicKeyOf } from './okp-keys.js';
import { PlatformError, cryptoSource, subtleCrypto } from './platform.js';

const ALGORITHM = 'Ed25519';
/** Imported public keys kept, so that verifying in a row imports once. */
const IMPORTED_KEYS_MAX = 64;

/** WebCrypto's, or the given fallback where it does not do it; the probe runs once per call, so keep the result. Throws PlatformError `unsupported_platform`. */
export async function createEd25519(fallback?: () => Ed25519 | Promise<Ed25519>): Promise<Ed25519> {
  if (await webCryptoWorks()) return createWebCryptoEd25519();
  if (fallback === undefined) throw new PlatformError('unsupported_platform', 'WebCrypto of this platform has no Ed25519; the part ed25519Fallback of sealrelay/client/ed25519 does it in JavaScript.');
  return fallback();
}

/** Ed25519 by WebCrypto. */
export async function createWebCryptoEd25519(): Promise<Ed25519> {
  const subtle = subtleCrypto();
  // Weak and by object, so that no seed outlives the secret it belongs to.
  const signing = new WeakMap<Uint8Array, Promise<CryptoKey>>();
  const signingKey = (seed: Uint8Array): Promise<CryptoKey> => {
    const key = signing.get(seed) ?? importPrivate(subtle, 'Ed25519', checkedSeed(seed), false);
    signing.set(seed, key);
    return key;
  };
  const verifying = new KeyCache((key) => subtle.importKey('raw', cryptoSource(key), ALGORITHM, false, ['verify']));
  return {
    publicKey: async (seed) => publicKeyOf(subtle, 'Ed25519', checkedSeed(seed)),
    async sign(seed, message) {
      return new Uint8Array(await subtle.sign(ALGORITHM, await signingKey(seed), cryptoSource(message)));
    },
    async verify(publicKey, message, signature) {
      if (!isStrictPoint(publicKey) || !isStrictSignature(signature)) return false;
      const key = await verifying.get(publicKey).catch(invalidKey);
      return key !== undefined && subtle.verify(ALGORITHM, key, cryptoSource(signature), cryptoSource(message));
    },
  };
}

// A signature of RFC 8032 section 7.1, test 1: some runtimes have the name but not the algorithm.
async function webCryptoWorks(): Promise<boolean> {
  const key = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a') ?? new Uint8Array();
  const signature = fromHex(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
  const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60') ?? new Uint8Array();
  if (signature === undefined) return false;
  const platform = await createWebCryptoEd25519();
  try {
    const made = await platform.sign(seed, new Uint8Array());
    return equalBytes(made, signature) && (await platform.verify(key, new Uint8Array(), signature));
  } catch {
    return false;
  }
}

// A key that is no point of the curve is the peer's fault, not ours: the signature just does not hold.
function invalidKey(error: unknown): undefined {
  if (error instanceof Error && (error.name === 'DataError' || error.name === 'OperationError')) return undefined;
  throw error;
}

/** Imported public keys by their bytes, the oldest dropped first. */
class KeyCache {
  readonly #importKey: (bytes: Uint8Array) => Promise<CryptoKey>;
  readonly #keys = new Map<string, Promise<CryptoKey>>();

  constructor(importKey: (bytes: Uint8Array) => Promise<CryptoKey>) {
    this.#importKey = importKey;
  }

  get(bytes: Uint8Array): Promise<CryptoKey> {
    const name = String.fromCharCode(...bytes);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const imported = this.#importKey(bytes);
    this.#keys.set(name, imported);
    if (this.#keys.size > IMPORTED_KEYS_MAX) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest);
        break;
      }
    }
    return imported;
  }
}
