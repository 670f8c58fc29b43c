// The PADMÉ grid: lengths are rounded up so that a size tells at most O(log log L) bits.

/** No sealed entry and no snapshot plaintext is shorter. */
const PADDED_BYTES_MIN = 256;

/** The smallest length on the PADMÉ grid that is at least `length` and at least `PADDED_BYTES_MIN`. */
export function padme(length: number): number {
  if (length <= PADDED_BYTES_MIN) return PADDED_BYTES_MIN;
  const exponent = Math.floor(Math.log2(length));
  const mantissaBits = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - mantissaBits);
  return Math.ceil(length / step) * step;
}
