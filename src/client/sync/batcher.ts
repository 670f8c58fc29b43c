// Gathers items for a moment, so that many small changes become one sealed entry.
import { ClientError } from '../client-error.js';
import type { Environment, Timer } from '../environment.js';
import { BATCH_BYTES_MAX, BATCH_ITEMS_MAX, ITEM_BYTES_MAX } from '../limits.js';
import { BatchWrite } from './writes.js';
import type { Write } from './writes.js';

/** Items that become one entry. */
export interface Batch {
  /** The type of the entry; data of the app when absent. */
  readonly type?: number;
  readonly items: readonly Uint8Array[];
  readonly bytes: number;
  readonly write: BatchWrite;
}

export interface BatcherOptions {
  readonly environment: Environment;
  readonly windowMs: number;
  /** Combines the items of a batch, for example by merging updates of one document. */
  readonly merge: ((items: readonly Uint8Array[]) => readonly Uint8Array[]) | undefined;
  /** Takes a batch that is complete. */
  readonly flushed: (batch: Batch) => void;
}

export class Batcher {
  readonly #options: BatcherOptions;
  #items: Uint8Array[] = [];
  #bytes = 0;
  #write = new BatchWrite();
  #timer: Timer | undefined;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Bytes that gather and are not yet handed on. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a copy of one item. */
  push(item: Uint8Array): Write {
    if (item.length > ITEM_BYTES_MAX) {
      throw new ClientError('item_too_large', `an item of ${item.length} bytes; the limit is ${ITEM_BYTES_MAX}`, { hint: 'Split it, or keep large data outside the log.' });
    }
    if (this.#bytes > 0 && this.#bytes + item.length > BATCH_BYTES_MAX) this.flush();
    const write = this.#write;
    this.#items.push(item.slice());
    this.#bytes += item.length + 1;
    if (this.#items.length >= BATCH_ITEMS_MAX || this.#bytes >= BATCH_BYTES_MAX) this.flush();
    else this.#timer ??= this.#options.environment.after(this.#options.windowMs, () => this.flush());
    return write;
  }

  /** Hands the gathered items on now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#items.length === 0) return;
    const { merge } = this.#options;
    const batch = { items: merge === undefined ? this.#items : merge(this.#items), bytes: this.#bytes, write: this.#write };
    this.#items = [];
    this.#bytes = 0;
    this.#write = new BatchWrite();
    this.#options.flushed(batch);
  }
}
