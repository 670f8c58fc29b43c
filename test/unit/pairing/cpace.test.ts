// Test vectors of draft-irtf-cfrg-cpace (its appendix on ristretto255 with SHA-512), and what they do not show.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha512 } from '@noble/hashes/sha2.js';
import { ristretto255_hasher } from '@noble/curves/ed25519.js';
import { cpaceKey, cpaceShare, generatorString, multiplied } from '../../../src/client/pairing/cpace.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

const INPUT = { secret: ascii('Password'), channel: hex('0b415f696e69746961746f720b425f726573706f6e646572'), session: hex('7e4b4791d6a8ef019b936c79fb7f2c57') };
const YA = hex('da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08');
const YB = hex('d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d');
const SHARE_A = hex('d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157');
const SHARE_B = hex('3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258');
const A = { share: SHARE_A, stated: ascii('ADa') };
const B = { share: SHARE_B, stated: ascii('ADb') };
const ISK = hex('b69effbf61b51d56401c0f65601abe428de8206feaaf0e32198896dcae7b35cd2b38950a39dfd5d4a79164614c2984f7daa460b588c1e80c3fa2068af7900447');
const SCALAR = hex('7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05');

describe('the vectors of the draft', () => {
  test('the generator', () => {
    const text = generatorString(INPUT);
    expect(text).toHaveLength(170);
    expect(Buffer.from(text.subarray(0, 27)).toString('hex')).toBe('11435061636552697374726574746f3235350850617373776f7264'.slice(0, 54));
    expect(sha512(text)).toEqual(hex('da6d3ddc8802fca9058755ffd3ebde08a9c2c74945901a258482a288b6663af06bf645c93cd1c51512307199c80e84908916d983b34af77205f90851a657ee27'));
    expect(ristretto255_hasher.deriveToCurve?.(sha512(text)).toBytes()).toEqual(hex('222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56'));
  });

  test('the shares, the secret point and the key of both sides', () => {
    expect(cpaceShare(INPUT, YA)).toEqual(SHARE_A);
    expect(cpaceShare(INPUT, YB)).toEqual(SHARE_B);
    const point = hex('80b69a8a76457ab6a4d7f887a4bf6b55a2f80ac19c333f917a05fc9887c8b40f');
    expect(multiplied(YA, SHARE_B)).toEqual(point);
    expect(multiplied(YB, SHARE_A)).toEqual(point);
    expect(cpaceKey(YA, SHARE_B, INPUT.session, A, B)).toEqual(ISK);
    expect(cpaceKey(YB, SHARE_A, INPUT.session, A, B)).toEqual(ISK);
  });

  test('scalar_mult_vfy of a valid element', () => {
    const share = hex('2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c');
    expect(multiplied(SCALAR, share)).toEqual(hex('7c13645fe790a468f62c39beb7388e541d8405d1ade69d1778c5fe3e7f6b600e'));
  });

  test.each([
    ['no element', '2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c'],
    ['the neutral element', '00'.repeat(32)],
  ])('%s ends the run', (_name, share) => {
    expect(multiplied(SCALAR, hex(share))).toBeUndefined();
    expect(cpaceKey(SCALAR, hex(share), INPUT.session, { share: hex(share), stated: A.stated }, B)).toBeUndefined();
  });
});

test('the key is the same exactly when secret, channel, session and transcript are', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const scalar = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const changes = fc.constantFrom('none', 'secret', 'channel', 'session', 'stated');
  fc.assert(
    fc.property(bytes, bytes, bytes, scalar, scalar, changes, (secret, channel, session, ya, yb, change) => {
      const input = { secret, channel, session };
      const other = { ...input, ...(change in input ? { [change]: Uint8Array.of(...session, 1, ...secret) } : {}) };
      const a = { share: cpaceShare(input, ya), stated: ascii('a') };
      const b = { share: cpaceShare(other, yb), stated: ascii('b') };
      const keyOfA = cpaceKey(ya, b.share, input.session, a, b);
      const keyOfB = cpaceKey(yb, a.share, other.session, change === 'stated' ? { ...a, stated: ascii('c') } : a, b);
      expect(keyOfA).toHaveLength(64);
      expect(Buffer.compare(keyOfA!, keyOfB!) === 0).toBe(change === 'none');
    }),
    { numRuns: 40 },
  );
});

test('a share of other than 32 bytes ends the run', () => {
  for (const length of [0, 31, 33]) expect(multiplied(SCALAR, new Uint8Array(length).fill(1))).toBeUndefined();
});
