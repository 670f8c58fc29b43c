// SHA-256, HMAC and HKDF, held against their standards and against another implementation.
import { expand, extract } from '@noble/hashes/hkdf.js';
import { hmac as otherHmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/protocol/hex.js';
import { Sha256, hkdfExpand, hkdfExtract, hmac } from '../../../src/protocol/sha256.js';

const text = (of: string): Uint8Array => new TextEncoder().encode(of);
const hex = (of: string): Uint8Array => fromHex(of) ?? new Uint8Array();
const hashOf = (bytes: Uint8Array): string => toHex(new Sha256().update(bytes).digest());

test('the examples of FIPS 180-4', () => {
  expect(hashOf(text('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(hashOf(text(''))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(hashOf(text('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe('248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1');
  expect(hashOf(new Uint8Array(1_000_000).fill(0x61))).toBe('cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
});

test('every length around the ends of blocks, whole and in pieces', () => {
  const bytes = Uint8Array.from({ length: 260 }, (_, i) => (i * 31) & 0xff);
  for (let length = 0; length <= bytes.length; length += 1) {
    const part = bytes.subarray(0, length);
    const whole = toHex(sha256(part));
    expect(hashOf(part)).toBe(whole);
    expect(toHex(new Sha256().update(part.subarray(0, length >> 1)).update(part.subarray(length >> 1)).digest())).toBe(whole);
  }
});

test('the constants are far from where the rounding of an engine would show', () => {
  const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter((n) => Array.from({ length: n - 2 }, (_, i) => i + 2).every((by) => n % by !== 0));
  const roots = [...primes.map((prime) => prime ** (1 / 3)), ...primes.slice(0, 8).map((prime) => prime ** (1 / 2))];
  const distances = roots.map((root) => ((root % 1) * 2 ** 32) % 1).map((rest) => Math.min(rest, 1 - rest));
  expect(primes).toHaveLength(64);
  // Roots below 32 have at least 48 bits behind the point, so an engine that is wrong in the last of them is wrong by 2^-16 here.
  expect(Math.min(...distances)).toBeGreaterThan(0.005);
});

test('case 1 of RFC 5869, and cases 1 and 6 of RFC 4231', () => {
  const prk = hkdfExtract(new Uint8Array(22).fill(0x0b), hex('000102030405060708090a0b0c'));
  expect(toHex(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
  expect(toHex(hkdfExpand(prk, hex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865');
  expect(toHex(hmac(new Uint8Array(20).fill(0x0b), text('Hi There')))).toBe('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7');
  expect(toHex(hmac(new Uint8Array(131).fill(0xaa), text('Test Using Larger Than Block-Size Key - Hash Key First')))).toBe('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54');
});

test('another implementation gives the same for whatever comes', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.integer({ min: 0, max: 300 }), (a, b, c, length) => {
      expect(hashOf(a)).toBe(toHex(sha256(a)));
      expect(hmac(a, b, c)).toEqual(otherHmac(sha256, a, Uint8Array.from([...b, ...c])));
      expect(hkdfExtract(a, b)).toEqual(extract(sha256, a, b));
      expect(hkdfExtract(a, undefined)).toEqual(extract(sha256, a));
      const prk = hkdfExtract(a, b);
      if (length > 0) expect(hkdfExpand(prk, c, length)).toEqual(expand(sha256, prk, c, length));
    }),
    { numRuns: 200 },
  );
});
