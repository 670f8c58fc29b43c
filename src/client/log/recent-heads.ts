// Tells head and compact range of recent sizes of one tree: its nodes near the right edge are kept, so that nothing is hashed twice.
import { nodeHash } from '../../protocol/hash.js';
import { CompactRange } from '../../protocol/merkle.js';
import { RECENT_HEADS_MAX } from '../limits.js';

/** Heads kept because they were asked for. */
const TOLD_MAX = 256;

/** Consecutive roots of complete subtrees of one height. */
interface Level {
  /** Index of the first one kept. */
  first: number;
  nodes: Uint8Array[];
}

/** The tree of a log; at least the newest RECENT_HEADS_MAX sizes, at most twice as many, can be told again. */
export class RecentHeads {
  /** By height. */
  readonly #levels: Level[] = [];
  /** What a size is less than its number of leaves. */
  readonly #offset: number;
  #count: number;
  /** By size: authors name the same few heads in many entries, and the head of a size never changes. */
  readonly #told = new Map<number, Uint8Array>();
  /** The smallest number of leaves whose range can be told. */
  #oldest: number;

  constructor(range: CompactRange, size: number) {
    this.#count = range.count;
    this.#oldest = range.count;
    this.#offset = size - range.count;
    let height = Math.floor(Math.log2(Math.max(1, range.count)));
    for (const node of range.hashes()) {
      while (!hasSubtree(range.count, height)) height -= 1;
      this.#put(height, subtrees(range.count, height) - 1, node);
      height -= 1;
    }
  }

  push(leaf: Uint8Array): void {
    let node = leaf;
    let index = this.#count;
    for (let height = 0; ; height += 1) {
      this.#put(height, index, node);
      const left = index % 2 === 1 ? this.#get(height, index - 1) : undefined;
      if (left === undefined) break;
      node = nodeHash(left, node);
      index = (index - 1) / 2;
    }
    this.#count += 1;
    if (this.#count - this.#oldest >= 2 * RECENT_HEADS_MAX) this.#forget();
  }

  /** The head at that size, or undefined when it is no longer, or not yet, known. */
  headAt(size: number): Uint8Array | undefined {
    const told = this.#told.get(size);
    if (told !== undefined) return told;
    const head = this.rangeAt(size)?.root();
    if (head === undefined) return undefined;
    if (this.#told.size >= TOLD_MAX) this.#told.clear();
    this.#told.set(size, head);
    return head;
  }

  /** The compact range at that size. */
  rangeAt(size: number): CompactRange | undefined {
    const count = size - this.#offset;
    if (count < this.#oldest || count > this.#count) return undefined;
    const hashes: Uint8Array[] = [];
    for (let height = this.#levels.length - 1; height >= 0; height -= 1) {
      const node = hasSubtree(count, height) ? this.#get(height, subtrees(count, height) - 1) : undefined;
      if (node !== undefined) hashes.push(node);
    }
    return CompactRange.fromHashes(count, hashes);
  }

  #get(height: number, index: number): Uint8Array | undefined {
    const level = this.#levels[height];
    return level?.nodes[index - level.first];
  }

  #put(height: number, index: number, node: Uint8Array): void {
    while (this.#levels.length <= height) this.#levels.push({ first: 0, nodes: [] });
    const level = this.#levels[height];
    if (level === undefined) return;
    if (level.nodes.length === 0) level.first = index;
    level.nodes.push(node);
  }

  #forget(): void {
    this.#oldest = this.#count - RECENT_HEADS_MAX;
    this.#told.clear();
    for (const [height, level] of this.#levels.entries()) {
      const first = Math.max(level.first, subtrees(this.#oldest, height) - 1);
      level.nodes = level.nodes.slice(first - level.first);
      level.first = first;
    }
  }
}

/** Complete subtrees of that height among so many leaves. */
function subtrees(count: number, height: number): number {
  return Math.floor(count / 2 ** height);
}

/** Whether the compact range of so many leaves has a subtree of that height. */
function hasSubtree(count: number, height: number): boolean {
  return subtrees(count, height) % 2 === 1;
}
