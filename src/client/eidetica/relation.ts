// One tree and one peer: the ids that wait to be sent, and when the next attempt is due.
import { QUEUED_IDS_MAX, RETRY_SECS_MAX } from './limits.js';
import type { Unsent } from './sync-state.js';

export class Relation {
  readonly peer: string;
  readonly tree: string;
  #ids: string[] = [];
  #oldestAt = 0;
  /** Whether ids are missing here, so that only a comparison of the tree finds what to send. */
  needsComparison = false;
  /** Whether the tree got entries from somebody else, which this peer may lack. */
  #hasNews = false;
  attempts = 0;
  /** Unix milliseconds; 0 is now. */
  dueAt = 0;
  isRunning = false;

  constructor(peer: string, tree: string) {
    this.peer = peer;
    this.tree = tree;
  }

  /** As it was left: what was waiting is found by a comparison. */
  restore({ attempts, dueAt }: Unsent): void {
    // For ever is for one run.
    [this.needsComparison, this.attempts, this.dueAt] = [true, attempts, Number.isFinite(dueAt) ? dueAt : 0];
  }

  get waiting(): number {
    return this.#ids.length;
  }

  get isClean(): boolean {
    return this.#ids.length === 0 && !this.needsComparison && !this.#hasNews;
  }

  /** Whether only a comparison will do: ids are missing, or others brought some. */
  get wantsComparison(): boolean {
    return this.needsComparison || this.#hasNews;
  }

  /** The tree got entries from somebody else: it is compared once they are as old as commits that are sent. */
  hear(now: number): void {
    if (this.isClean) this.#oldestAt = now;
    this.#hasNews = true;
  }

  /** A comparison begins: what comes from here on waits again. True when there was a need for it, which is there again when it fails. */
  beginComparison(): boolean {
    const wanted = this.wantsComparison;
    [this.needsComparison, this.#hasNews] = [false, false];
    return wanted;
  }

  /** Adds an id that is to be sent. */
  add(id: string, now: number): void {
    if (this.isClean) this.#oldestAt = now;
    if (this.needsComparison) return;
    if (this.#ids.length >= QUEUED_IDS_MAX) this.#compareInstead();
    else this.#ids.push(id);
  }

  /** Whether it is time to send: enough waits, or for long enough, and no attempt failed a moment ago. */
  isDue(now: number, sizeMax: number, ageSecs: number): boolean {
    if (this.isRunning || this.isClean || now < this.dueAt) return false;
    return this.needsComparison || this.attempts > 0 || this.#ids.length >= sizeMax || now - this.#oldestAt >= ageSecs * 1000;
  }

  /** Takes the ids that wait. */
  take(): readonly string[] {
    const ids = this.#ids;
    this.#ids = [];
    return ids;
  }

  /** Puts ids back that were not sent, before those that came meanwhile. */
  putBack(ids: readonly string[]): void {
    if (this.needsComparison) return;
    this.#ids = [...ids, ...this.#ids];
    if (this.#ids.length > QUEUED_IDS_MAX) this.#compareInstead();
  }

  succeeded(): void {
    [this.attempts, this.dueAt] = [0, 0];
  }

  /** 2, 4, 8 … seconds, up to 64. */
  failed(now: number): void {
    this.attempts += 1;
    this.dueAt = now + Math.min(2 ** this.attempts, RETRY_SECS_MAX) * 1000;
  }

  /** No more attempts by themselves. The ids go, not what they stand for: whatever comes next compares the tree. */
  giveUp(): void {
    this.#compareInstead();
    this.dueAt = Infinity;
  }

  get isGivenUp(): boolean {
    return this.dueAt === Infinity;
  }

  #compareInstead(): void {
    this.needsComparison = true;
    this.#ids = [];
  }
}
