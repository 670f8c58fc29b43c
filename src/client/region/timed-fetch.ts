// A request that ends in time, whatever the other side does.
import { platformEnvironment } from '../environment.js';
import type { Environment } from '../environment.js';

/** What the region client takes from its surroundings. */
export interface Surroundings extends Pick<Environment, 'now' | 'after'> {
  readonly fetch: typeof globalThis.fetch;
}

/** A clock that does not jump and the platform's timers, but for what is given; an object whose methods are its class's is fine. */
export function steadyClock(given: Partial<Pick<Environment, 'now' | 'after'>> = {}): Pick<Environment, 'now' | 'after'> {
  const platform = platformEnvironment();
  return {
    now: () => (given.now === undefined ? performance.now() : given.now()),
    after: (delayMs, call) => (given.after === undefined ? platform.after(delayMs, call) : given.after(delayMs, call)),
  };
}

/** Fetches and reads the answer within the time, or rejects and gives the connection up. */
export async function fetchWithin<T>(surroundings: Surroundings, url: string, init: RequestInit, limitMs: number, read: (response: Response) => Promise<T>): Promise<T> {
  const giveUp = new AbortController();
  const late = new Promise<never>((_resolve, reject) => giveUp.signal.addEventListener('abort', () => reject(giveUp.signal.reason as Error)));
  const timer = surroundings.after(limitMs, () => giveUp.abort(new Error(`no answer within ${limitMs} ms`)));
  try {
    const answered = surroundings.fetch(url, { ...init, signal: giveUp.signal }).then(read);
    // A fetch that does not listen to its signal must not hold anybody up either.
    return await Promise.race([answered, late]);
  } finally {
    timer.cancel();
  }
}
