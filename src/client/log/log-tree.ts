/*
 * The fold of a space's log: the tree of the present log epoch, and the resets still ahead of a reader that is below their base.
 *
 * Invariants: `size` is the seq of the last folded entry; the range holds size − base_size + 1 leaves (the genesis leaf first);
 * a reset ahead is entered exactly when the fold reaches its base_size and its base_head was found there.
 */
import type { LogIdentity } from '../../protocol/attestation.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { ZEROS, genesisLeaf } from '../../protocol/hash.js';
import type { LogReset } from '../../protocol/log-reset.js';
import { CompactRange } from '../../protocol/merkle.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import { RecentHeads } from './recent-heads.js';

/** The number of a space's first log epoch. */
export const LOG_EPOCH_FIRST = 1;

/** Where a tree begins. */
export interface LogOrigin {
  readonly logEpoch: number;
  readonly baseSize: number;
  readonly baseHead: Uint8Array;
}

/** One tree at one size. */
export interface LogFold {
  readonly origin: LogOrigin;
  readonly size: number;
  readonly range: readonly Uint8Array[];
}

/** A fold as it is stored. */
export interface LogTreeState extends LogFold {
  readonly ahead: readonly LogReset[];
  readonly past: readonly LogFold[];
}

/** Trees of ended log epochs that are kept, to be continued when a backup from within them is restored. */
const PAST_FOLDS_MAX = 16;

export const ORIGIN_FIRST: LogOrigin = { logEpoch: LOG_EPOCH_FIRST, baseSize: 0, baseHead: ZEROS };

export class LogTree {
  readonly #log: LogIdentity;
  #origin: LogOrigin;
  #size: number;
  #recent: RecentHeads;
  #ahead: LogReset[];
  #past: LogFold[];

  constructor(log: LogIdentity, state?: LogTreeState) {
    this.#log = log;
    this.#ahead = [...(state?.ahead ?? [])];
    this.#past = [...(state?.past ?? [])];
    this.#origin = state?.origin ?? ORIGIN_FIRST;
    this.#size = state?.size ?? this.#origin.baseSize;
    const stored = state && CompactRange.fromHashes(state.size - state.origin.baseSize + 1, state.range);
    this.#recent = new RecentHeads(stored ?? genesisRange(log, this.#origin), this.#size);
  }

  /** Seq of the last folded entry. */
  get size(): number {
    return this.#size;
  }

  /** The epoch of the tree that is being folded; below the relay's while a reset is ahead. */
  get logEpoch(): number {
    return this.#origin.logEpoch;
  }

  get origin(): LogOrigin {
    return this.#origin;
  }

  /** Resets that were followed and whose base the fold has not reached, ascending. */
  get ahead(): readonly LogReset[] {
    return this.#ahead;
  }

  root(): Uint8Array {
    return this.#range().root();
  }

  headAt(size: number): Uint8Array | undefined {
    return this.#recent.headAt(size);
  }

  /** The head of the present tree at a size, or of an ended one at the size where the next one began. */
  headIn(logEpoch: number, size: number): Uint8Array | undefined {
    if (logEpoch === this.#origin.logEpoch) return this.headAt(size);
    const past = this.#past.findLast((fold) => fold.origin.logEpoch === logEpoch && fold.size === size);
    return past && CompactRange.fromHashes(past.size - past.origin.baseSize + 1, past.range)?.root();
  }

  state(): LogTreeState {
    return { origin: this.#origin, size: this.#size, range: this.#range().hashes(), ahead: this.#ahead, past: this.#past };
  }

  /** Appends the leaf of the next seq. */
  push(leaf: Uint8Array): void {
    this.#recent.push(leaf);
    this.#size += 1;
    this.#enterResets();
  }

  /**
   * Follows a verified reset: the fold goes back to base_size, or enters the new tree when it gets there.
   * The result says whether base_head is compared. Throws the finding `fork` when it differs.
   */
  follow(reset: LogReset): boolean {
    this.#ahead = this.#ahead.filter((earlier) => earlier.newEpoch <= reset.oldEpoch);
    if (this.#origin.logEpoch > reset.oldEpoch && !this.#goBack(reset.oldEpoch)) {
      this.#begin(reset);
      return false;
    }
    if (this.#ahead.length > 0 || this.#size < reset.baseSize) {
      this.#ahead.push(reset);
      return true;
    }
    const head = reset.oldEpoch === this.#origin.logEpoch ? this.headAt(reset.baseSize) : undefined;
    if (head !== undefined && !equalBytes(head, reset.baseHead)) throw otherBase(reset);
    this.#begin(reset);
    return head !== undefined;
  }

  /** Starts over from a range that somebody else folded. */
  startFrom(fold: LogFold, ahead: readonly LogReset[]): boolean {
    if (!this.#adopt(fold)) return false;
    this.#ahead = [...ahead];
    this.#past = [];
    this.#enterResets();
    return true;
  }

  /** Back to before the first entry of the first log epoch. */
  startOver(): void {
    this.startFrom({ origin: ORIGIN_FIRST, size: 0, range: genesisRange(this.#log, ORIGIN_FIRST).hashes() }, []);
  }

  #adopt(fold: LogFold): boolean {
    const range = CompactRange.fromHashes(fold.size - fold.origin.baseSize + 1, fold.range);
    if (range === undefined) return false;
    this.#origin = fold.origin;
    this.#size = fold.size;
    this.#recent = new RecentHeads(range, fold.size);
    return true;
  }

  // A backup from an epoch that had ended already was restored: what was folded since is void, the old tree goes on.
  #goBack(logEpoch: number): boolean {
    const fold = this.#past.findLast((past) => past.origin.logEpoch === logEpoch);
    return fold !== undefined && this.#adopt(fold);
  }

  #enterResets(): void {
    for (let next = this.#ahead[0]; next !== undefined && next.baseSize <= this.#size; next = this.#ahead[0]) {
      if (!equalBytes(this.root(), next.baseHead)) throw otherBase(next);
      this.#ahead.shift();
      this.#begin(next);
    }
  }

  #begin(reset: LogReset): void {
    const range = this.#recent.rangeAt(reset.baseSize);
    this.#past = this.#past.filter((past) => past.origin.logEpoch < this.#origin.logEpoch).slice(1 - PAST_FOLDS_MAX);
    if (range !== undefined) this.#past.push({ origin: this.#origin, size: reset.baseSize, range: range.hashes() });
    this.#origin = { logEpoch: reset.newEpoch, baseSize: reset.baseSize, baseHead: reset.baseHead };
    this.#size = reset.baseSize;
    this.#recent = new RecentHeads(genesisRange(this.#log, this.#origin), this.#size);
  }

  // The present size is always among the recent ones.
  #range(): CompactRange {
    return this.#recent.rangeAt(this.#size) ?? new CompactRange();
  }
}

function genesisRange(log: LogIdentity, origin: LogOrigin): CompactRange {
  const range = new CompactRange();
  range.push(genesisLeaf({ ...log, ...origin }));
  return range;
}

function otherBase(reset: LogReset): MisbehaviourError {
  return new MisbehaviourError(finding('fork', `the log was reset to another head of size ${reset.baseSize} than this device verified`));
}
