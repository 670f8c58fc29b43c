// What the client takes from its surroundings: clock, timers, randomness and the word on the network are passed in, never reached for.
import { pageNetwork } from './connection/network.js';
import type { Network, PageLike } from './connection/network.js';

/** A timer that can be stopped. */
export interface Timer {
  cancel(): void;
}

/** Everything that is not a pure function of the input. */
export interface Environment {
  /** Unix milliseconds. */
  now(): number;
  /** A number from 0 (included) to 1 (excluded), for jitter only. */
  random(): number;
  /** Cryptographic randomness. */
  randomBytes(length: number): Uint8Array;
  /** Calls once after the time. */
  after(delayMs: number, call: () => void): Timer;
  /** What the platform knows of its network; absent where it tells nothing. */
  readonly network?: Network;
}

/** Longer timers overflow on every platform and would run at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The platform's own clock, timers, randomness and network. */
export function platformEnvironment(): Environment {
  const network = pageNetwork(globalThis as PageLike);
  return {
    ...(network === undefined ? {} : { network }),
    now: () => Date.now(),
    random: () => Math.random(),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    after: (delayMs, call) => {
      const handle = setTimeout(call, Math.min(delayMs, TIMER_MS_MAX));
      return { cancel: () => clearTimeout(handle) };
    },
  };
}

/** The platform's, but for what is given; an object whose methods are its class's is fine. */
export function environmentWith(given: Partial<Environment> = {}): Environment {
  const platform = platformEnvironment();
  const network = given.network ?? platform.network;
  return {
    ...(network === undefined ? {} : { network }),
    now: () => (given.now === undefined ? platform.now() : given.now()),
    random: () => (given.random === undefined ? platform.random() : given.random()),
    randomBytes: (length) => (given.randomBytes === undefined ? platform.randomBytes(length) : given.randomBytes(length)),
    after: (delayMs, call) => (given.after === undefined ? platform.after(delayMs, call) : given.after(delayMs, call)),
  };
}

/** Resolves after the time, or rejects with the signal's reason. */
export function sleep(environment: Environment, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const timer = environment.after(delayMs, () => {
      signal.removeEventListener('abort', aborted);
      resolve();
    });
    const aborted = (): void => {
      timer.cancel();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', aborted, { once: true });
  });
}
