// Messages that came and are not worked off yet: first in, first out, and bounded in bytes.
import { INBOUND_BYTES_MAX, INBOUND_MESSAGE_OVERHEAD_BYTES } from '../limits.js';

/** Taken messages are dropped in bulk: an array that gives up its first element again and again would copy itself each time. */
const TAKEN_MAX = 1024;

export class InboundQueue {
  #messages: Uint8Array[] = [];
  #taken = 0;
  #bytes = 0;

  get empty(): boolean {
    return this.#taken === this.#messages.length;
  }

  /** Whether more waits than may wait. */
  get full(): boolean {
    return this.#bytes > INBOUND_BYTES_MAX;
  }

  add(message: Uint8Array): void {
    this.#messages.push(message);
    this.#bytes += message.length + INBOUND_MESSAGE_OVERHEAD_BYTES;
  }

  take(): Uint8Array | undefined {
    const message = this.#messages[this.#taken];
    if (message === undefined) return undefined;
    this.#taken += 1;
    this.#bytes -= message.length + INBOUND_MESSAGE_OVERHEAD_BYTES;
    if (this.#taken >= TAKEN_MAX || this.empty) {
      this.#messages = this.#messages.slice(this.#taken);
      this.#taken = 0;
    }
    return message;
  }

  clear(): void {
    this.#messages = [];
    this.#taken = 0;
    this.#bytes = 0;
  }
}
