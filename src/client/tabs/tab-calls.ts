// Calls of a space that every tab may make: the tab that leads does them, for the others too.
import { ClientError } from '../client-error.js';
import type { LiveSpace } from '../live/index.js';
import type { NewDevice } from '../space/space.js';
import { heardError } from './tab-channel.js';
import type { ToldError } from './tab-channel.js';

/** Calls of a tab that wait for an answer. */
const CALLS_WAITING_MAX = 256;

/** What they are given and give goes through a structured clone. */
const CALLS = {
  addDevice: (space: LiveSpace, device: NewDevice) => space.addDevice(device),
  removeDevice: (space: LiveSpace, device: string) => space.removeDevice(device),
  nameDevice: async (space: LiveSpace, name: string) => space.nameDevice(name),
  synced: (space: LiveSpace) => space.whenSynced(),
  handover: async (space: LiveSpace) => space.handover(),
  vouch: (space: LiveSpace, hello: Uint8Array, challenge: Uint8Array) => space.sponsor()(hello, challenge),
} as const;

export type CallName = keyof typeof CALLS;
type Given<K extends CallName> = Parameters<(typeof CALLS)[K]> extends [unknown, ...infer A] ? A : never;
type Result<K extends CallName> = Awaited<ReturnType<(typeof CALLS)[K]>>;

/** Does the call of some tab. */
export async function done(space: LiveSpace, name: CallName, given: readonly unknown[]): Promise<unknown> {
  return (CALLS[name] as (space: LiveSpace, ...given: readonly unknown[]) => Promise<unknown>)(space, ...given);
}

/** False when the tab that was asked is gone. */
async function isAnswered(call: Promise<void>, signal: AbortSignal): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof ClientError && cause.code === 'closed') return false;
    throw cause;
  }
}

/** For calls that nobody will answer. */
export function gone(): ClientError {
  return new ClientError('closed', 'the tab that held the connection is gone', { temporary: true });
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (cause: ClientError) => void;
}

/** The calls of one tab. */
export class TabCalls {
  readonly #post: (number: number, name: CallName, given: readonly unknown[]) => void;
  readonly #waiting = new Map<number, Waiting>();
  #number = 0;

  constructor(post: (number: number, name: CallName, given: readonly unknown[]) => void) {
    this.#post = post;
  }

  /** `space` when this tab leads. */
  call<K extends CallName>(space: LiveSpace | undefined, name: K, ...given: Given<K>): Promise<Result<K>> {
    return (space === undefined ? this.#asked(name, given) : done(space, name, given)) as Promise<Result<K>>;
  }

  answered(number: number, result: unknown, error: ToldError | null): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error === null) waiting?.resolve(result);
    else waiting?.reject(heardError(error));
  }

  async #asked(name: CallName, given: readonly unknown[]): Promise<unknown> {
    if (this.#waiting.size >= CALLS_WAITING_MAX) throw new ClientError('outbox_full', 'too much waits for the tab that holds the connection', { temporary: true });
    this.#number += 1;
    const number = this.#number;
    this.#post(number, name, given);
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
  }

  /** Makes the call until somebody has answered it: whoever leads next is asked again. Rejects when the signal ends the wait. */
  async askAgain(call: () => Promise<void>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const over = new AbortController();
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { signal: over.signal });
    });
    try {
      while (!(await isAnswered(Promise.race([call(), aborted]), signal)));
    } finally {
      over.abort();
    }
  }

  /** The tab that led will answer no more. */
  leaderIsGone(): void {
    this.fail(gone());
  }

  /** Nobody will answer any more. */
  fail(cause: ClientError): void {
    for (const { reject } of this.#waiting.values()) reject(cause);
    this.#waiting.clear();
  }
}
