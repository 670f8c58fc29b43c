// Tells the head of recent sizes: a compact range at some older size and the leaves since.
import type { CompactRange } from '../../protocol/merkle.js';
import { RECENT_HEADS_MAX } from '../limits.js';

/** The last leaves of one tree; twice RECENT_HEADS_MAX are held before the oldest are folded away. */
export class RecentHeads {
  #base: CompactRange;
  /** Seq of the base's last leaf. */
  #baseSize: number;
  #leaves: Uint8Array[] = [];

  constructor(range: CompactRange, size: number) {
    this.#base = range.clone();
    this.#baseSize = size;
  }

  push(leaf: Uint8Array): void {
    this.#leaves.push(leaf);
    if (this.#leaves.length < 2 * RECENT_HEADS_MAX) return;
    for (const old of this.#leaves.slice(0, RECENT_HEADS_MAX)) this.#base.push(old);
    this.#baseSize += RECENT_HEADS_MAX;
    this.#leaves = this.#leaves.slice(RECENT_HEADS_MAX);
  }

  /** The head at that size, or undefined when it is no longer, or not yet, known. */
  headAt(size: number): Uint8Array | undefined {
    return this.rangeAt(size)?.root();
  }

  /** The compact range at that size. */
  rangeAt(size: number): CompactRange | undefined {
    if (size < this.#baseSize || size > this.#baseSize + this.#leaves.length) return undefined;
    const range = this.#base.clone();
    for (const leaf of this.#leaves.slice(0, size - this.#baseSize)) range.push(leaf);
    return range;
  }
}
