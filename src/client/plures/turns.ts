// Work that is done one after the other, by a bounded number of callers.
import { SENDS_WAITING_MAX } from './limits.js';
import { sendQueueFull } from './transport-errors.js';

export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Runs it when everything before is done, however that ended. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= SENDS_WAITING_MAX) throw sendQueueFull();
    this.#waiting += 1;
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
    }
  }
}
