// The fold of another relay's log over the same entries: leaves do not name a log, so one page of them makes both heads.
import type { LogIdentity } from '../../protocol/attestation.js';
import { genesisLeaf } from '../../protocol/hash.js';
import { CompactRange } from '../../protocol/merkle.js';
import type { LogOrigin } from './log-tree.js';

export class OtherFold {
  readonly #range = new CompactRange();
  readonly #baseSize: number;

  constructor(log: LogIdentity, origin: LogOrigin) {
    this.#range.push(genesisLeaf({ ...log, ...origin }));
    this.#baseSize = origin.baseSize;
  }

  /** Takes the leaf of the next seq; those before the tree began are no part of it. */
  push(seq: number, leaf: Uint8Array): void {
    if (seq > this.#baseSize) this.#range.push(leaf);
  }

  root(): Uint8Array {
    return this.#range.root();
  }
}
