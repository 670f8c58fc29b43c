// A clock for `environment` that stands still until it is told to go on. Sockets and disks are not its concern: they take the time they take.
import { randomBytes } from 'node:crypto';
import type { Environment, Timer } from '../client/index.js';

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly call: () => void;
}

/** An environment whose timers run when the test says so. */
export class FakeClock implements Environment {
  #now: number;
  #order = 0;
  #waiting: Waiting[] = [];

  /** Unix milliseconds at which it stands; the present when absent. */
  constructor(now = Date.now()) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;
  /** The middle, so that jitter is the same in every run. */
  readonly random = (): number => 0.5;
  readonly randomBytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

  /** Timers that wait. */
  get timers(): number {
    return this.#waiting.length;
  }

  readonly after = (delayMs: number, call: () => void): Timer => {
    this.#order += 1;
    const waiting = { at: this.#now + Math.max(0, delayMs), order: this.#order, call };
    this.#waiting.push(waiting);
    return { cancel: () => void (this.#waiting = this.#waiting.filter((other) => other !== waiting)) };
  };

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
  }

  /** Goes on, and runs what is due in the order of its time; what that starts may be due too. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#dueBy(end); next !== undefined; next = this.#dueBy(end)) {
      const due = next;
      this.#waiting = this.#waiting.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.call();
      await turn();
    }
    this.#now = end;
    await turn();
  }

  #dueBy(end: number): Waiting | undefined {
    return this.#waiting.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
  }
}

/** An `environment` in real time with which devices come back at once: the waits between attempts take a hundredth of their time. */
export const HASTY: Pick<Environment, 'random'> = { random: () => 0.01 };

/** Lets promises go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
