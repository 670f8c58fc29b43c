// RFC 9162 Merkle trees as a client needs them: a compact range to fold a log, and roots from inclusion paths.
import { COMPACT_RANGE_MAX, GROUP_PATH_MAX } from './limits.js';
import { hash, nodeHash } from './hash.js';

/** The roots of the perfect subtrees of the first `count` leaves, largest first: enough to append and to give the root. */
export class CompactRange {
  #count: number;
  readonly #hashes: Uint8Array[];

  constructor() {
    this.#count = 0;
    this.#hashes = [];
  }

  /** The range of `count` leaves from its hashes, or undefined when their number does not fit the count. */
  static fromHashes(count: number, hashes: readonly Uint8Array[]): CompactRange | undefined {
    if (!Number.isSafeInteger(count) || count < 0 || hashes.length > COMPACT_RANGE_MAX) return undefined;
    if (hashes.length !== onesOf(count)) return undefined;
    const range = new CompactRange();
    range.#count = count;
    range.#hashes.push(...hashes);
    return range;
  }

  /** Leaves folded so far. */
  get count(): number {
    return this.#count;
  }

  /** The subtree roots, largest subtree first. */
  hashes(): readonly Uint8Array[] {
    return [...this.#hashes];
  }

  /** Appends one leaf hash. */
  push(leaf: Uint8Array): void {
    let node = leaf;
    for (let rest = this.#count; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      node = nodeHash(this.#hashes.pop() ?? node, node);
    }
    this.#hashes.push(node);
    this.#count += 1;
  }

  /** The Merkle root; of no leaves it is the hash of nothing. */
  root(): Uint8Array {
    return foldRange(this.#hashes) ?? hash();
  }

  /** An independent copy. */
  clone(): CompactRange {
    const copy = new CompactRange();
    copy.#count = this.#count;
    copy.#hashes.push(...this.#hashes);
    return copy;
  }
}

/** The root that subtree roots, largest first, lead to; undefined when there are none. */
export function foldRange(hashes: readonly Uint8Array[]): Uint8Array | undefined {
  let root: Uint8Array | undefined;
  for (const subtree of hashes.toReversed()) root = root === undefined ? subtree : nodeHash(subtree, root);
  return root;
}

/** Where a leaf stands in a tree: RFC 9162 section 2.1.3. */
export interface InclusionPath {
  readonly index: number;
  readonly leaves: number;
  readonly path: readonly Uint8Array[];
}

/** The root that an inclusion path leads to, or undefined when the path cannot belong to a tree of that size. */
export function rootFromPath(leaf: Uint8Array, place: InclusionPath): Uint8Array | undefined {
  if (place.index >= place.leaves || place.path.length > GROUP_PATH_MAX) return undefined;
  let node = leaf;
  let index = place.index;
  let last = place.leaves - 1;
  for (const sibling of place.path) {
    if (last === 0) return undefined;
    if (index % 2 === 1 || index === last) {
      node = nodeHash(sibling, node);
      while (index % 2 === 0 && index !== 0) {
        index = Math.floor(index / 2);
        last = Math.floor(last / 2);
      }
    } else {
      node = nodeHash(node, sibling);
    }
    index = Math.floor(index / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? node : undefined;
}

/** The RFC 9162 root of all leaves. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const range = new CompactRange();
  for (const leaf of leaves) range.push(leaf);
  return range.root();
}

/** The inclusion path of one leaf among all leaves; the index must be below their number. */
export function inclusionPath(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const left = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  const here = index < left ? leaves.slice(0, left) : leaves.slice(left);
  const beside = index < left ? leaves.slice(left) : leaves.slice(0, left);
  return [...inclusionPath(here, index < left ? index : index - left), merkleRoot(beside)];
}

function onesOf(count: number): number {
  let ones = 0;
  for (let rest = count; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
