// Reproducible keys and randomness for tests of sealing.
import { createHash } from 'node:crypto';
import { nobleEd25519 } from '../../../src/client/crypto/ed25519-noble.js';
import { generateDeviceSecret } from '../../../src/client/crypto/keys.js';
import type { DeviceSecret } from '../../../src/client/crypto/keys.js';
import type { Random } from '../../../src/client/crypto/platform.js';

/** A stream of bytes that is the same for the same name. */
export function namedRandom(name: string): Random {
  let calls = 0;
  return (length) => {
    calls += 1;
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = createHash('sha256').update(`${name}/${calls}/${at}`).digest();
      bytes.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return bytes;
  };
}

export const bytes32 = (name: string): Uint8Array => namedRandom(name)(32);
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const ed25519 = nobleEd25519();
export const device = (name: string): Promise<DeviceSecret> => generateDeviceSecret(namedRandom(name), ed25519);

/** The bytes with one bit turned over. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
