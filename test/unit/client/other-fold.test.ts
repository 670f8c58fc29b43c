import { describe, expect, it } from 'vitest';
import { ORIGIN_FIRST, LogTree } from '../../../src/client/log/log-tree.js';
import { OtherFolds } from '../../../src/client/log/other-fold.js';

const log = (seed: number) => ({ space: new Uint8Array(32).fill(1), logId: new Uint8Array(32).fill(seed) });
const leaf = (seq: number): Uint8Array => new Uint8Array(32).fill(seq);

describe('the fold of another log', () => {
  it('makes the head that the other log has, and no other', () => {
    const [own, other] = [new LogTree(log(2)), new LogTree(log(3))];
    const fold = new OtherFolds().at(0, log(3), ORIGIN_FIRST);
    for (let seq = 1; seq <= 5; seq += 1) {
      own.push(leaf(seq));
      other.push(leaf(seq));
      fold?.push(leaf(seq));
    }
    expect(fold?.root()).toEqual(other.root());
    expect(fold?.root()).not.toEqual(own.root());
  });

  it('leaves out what was before its tree began', () => {
    const origin = { logEpoch: 7, baseSize: 2, baseHead: leaf(9) };
    const fold = new OtherFolds().at(0, log(3), origin);
    const tree = new LogTree(log(3), { origin, size: 2, range: new LogTree(log(3), { origin, size: 2, range: [], ahead: [], past: [] }).state().range, ahead: [], past: [] });
    for (let seq = 1; seq <= 4; seq += 1) {
      if (seq > 2) tree.push(leaf(seq));
      fold?.push(leaf(seq));
    }
    expect(fold?.root()).toEqual(tree.root());
  });

  it('goes on after a connection ended in the middle, and is not taken for whole when it did not see the beginning', () => {
    const folds = new OtherFolds();
    const first = folds.at(0, log(3), ORIGIN_FIRST);
    first?.push(leaf(1));
    expect(folds.at(1, log(3), ORIGIN_FIRST)).toBe(first);
    expect(folds.at(1, log(4), ORIGIN_FIRST)).toBeUndefined();
    expect(new OtherFolds().at(1, log(3), ORIGIN_FIRST)).toBeUndefined();
  });
});
