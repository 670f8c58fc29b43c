import { createPrivateKey, sign as nodeSign } from 'node:crypto';
import { ed25519 as noble } from '@noble/curves/ed25519.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEd25519, createWebCryptoEd25519 } from '../../../src/client/crypto/ed25519.js';
import { lazyEd25519 } from '../../../src/client/crypto/ed25519-fallback.js';
import { nobleEd25519 } from '../../../src/client/crypto/ed25519-noble.js';
import { isSoundKey, isStrictPoint, isStrictSignature } from '../../../src/protocol/ed25519-strict.js';
import { fromHex, toHex } from '../../../src/protocol/hex.js';
import { bytes32, flipped, text } from './fixtures.js';

const { Point } = noble;
const implementations = [
  ['WebCrypto', await createWebCryptoEd25519()],
  ['noble', nobleEd25519()],
] as const;
const hex = (value: string): Uint8Array => fromHex(value) ?? new Uint8Array();
const littleEndian = (value: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

describe.each(implementations)('Ed25519 by %s', (_, ed25519) => {
  const seed = bytes32('seed');
  const message = text('message');

  it('signs as the platform signs', async () => {
    const pkcs8 = Buffer.concat([hex('302e020100300506032b657004220420'), seed]);
    const expected = nodeSign(null, message, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
    expect(toHex(await ed25519.sign(seed, message))).toBe(expected.toString('hex'));
  });

  it('verifies its own and refuses every flipped bit', async () => {
    const key = await ed25519.publicKey(seed);
    const signature = await ed25519.sign(seed, message);
    expect(await ed25519.verify(key, message, signature)).toBe(true);
    expect(await ed25519.verify(key, text('other'), signature)).toBe(false);
    for (let bit = 0; bit < 512; bit += 3) expect(await ed25519.verify(key, message, flipped(signature, bit))).toBe(false);
    for (let bit = 0; bit < 256; bit += 3) expect(await ed25519.verify(flipped(key, bit), message, signature)).toBe(false);
  });

  it('refuses S + L, keys that are no point, and wrong lengths', async () => {
    const key = await ed25519.publicKey(seed);
    const signature = await ed25519.sign(seed, message);
    const s = BigInt(`0x${toHex(signature.slice(32).toReversed())}`);
    const malleated = Uint8Array.from(signature);
    malleated.set(littleEndian(s + Point.Fn.ORDER), 32);
    expect(await ed25519.verify(key, message, malleated)).toBe(false);
    expect(await ed25519.verify(hex(`02${'00'.repeat(31)}`), message, signature)).toBe(false);
    expect(await ed25519.verify(key.subarray(1), message, signature)).toBe(false);
    expect(await ed25519.verify(key, message, signature.subarray(1))).toBe(false);
    await expect(ed25519.sign(seed.subarray(1), message)).rejects.toThrow(RangeError);
  });

  it('refuses an R of small order even when the equation holds', async () => {
    const { scalar, pointBytes } = noble.utils.getExtendedPublicKey(seed);
    const identity = Point.ZERO.toBytes();
    const s = Point.Fn.create((await challengeOf(identity, pointBytes, message)) * scalar);
    expect(await ed25519.verify(pointBytes, message, Uint8Array.from([...identity, ...littleEndian(s)]))).toBe(false);
  });

  it('verifies without the cofactor: a key with a part of small order convinces only when the equation holds exactly', async () => {
    const torsion = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    const { scalar, pointBytes } = noble.utils.getExtendedPublicKey(seed);
    const mixed = Point.fromBytes(pointBytes).add(torsion).toBytes();
    const nonce = 12_345n;
    const r = Point.BASE.multiply(nonce).toBytes();
    const verdicts = new Set<boolean>();
    for (let i = 0; i < 24; i += 1) {
      const attempt = text(`attempt ${i}`);
      const k = await challengeOf(r, mixed, attempt);
      const signature = Uint8Array.from([...r, ...littleEndian(Point.Fn.create(nonce + k * scalar))]);
      const exact = k % 8n === 0n;
      const verdict = await ed25519.verify(mixed, attempt, signature);
      expect(verdict).toBe(exact);
      verdicts.add(verdict);
    }
    expect(verdicts.has(false)).toBe(true);
  });
});

async function challengeOf(r: Uint8Array, key: Uint8Array, message: Uint8Array): Promise<bigint> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-512', Uint8Array.from([...r, ...key, ...message])));
  // Whether 8 divides the reduced challenge decides what the key's part of small order adds.
  return Point.Fn.create(BigInt(`0x${toHex(digest.toReversed())}`));
}

describe('strictness', () => {
  it('knows every point of small order, in every encoding', () => {
    const generator = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    let point = generator;
    for (let i = 0; i < 8; i += 1) {
      const encoding = point.toBytes();
      expect(isStrictPoint(encoding)).toBe(false);
      expect(isStrictPoint(flipped(encoding, 255))).toBe(false);
      point = point.add(generator);
    }
    expect(point.equals(generator)).toBe(true);
  });

  it('refuses y ≥ p and accepts y = p − 2 only if it is a point', () => {
    const p = 2n ** 255n - 19n;
    for (const y of [p, p + 1n, p + 3n, p + 18n]) expect(isStrictPoint(littleEndian(y))).toBe(false);
    expect(isSoundKey(littleEndian(3n))).toBe(true);
    expect(isStrictPoint(littleEndian(p - 2n))).toBe(true);
  });

  it('agrees with the curve about which encodings are points', () => {
    for (let i = 0; i < 64; i += 1) {
      const encoding = bytes32(`candidate ${i}`);
      encoding[31] = (encoding[31] ?? 0) & 0x7f;
      let point = true;
      try {
        Point.fromBytes(encoding);
      } catch {
        point = false;
      }
      expect(isSoundKey(encoding)).toBe(point);
    }
  });

  it('bounds S by the order', () => {
    const r = bytes32('seed point');
    const order = Point.Fn.ORDER;
    const sound = Point.BASE.toBytes();
    expect(isStrictSignature(Uint8Array.from([...sound, ...littleEndian(order - 1n)]))).toBe(true);
    expect(isStrictSignature(Uint8Array.from([...sound, ...littleEndian(order)]))).toBe(false);
    expect(isStrictSignature(r)).toBe(false);
  });
});

describe('the implementation of this platform', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('is the given one where WebCrypto has the name but not the algorithm, and without one that is said', async () => {
    const importKey = vi.fn(async () => Promise.reject(new DOMException('unknown algorithm', 'NotSupportedError')));
    // Blinding in JavaScript still takes randomness, which every context has.
    vi.stubGlobal('crypto', { subtle: { importKey }, getRandomValues: crypto.getRandomValues.bind(crypto) });
    await expect(createEd25519()).rejects.toMatchObject({ code: 'unsupported_platform', hint: expect.stringContaining('ed25519Fallback') });
    const ed25519 = await createEd25519(lazyEd25519);
    expect(importKey).toHaveBeenCalled();
    const signature = await ed25519.sign(bytes32('any'), text('m'));
    expect(await ed25519.verify(await ed25519.publicKey(bytes32('any')), text('m'), signature)).toBe(true);
  });

  it('is refused in an insecure context, where nothing could be sealed', async () => {
    vi.stubGlobal('crypto', {});
    await expect(createEd25519()).rejects.toMatchObject({ code: 'insecure_context' });
  });

  it('drops imported keys beyond its limit and goes on', async () => {
    const ed25519 = await createWebCryptoEd25519();
    const seeds = Array.from({ length: 70 }, (_, i) => bytes32(`seed ${i}`));
    for (const seed of [...seeds, ...seeds.slice(0, 3)]) {
      const signature = await ed25519.sign(seed, text('m'));
      expect(await ed25519.verify(await ed25519.publicKey(seed), text('m'), signature)).toBe(true);
    }
  });

  it('signs and verifies', async () => {
    const ed25519 = await createEd25519();
    const seed = bytes32('any');
    const signature = await ed25519.sign(seed, text('m'));
    expect(await ed25519.verify(await ed25519.publicKey(seed), text('m'), signature)).toBe(true);
  });
});
