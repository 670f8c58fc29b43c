import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64url, toBase64url } from '../../../src/protocol/base64url.js';
import { compareBytes, equalBytes } from '../../../src/protocol/equal-bytes.js';
import { fromHex, toHex } from '../../../src/protocol/hex.js';
import { padme } from '../../../src/protocol/padme.js';

describe('text encodings', () => {
  it('base64url agrees with the platform and is canonical', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = toBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(fromBase64url(text)).toEqual(bytes);
      }),
    );
    for (const text of ['A', 'AB', 'AAB', 'AA=', 'A+', 'A/', 'AAAAA', 'Aé']) expect(fromBase64url(text)).toBeUndefined();
    expect(fromBase64url('AA')).toEqual(Uint8Array.of(0));
  });

  it('hex agrees with the platform', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
    for (const text of ['0', '0g', ' 00']) expect(fromHex(text)).toBeUndefined();
  });

  it('bytes are compared by content, then by length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });
});

describe('the PADMÉ grid', () => {
  it('rounds up by at most 12 %, is idempotent and never shrinks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), (length) => {
        const padded = padme(length);
        expect(padded).toBeGreaterThanOrEqual(Math.max(length, 256));
        if (length > 256) expect(padded).toBeLessThanOrEqual(length * 1.12);
        expect(padme(padded)).toBe(padded);
      }),
    );
  });

  it.each([
    [0, 256],
    [256, 256],
    [257, 272],
    [1000, 1024],
    [1025, 1088],
    [65_536, 65_536],
    [65_537, 67_584],
    [1_000_000, 1_015_808],
  ])('%i becomes %i', (length, padded) => {
    expect(padme(length)).toBe(padded);
  });
});
