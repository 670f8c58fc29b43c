// What platforms disagree about in Ed25519 is refused here first, so that every client and every relay gives one verdict.
import { equalBytes } from './equal-bytes.js';
import { fromHex, toHex } from './hex.js';

// The y coordinates of the eight points of small order, canonical and without the sign bit (RFC 7748 curve25519, cofactor 8).
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].flatMap((text) => fromHex(text) ?? []);

const PRIME = 2n ** 255n - 19n;
const CURVE_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
/** Verdicts kept: a roster names the same keys in every version. */
const SOUND_KEYS_MAX = 4096;
const soundKeys = new Set<string>();

// The field's prime 2^255 − 19 and the group's order L, little-endian as encodings are.
const FIELD_PRIME = littleEndian(PRIME);
const GROUP_ORDER = littleEndian(2n ** 252n + 27742317777372353535851937790883648493n);

/** Whether 32 bytes may be named as a key: a point of the curve, canonically encoded, not of small order. */
export function isSoundKey(encoding: Uint8Array): boolean {
  if (!isStrictPoint(encoding)) return false;
  const name = toHex(encoding);
  if (soundKeys.has(name)) return true;
  if (!isOnCurve(encoding)) return false;
  if (soundKeys.size >= SOUND_KEYS_MAX) soundKeys.clear();
  soundKeys.add(name);
  return true;
}

/** Whether an encoding is canonical and not of small order; that it is a point is left to whoever uses it. */
export function isStrictPoint(encoding: Uint8Array): boolean {
  if (encoding.length !== 32) return false;
  const y = Uint8Array.from(encoding);
  y[31] = (y[31] ?? 0) & 0x7f;
  return isBelow(y, FIELD_PRIME) && !SMALL_ORDER_Y.some((small) => equalBytes(small, y));
}

/** Whether a signature's R is canonical and not of small order, and its S below the group's order. */
export function isStrictSignature(signature: Uint8Array): boolean {
  return signature.length === 64 && isStrictPoint(signature.subarray(0, 32)) && isBelow(signature.subarray(32), GROUP_ORDER);
}

function isBelow(value: Uint8Array, bound: Uint8Array): boolean {
  for (let i = 31; i >= 0; i -= 1) {
    const difference = (value[i] ?? 0) - (bound[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

// x² = (y² − 1) / (d·y² + 1) has a root exactly when the product of both sides has (Euler's criterion).
function isOnCurve(encoding: Uint8Array): boolean {
  const y = encoding.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n) & (2n ** 255n - 1n);
  const square = (y * y) % PRIME;
  const product = ((square + PRIME - 1n) * (CURVE_D * square + 1n)) % PRIME;
  return power(product, (PRIME - 1n) / 2n) === 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let rest = exponent, factor = base; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * factor) % PRIME;
    factor = (factor * factor) % PRIME;
  }
  return result;
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
