/** Whether all bytes are zero: how the protocol says "none" for a hash or key. */
export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
