import { describe, expect, it } from 'vitest';
import { deriveForeignKeys, deriveForeignSecret, foreignToken, openRecord, sealRecord } from '../../../src/client/crypto/foreign-record.js';
import { SealError } from '../../../src/client/crypto/seal-error.js';
import { toHex } from '../../../src/protocol/hex.js';
import { padme } from '../../../src/protocol/padme.js';
import { bytes32, flipped, text } from './fixtures.js';

const keys = deriveForeignKeys(bytes32('secret'));
const others = deriveForeignKeys(bytes32('another secret'));

async function outcome(sealed: Uint8Array, by = keys): Promise<string> {
  try {
    return `opened ${(await openRecord(by, sealed)).length}`;
  } catch (error) {
    if (error instanceof SealError) return error.code;
    throw error;
  }
}

describe('records of foreign protocols', () => {
  it.each([0, 1, 170, 171, 1000, 20_000])('of %i bytes open again and land on the grid', async (length) => {
    const sealed = await sealRecord(keys, new Uint8Array(length).fill(5));
    expect(padme(sealed.length)).toBe(sealed.length);
    expect(toHex(await openRecord(keys, sealed))).toBe('05'.repeat(length));
  });

  it('are the same bytes for the same content, and others for any other', async () => {
    const [a, again, b] = [await sealRecord(keys, text('content')), await sealRecord(keys, text('content')), await sealRecord(keys, text('content.'))];
    expect(again).toEqual(a);
    expect(toHex(b.subarray(1, 33))).not.toBe(toHex(a.subarray(1, 33)));
    expect(await sealRecord(others, text('content'))).not.toEqual(a);
  });

  it('open whole or not at all', async () => {
    const sealed = await sealRecord(keys, text('content'));
    for (const at of [0, 1, 16, 32, 33, 50, 64, 65, 100, 200, sealed.length - 17, sealed.length - 16, sealed.length - 1]) {
      expect(await outcome(flipped(sealed, 8 * at))).toBe(at === 0 ? 'suite' : at < 65 ? 'commitment' : 'content');
    }
    expect(await outcome(sealed, others)).toBe('commitment');
    for (const length of [0, 1, 64, 84]) expect(await outcome(sealed.subarray(0, length))).toBe('layout');
    expect(await outcome(sealed.subarray(0, -1))).toBe('content');
    expect(await outcome(sealed)).toBe('opened 7');
  });
});

describe('tokens', () => {
  it('are the same for the same kind and text, and nothing else is', () => {
    const seen = [foreignToken(keys, 'id', 'a'), foreignToken(keys, 'id', 'b'), foreignToken(keys, 'ida', ''), foreignToken(keys, 'i', 'da'), foreignToken(others, 'id', 'a')];
    expect(new Set(seen).size).toBe(seen.length);
    expect(foreignToken(keys, 'id', 'a')).toBe(seen[0]);
    expect(seen[0]).toMatch(/^[\w-]{32}$/);
  });
});

it('bytes of today open tomorrow', async () => {
  const secret = deriveForeignSecret(bytes32('root'), 'system');
  const fixed = deriveForeignKeys(secret);
  expect(toHex(secret)).toBe('a6acd4e6eb4cf3b6ff5317efbdbbd2988fb48a7f5733e5fc8767ab1b84ffc724');
  expect(foreignToken(fixed, 'id', 'a')).toBe('rnfY843tynFLFM2pbklra4vfODc9hGxM');
  const sealed = await sealRecord(fixed, text('content'));
  expect(toHex(sealed.subarray(0, 96))).toBe(
    '019e1369c8f09a0664dfcc1f3ccf0c23796331b0a6939e71bc806cc313194d63af116104dd28397a0ed8b92979303ce93ed8a108bd3ce4d50a8815ff7514d8ac9ef664ce02c6a1d1463e19dfc405bbb9f0550b9a750a1088bb5c4877929d9711',
  );
});

it('the secret of one system is not that of another, and needs 32 bytes', () => {
  expect(deriveForeignSecret(bytes32('root'), 'a')).not.toEqual(deriveForeignSecret(bytes32('root'), 'b'));
  expect(() => deriveForeignSecret(new Uint8Array(31), 'a')).toThrow(SealError);
  expect(() => deriveForeignKeys(new Uint8Array(33))).toThrow(SealError);
});
