// A clock whose timers run when it is told to go on.
import type { Environment } from '../../src/client/environment.js';

export class ManualClock implements Environment {
  #now = 1000;
  #timers: { at: number; call: () => void }[] = [];
  readonly now = (): number => this.#now;
  readonly random = (): number => 0.5;
  readonly randomBytes = (length: number): Uint8Array => new Uint8Array(length);

  /** Timers that were not cancelled and did not run. */
  get waiting(): number {
    return this.#timers.length;
  }

  after(delayMs: number, call: () => void): { cancel(): void } {
    const timer = { at: this.#now + delayMs, call };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { call } of due) call();
  }
}
