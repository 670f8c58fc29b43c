// Ed25519 by noble, for platforms whose WebCrypto lacks it.
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { isStrictPoint, isStrictSignature } from '../../protocol/ed25519-strict.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { checkedSeed } from './okp-keys.js';

/** Ed25519 in JavaScript. */
export function nobleEd25519(): Ed25519 {
  return {
    async publicKey(seed) {
      return ed25519.getPublicKey(checkedSeed(seed));
    },
    async sign(seed, message) {
      return ed25519.sign(message, checkedSeed(seed));
    },
    async verify(publicKey, message, signature) {
      if (!isStrictPoint(publicKey) || !isStrictSignature(signature)) return false;
      const { Point } = ed25519;
      const key = pointOrUndefined(() => Point.fromBytes(publicKey));
      if (key === undefined) return false;
      const digest = sha512.create().update(signature.subarray(0, 32)).update(publicKey).update(message).digest();
      const challenge = Point.Fn.create(littleEndianToBigint(digest));
      const s = littleEndianToBigint(signature.subarray(32));
      // Without the cofactor, as platforms and the relay do: R must be exactly S·B − k·A.
      const commitment = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(challenge));
      return equalBytes(commitment.toBytes(), signature.subarray(0, 32));
    },
  };
}

function pointOrUndefined<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

function littleEndianToBigint(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
