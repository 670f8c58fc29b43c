import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompactRange, inclusionPath, merkleRoot, rootFromPath } from '../../../src/protocol/merkle.js';

// The definition of RFC 9162 section 2.1.1, written apart from the code under test and with another SHA-256.
const sha = (...parts: Uint8Array[]): Uint8Array => {
  const state = createHash('sha256');
  for (const part of parts) state.update(part);
  return Uint8Array.from(state.digest());
};

function definition(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return leaves[0]!;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(Uint8Array.of(1), definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

const leavesOf = (count: number, seed = 0): Uint8Array[] => Array.from({ length: count }, (_, i) => sha(Uint8Array.of(0, seed, i >> 8, i & 0xff)));
const fold = (leaves: Uint8Array[]): CompactRange => {
  const range = new CompactRange();
  for (const leaf of leaves) range.push(leaf);
  return range;
};

describe('Merkle trees', () => {
  it('the compact range gives the root of the definition at every size', () => {
    const leaves = leavesOf(130);
    const range = new CompactRange();
    expect(range.root()).toEqual(definition([]));
    for (const [i, leaf] of leaves.entries()) {
      range.push(leaf);
      expect(range.root()).toEqual(definition(leaves.slice(0, i + 1)));
      expect(range.count).toBe(i + 1);
    }
    expect(merkleRoot(leaves)).toEqual(definition(leaves));
  });

  it('a range continues from its hashes, and a clone is independent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 60 }), (before, after) => {
        const leaves = leavesOf(before + after, 1);
        const first = fold(leaves.slice(0, before));
        const resumed = CompactRange.fromHashes(before, first.hashes());
        const copy = first.clone();
        for (const leaf of leaves.slice(before)) {
          resumed?.push(leaf);
          copy.push(leaf);
        }
        expect(resumed?.root()).toEqual(definition(leaves));
        expect(copy.root()).toEqual(definition(leaves));
        expect(first.root()).toEqual(definition(leaves.slice(0, before)));
      }),
    );
  });

  it('a number of hashes that does not fit the count is refused', () => {
    const hashes = fold(leavesOf(7)).hashes();
    expect(CompactRange.fromHashes(7, hashes)).toBeDefined();
    expect(CompactRange.fromHashes(8, hashes)).toBeUndefined();
    expect(CompactRange.fromHashes(-1, [])).toBeUndefined();
    expect(CompactRange.fromHashes(1.5, hashes)).toBeUndefined();
  });

  it('counts far above 2^32 keep their shape', () => {
    const count = 2 ** 40 + 1;
    const range = CompactRange.fromHashes(count, leavesOf(2));
    range?.push(leavesOf(1, 9)[0]!);
    expect(range?.count).toBe(count + 1);
    expect(range?.hashes()).toHaveLength(2);
  });

  it('every inclusion path leads to the root, and only for its own place', () => {
    for (let leaves = 1; leaves <= 40; leaves += 1) {
      const all = leavesOf(leaves, 2);
      const root = definition(all);
      for (let index = 0; index < leaves; index += 1) {
        const path = inclusionPath(all, index);
        expect(rootFromPath(all[index]!, { index, leaves, path })).toEqual(root);
        expect(rootFromPath(all[index]!, { index, leaves, path: [...path, root] })).toBeUndefined();
        if (path.length > 0) {
          expect(rootFromPath(all[index]!, { index, leaves, path: path.slice(1) })).toBeUndefined();
          expect(rootFromPath(all[index]!, { index: (index + 1) % leaves, leaves, path })).not.toEqual(root);
        }
      }
    }
    expect(rootFromPath(leavesOf(1)[0]!, { index: 1, leaves: 1, path: [] })).toBeUndefined();
    expect(rootFromPath(leavesOf(1)[0]!, { index: 0, leaves: 0, path: [] })).toBeUndefined();
    expect(rootFromPath(leavesOf(1)[0]!, { index: 0, leaves: 2 ** 17, path: leavesOf(17) })).toBeDefined();
    expect(rootFromPath(leavesOf(1)[0]!, { index: 0, leaves: 2 ** 18, path: leavesOf(18) })).toBeUndefined();
  });
});
