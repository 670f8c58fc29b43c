// The fold of another relay's log over the same entries: leaves do not name a log, so one page of them makes both heads.
import type { LogIdentity } from '../../protocol/attestation.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { genesisLeaf } from '../../protocol/hash.js';
import { CompactRange } from '../../protocol/merkle.js';
import type { LogOrigin } from './log-tree.js';

export class OtherFold {
  readonly logId: Uint8Array;
  readonly #range = new CompactRange();
  readonly #origin: LogOrigin;
  #size = 0;

  constructor(log: LogIdentity, origin: LogOrigin) {
    this.logId = log.logId;
    this.#origin = origin;
    this.#range.push(genesisLeaf({ ...log, ...origin }));
  }

  /** Seq of the last leaf taken. */
  get size(): number {
    return this.#size;
  }

  /** Takes the leaf of the next seq; those before the tree began are no part of it. */
  push(leaf: Uint8Array): void {
    this.#size += 1;
    if (this.#size > this.#origin.baseSize) this.#range.push(leaf);
  }

  root(): Uint8Array {
    return this.#range.root();
  }
}

/** Keeps the fold of the other log while connections come and go, because the own one goes on where it was. */
export class OtherFolds {
  #fold: OtherFold | undefined;

  /** The fold at this size; undefined when it did not take the leaves before, so that nothing can be compared. */
  at(size: number, log: LogIdentity, origin: LogOrigin): OtherFold | undefined {
    const held = this.#fold;
    if (held !== undefined && held.size === size && equalBytes(held.logId, log.logId)) return held;
    this.#fold = size === 0 ? new OtherFold(log, origin) : undefined;
    return this.#fold;
  }
}
