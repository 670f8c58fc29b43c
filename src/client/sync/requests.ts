// Answers that a flow of several frames waits for; all of them end with the session.
import { FrameError } from '../../protocol/frame-error.js';
import { ClientError } from '../client-error.js';
import type { Environment } from '../environment.js';
import { REQUEST_TIMEOUT_MS } from '../limits.js';

interface Waiter<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (cause: unknown) => void;
}

/** The one flow of a kind that may wait at a time; answers that nobody waits for yet are kept, as many as can have been asked for. */
export class Answers<T> {
  readonly #environment: Environment;
  readonly #queuedMax: number;
  #queue: T[] = [];
  #waiter: Waiter<T> | undefined;

  constructor(environment: Environment, queuedMax: number) {
    this.#environment = environment;
    this.#queuedMax = queuedMax;
  }

  /** The next answer; rejects with `request_timeout`, or what `fail` was called with. */
  next(): Promise<T> {
    const ready = this.#queue.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      const timer = this.#environment.after(REQUEST_TIMEOUT_MS, () => {
        this.#waiter = undefined;
        reject(new ClientError('request_timeout', 'the relay did not answer in time', { temporary: true }));
      });
      this.#waiter = {
        resolve: (answer) => {
          timer.cancel();
          resolve(answer);
        },
        reject: (cause) => {
          timer.cancel();
          reject(cause);
        },
      };
    });
  }

  /** Throws FrameError when more comes than was asked for. */
  answer(value: T): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) waiter.resolve(value);
    else if (this.#queue.length < this.#queuedMax) this.#queue.push(value);
    else throw new FrameError('unexpected_frame', 'more answers than were asked for');
  }

  /** A new flow begins: what was left of an earlier one is no answer to it. */
  forget(): void {
    this.#queue = [];
  }

  /** True when somebody was waiting. */
  fail(cause: unknown): boolean {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.#queue = [];
    waiter?.reject(cause);
    return waiter !== undefined;
  }
}
