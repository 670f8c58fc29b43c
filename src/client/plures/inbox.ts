// What came and was not read yet: an async iterable that holds up the network, or ends by name where it cannot.
import { MESSAGE_OVERHEAD_BYTES, RECEIVE_BYTES_HIGH, RECEIVE_BYTES_LOW, RECEIVE_BYTES_MAX, RECEIVERS_MAX } from './limits.js';
import { receiveQueueFull, tooManyReceivers } from './transport-errors.js';

/** The network that is held up. */
export interface Tap {
  pause(inbox: Inbox): void;
  resume(inbox: Inbox): void;
}

type Next = { readonly bytes: Uint8Array } | { readonly end: Error | null };

interface Receiver {
  resolve(next: Next): void;
}

export class Inbox {
  readonly #tap: Tap;
  readonly #full: (error: Error) => void;
  readonly #held: Uint8Array[] = [];
  readonly #receivers: Receiver[] = [];
  #bytes = 0;
  #isPaused = false;
  #end: { readonly error: Error | null } | null = null;

  /** `full` is called when it had to end itself. */
  constructor(tap: Tap, full: (error: Error) => void) {
    this.#tap = tap;
    this.#full = full;
  }

  put(bytes: Uint8Array): void {
    if (this.#end !== null) return;
    const receiver = this.#receivers.shift();
    if (receiver !== undefined) return receiver.resolve({ bytes });
    this.#held.push(bytes);
    this.#bytes += bytes.length + MESSAGE_OVERHEAD_BYTES;
    if (this.#bytes > RECEIVE_BYTES_MAX) {
      const error = receiveQueueFull(RECEIVE_BYTES_MAX);
      this.end(error);
      this.#full(error);
    } else if (this.#bytes > RECEIVE_BYTES_HIGH && !this.#isPaused) {
      this.#isPaused = true;
      this.#tap.pause(this);
    }
  }

  /** What is held can still be read; then reading ends, or rejects with the error. */
  end(error: Error | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    this.#letGo();
    for (const receiver of this.#receivers.splice(0)) receiver.resolve({ end: error });
  }

  /** The messages, each to one of those who read. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const next = await this.#next();
      if ('bytes' in next) yield next.bytes;
      else if (next.end === null) return;
      else throw next.end;
    }
  }

  #next(): Promise<Next> | Next {
    const bytes = this.#held.shift();
    if (bytes !== undefined) {
      this.#bytes -= bytes.length + MESSAGE_OVERHEAD_BYTES;
      if (this.#bytes < RECEIVE_BYTES_LOW) this.#letGo();
      return { bytes };
    }
    if (this.#end !== null) return { end: this.#end.error };
    if (this.#receivers.length >= RECEIVERS_MAX) throw tooManyReceivers();
    return new Promise((resolve) => this.#receivers.push({ resolve }));
  }

  #letGo(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#tap.resume(this);
  }
}
