// HPKE against the package @hpke/core, in both directions, and what must not be opened.
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hpkeOpen, hpkeSeal } from '../../../src/client/crypto/hpke.js';
import { publicKeyOf } from '../../../src/client/crypto/okp-keys.js';

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
const bytes = (min: number, max: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> => fc.uint8Array({ minLength: min, maxLength: max }).map((value) => new Uint8Array(value));
const input = fc.record({ secret: bytes(32, 32), info: bytes(0, 80), aad: bytes(0, 40), plaintext: bytes(0, 100), ephemeralSeed: bytes(32, 32) });
const publicOf = async (secret: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await publicKeyOf(crypto.subtle, 'X25519', secret));

describe('HPKE', () => {
  test('gives, bit by bit, what @hpke/core gives, and each opens what the other sealed', async () => {
    await fc.assert(
      fc.asyncProperty(input, async ({ secret, info, aad, plaintext, ephemeralSeed }) => {
        const recipient = await publicOf(secret);
        const { enc, ct } = await hpkeSeal({ recipient, info, aad, plaintext, ephemeralSeed });
        const sender = await suite.createSenderContext({ recipientPublicKey: await suite.kem.deserializePublicKey(recipient), info, ekm: ephemeralSeed.slice().buffer });
        const theirs = await sender.seal(plaintext, aad);
        expect([enc, ct]).toEqual([new Uint8Array(sender.enc), new Uint8Array(theirs)]);
        expect(await hpkeOpen({ secret, enc, info, aad, sealed: ct })).toEqual(plaintext);
        const context = await suite.createRecipientContext({ recipientKey: await suite.kem.deserializePrivateKey(secret), enc: new Uint8Array(enc), info });
        expect(new Uint8Array(await context.open(new Uint8Array(ct), aad))).toEqual(plaintext);
      }),
      { numRuns: 25 },
    );
  });

  test('opens nothing that was changed, however little', async () => {
    const secret = new Uint8Array(32).fill(7);
    const parts = { info: new Uint8Array([1, 2]), aad: new Uint8Array([3]), plaintext: new Uint8Array([4, 5, 6]) };
    const { enc, ct } = await hpkeSeal({ recipient: await publicOf(secret), ...parts, ephemeralSeed: new Uint8Array(32).fill(9) });
    const sealed = { secret, enc, info: parts.info, aad: parts.aad, sealed: ct };
    expect(await hpkeOpen(sealed)).toEqual(parts.plaintext);
    const flipped = (value: Uint8Array): Uint8Array => value.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
    for (const changed of [{ secret: new Uint8Array(32).fill(8) }, { enc: flipped(enc) }, { info: flipped(parts.info) }, { aad: flipped(parts.aad) }, { sealed: flipped(ct) }, { sealed: ct.subarray(0, 5) }, { enc: enc.subarray(1) }]) {
      expect(await hpkeOpen({ ...sealed, ...changed })).toBeUndefined();
    }
  });

  test('takes no key whose shared secret everybody knows', async () => {
    const zeros = new Uint8Array(32);
    await expect(hpkeSeal({ recipient: zeros, info: zeros, aad: zeros, plaintext: zeros, ephemeralSeed: zeros })).rejects.toThrow(RangeError);
    expect(await hpkeOpen({ secret: new Uint8Array(32).fill(7), enc: zeros, info: zeros, aad: zeros, sealed: new Uint8Array(32) })).toBeUndefined();
  });
});
