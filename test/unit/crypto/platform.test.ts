import { describe, expect, it } from 'vitest';
import { PlatformError, cryptoSource, subtleCrypto, systemRandom } from '../../../src/client/crypto/platform.js';

describe('the platform', () => {
  it.each([[{}], [{ crypto: {} }]])('without crypto.subtle is an insecure context', (scope) => {
    expect(() => subtleCrypto(scope)).toThrow(PlatformError);
    expect(() => subtleCrypto(scope)).toThrow(/^insecure_context: .*https/);
  });

  it('gives random bytes beyond the limit of one call', () => {
    const bytes = systemRandom(200_000);
    expect(bytes).toHaveLength(200_000);
    expect(new Set(bytes.subarray(150_000)).size).toBeGreaterThan(200);
  });

  it('copies shared memory, which WebCrypto refuses, and nothing else', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
    expect(cryptoSource(shared)).toEqual(Uint8Array.of(7, 7, 7, 7));
    expect(cryptoSource(shared).buffer).toBeInstanceOf(ArrayBuffer);
    const own = Uint8Array.of(1);
    expect(cryptoSource(own)).toBe(own);
  });
});
