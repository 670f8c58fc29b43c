// SHA-256, HMAC and HKDF, held against their standards and against the platform's.
import { createHash } from 'node:crypto';
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
    const whole = createHash('sha256').update(part).digest('hex');
    expect(hashOf(part)).toBe(whole);
    expect(toHex(new Sha256().update(part.subarray(0, length >> 1)).update(part.subarray(length >> 1)).digest())).toBe(whole);
  }
});

test('case 1 of RFC 5869, and cases 1 and 6 of RFC 4231', () => {
  const prk = hkdfExtract(new Uint8Array(22).fill(0x0b), hex('000102030405060708090a0b0c'));
  expect(toHex(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
  expect(toHex(hkdfExpand(prk, hex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865');
  expect(toHex(hmac(new Uint8Array(20).fill(0x0b), text('Hi There')))).toBe('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7');
  expect(toHex(hmac(new Uint8Array(131).fill(0xaa), text('Test Using Larger Than Block-Size Key - Hash Key First')))).toBe('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54');
});
