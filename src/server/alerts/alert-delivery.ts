// Brings messages to one receiver, in order, each until it is taken or given up. The queue is bounded, and so are the tries.
import type { AlertRequest } from './alert-targets.js';

export const QUEUE_MAX = 100;
export const TRIES_MAX = 12;
const TIMEOUT_MS = 10_000;
const BACKOFF_MS_MIN = 1_000;
const BACKOFF_MS_MAX = 300_000;
const HTTP_TIMEOUT = 408;
const HTTP_TOO_MANY = 429;

export interface DeliveryDeps {
  readonly fetch: typeof fetch;
  /** Resolves after that time, or at once when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 to 1. */
  readonly random: () => number;
  /** A message was lost: it was refused, tried too often, or did not fit. */
  readonly lost: (why: string) => void;
  readonly timeoutMs?: number;
}

export class AlertDelivery {
  readonly #deps: DeliveryDeps;
  readonly #queue: (() => AlertRequest | null)[] = [];
  readonly #stopped = new AbortController();
  #isRunning = false;
  sentTotal = 0;
  lostTotal = 0;

  constructor(deps: DeliveryDeps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** `request` is asked at each try, so that a key that was mended is used; null: there is no receiver any more. */
  send(request: () => AlertRequest | null): void {
    if (this.#queue.length >= QUEUE_MAX) {
      this.#lose(`${QUEUE_MAX} messages wait already`);
      return;
    }
    this.#queue.push(request);
    if (!this.#isRunning) void this.#run();
  }

  /** What is under way is cut off; what waits is dropped. */
  stop(): void {
    this.#stopped.abort();
    this.#queue.length = 0;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let next = this.#queue[0]; next !== undefined && !this.#stopped.signal.aborted; next = this.#queue[0]) {
      await this.#deliver(next);
      this.#queue.shift();
    }
    this.#isRunning = false;
  }

  async #deliver(request: () => AlertRequest | null): Promise<void> {
    const { signal } = this.#stopped;
    let why = '';
    for (let tried = 1; tried <= TRIES_MAX && !signal.aborted; tried += 1) {
      const made = request();
      if (made === null) return;
      const answer = await this.#try(made);
      if (answer === 'taken') {
        this.sentTotal += 1;
        return;
      }
      why = answer.why;
      if (!answer.again) break;
      if (tried < TRIES_MAX) await this.#deps.sleep(this.#backoffMs(tried), signal);
    }
    if (!signal.aborted) this.#lose(why);
  }

  async #try({ url, headers, body }: AlertRequest): Promise<'taken' | { readonly why: string; readonly again: boolean }> {
    try {
      const answer = await this.#deps.fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(this.#deps.timeoutMs ?? TIMEOUT_MS)]),
      });
      await answer.body?.cancel();
      if (answer.ok) return 'taken';
      return { why: `the receiver answered ${answer.status}`, again: answer.status >= 500 || answer.status === HTTP_TIMEOUT || answer.status === HTTP_TOO_MANY };
    } catch (error) {
      // The message of the error can hold the URL, which is a secret.
      const name = error instanceof Error ? error.name : 'Error';
      return { why: name === 'TimeoutError' ? 'the receiver did not answer in time' : 'the receiver could not be reached', again: true };
    }
  }

  /** Doubles from try to try; a part of it is random, so that many relays do not come back at once. */
  #backoffMs(tried: number): number {
    return Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (tried - 1)) * (0.5 + this.#deps.random() / 2);
  }

  #lose(why: string): void {
    this.lostTotal += 1;
    this.#deps.lost(why);
  }
}
