import { expect, it } from 'vitest';
import { createWebCryptoEd25519 } from '../../../src/client/crypto/ed25519.js';
import { nobleEd25519 } from '../../../src/client/crypto/ed25519-noble.js';
import { hex, vectors } from '../protocol/vectors.js';

interface Wycheproof {
  readonly cases: readonly { readonly comment: string; readonly holds: boolean; readonly id: number; readonly key: string; readonly message: string; readonly signature: string }[];
}

const { cases } = vectors<Wycheproof>('wycheproof-ed25519');

it.each([
  ['WebCrypto', await createWebCryptoEd25519()],
  ['noble', nobleEd25519()],
] as const)('signatures are judged as Wycheproof judges them, by %s', async (_, ed25519) => {
  expect(cases.length).toBeGreaterThanOrEqual(150);
  for (const { comment, holds, id, key, message, signature } of cases) {
    expect(await ed25519.verify(hex(key), hex(message), hex(signature)), `case ${id}: ${comment}`).toBe(holds);
  }
});
