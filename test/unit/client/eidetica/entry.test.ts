// Ids and signatures of all dialects against the recorded vectors.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nobleEd25519 } from '../../../../src/client/crypto/ed25519-noble.js';
import { cidBytes, cidText } from '../../../../src/client/eidetica/cid.js';
import { canonicalBytes, dialectOf, entryId, isSignedAsNamed, treeOf } from '../../../../src/client/eidetica/entry.js';
import type { Dialect, Entry } from '../../../../src/client/eidetica/entry.js';
import { publicKeyBytes } from '../../../../src/client/eidetica/keys.js';
import { proofBytes } from '../../../conformance/eidetica/client.js';

interface Vector {
  readonly root: string;
  readonly root_id: string;
  readonly child: string;
  readonly child_id: string;
  readonly child_signing_bytes?: string;
  readonly child_signing_bytes_hex?: string;
}

interface Vectors {
  readonly key: { readonly public_key: string };
  readonly A: Vector;
  readonly B: Vector;
  readonly C: Vector;
  readonly proof: { readonly tree_id: string; readonly tips: readonly string[]; readonly server_pubkey: string; readonly timestamp_ms: number; readonly nonce_hex: string; readonly signing_bytes_hex: string; readonly signature_hex: string };
}

const VECTORS = JSON.parse(readFileSync(new URL('../../../vectors/eidetica.json', import.meta.url), 'utf8')) as Vectors;
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe.each<[Dialect, Vector]>([
  ['a', VECTORS.A],
  ['b', VECTORS.B],
  ['c', VECTORS.C],
])('dialect %s', (dialect, vector) => {
  const [root, child] = [vector.root, vector.child].map((text) => JSON.parse(text) as Entry) as [Entry, Entry];

  test('computes the recorded ids', () => {
    expect([entryId(root, dialect), entryId(child, dialect)]).toEqual([vector.root_id, vector.child_id]);
    expect([dialectOf(vector.root_id), treeOf(root, vector.root_id), treeOf(child, vector.child_id)]).toEqual([dialect, vector.root_id, vector.root_id]);
  });

  test('signs the recorded bytes, in whatever order the fields came', () => {
    const signed = canonicalBytes(child, true);
    const recorded = vector.child_signing_bytes === undefined ? hex(vector.child_signing_bytes_hex!) : new TextEncoder().encode(vector.child_signing_bytes);
    expect(Buffer.from(signed)).toEqual(Buffer.from(recorded));
    const turned = Object.fromEntries(Object.entries(child).toReversed()) as unknown as Entry;
    expect(entryId(turned, dialect)).toBe(vector.child_id);
  });

  test('knows a signature by the key that is named, and a forged one', async () => {
    const ed25519 = nobleEd25519();
    expect(await isSignedAsNamed(child, ed25519)).toBe(dialect === 'a' ? null : true);
    expect(await isSignedAsNamed(root, ed25519)).toBe(null);
    const forged = { ...child, subtrees: [{ ...child.subtrees[0]!, name: 'other' }] } as Entry;
    expect(await isSignedAsNamed(forged, ed25519)).toBe(dialect === 'a' ? null : false);
  });
});

test('the recorded proof is what is signed, and by whom', async () => {
  const { server_pubkey, tree_id, tips, timestamp_ms, nonce_hex, signing_bytes_hex, signature_hex } = VECTORS.proof;
  const message = proofBytes(server_pubkey, tree_id, tips, timestamp_ms, hex(nonce_hex));
  expect(Buffer.from(message).toString('hex')).toBe(signing_bytes_hex);
  const ed25519 = nobleEd25519();
  expect(await ed25519.verify(publicKeyBytes(VECTORS.key.public_key)!, message, hex(signature_hex))).toBe(true);
});

test('only what is written as a CID is one', () => {
  const cid = cidBytes(VECTORS.C.root_id)!;
  expect(cidText(cid)).toBe(VECTORS.C.root_id);
  for (const wrong of ['', 'b', 'test_tree', VECTORS.C.root_id.toUpperCase(), VECTORS.C.root_id.slice(0, -1), VECTORS.B.root_id]) expect(cidBytes(wrong)).toBe(undefined);
});
