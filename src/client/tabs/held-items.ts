// Items pushed in a tab that no leader is known to have stored, by number.
import { ClientError } from '../client-error.js';
import { OUTBOX_UNSENT_BYTES_MAX } from '../limits.js';
import { TabWrite } from './tab-write.js';

/** Items that wait in a tab. */
const HELD_ITEMS_MAX = 4096;

export interface HeldItem {
  readonly item: Uint8Array;
  readonly write: TabWrite;
}

export class HeldItems {
  readonly #items = new Map<number, HeldItem>();
  #bytes = 0;
  #number = 0;

  get any(): boolean {
    return this.#items.size > 0;
  }

  /** Gives the item its number. Throws `outbox_full`. */
  add(item: Uint8Array): HeldItem & { readonly number: number } {
    if (this.#items.size >= HELD_ITEMS_MAX || this.#bytes + item.length > OUTBOX_UNSENT_BYTES_MAX) throw new ClientError('outbox_full', 'too much waits for the tab that holds the connection', { temporary: true });
    this.#number += 1;
    const held = { item, write: new TabWrite() };
    this.#items.set(this.#number, held);
    this.#bytes += item.length;
    return { number: this.#number, ...held };
  }

  get(number: number): HeldItem | undefined {
    return this.#items.get(number);
  }

  /** In the order they were pushed. */
  all(): readonly (HeldItem & { readonly number: number })[] {
    return [...this.#items].map(([number, held]) => ({ ...held, number }));
  }

  /** A leader has it, or refused it; undefined when that was known. */
  drop(number: number): TabWrite | undefined {
    const held = this.#items.get(number);
    if (held === undefined) return undefined;
    this.#items.delete(number);
    this.#bytes -= held.item.length;
    return held.write;
  }
}
