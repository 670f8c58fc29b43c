// Writes of a tab that a leader has stored, and whose fate that leader tells.
import { ClientError } from '../client-error.js';
import type { TabWrite } from './tab-write.js';

/** Writes that are watched. */
const WRITES_MAX = 4096;

interface Watched {
  readonly write: TabWrite;
  /** The tab that led when it was stored, and tells of it. */
  readonly term: string | undefined;
}

export class WatchedWrites {
  readonly #writes = new Map<number | symbol, Watched>();

  /** Under the number by which a leader tells of it, or a symbol of its own. */
  watch(number: number | symbol, write: TabWrite, term: string | undefined): void {
    if (write.state === 'seen') return;
    this.#writes.set(number, { write, term });
    const [oldest] = this.#writes.keys();
    if (this.#writes.size > WRITES_MAX && oldest !== undefined) this.#writes.delete(oldest);
  }

  get(number: number): TabWrite | undefined {
    return this.#writes.get(number)?.write;
  }

  /** Everything that was in the storage is on the relay's disk; of writes that another tab watched than the one of `term` no more will be heard. */
  settle(leader: string | undefined, changed: (write: TabWrite) => void): void {
    for (const [number, { write, term }] of this.#writes) {
      if (write.become('stored')) changed(write);
      if (term === leader) continue;
      this.#writes.delete(number);
      write.fail(new ClientError('closed', 'the tab that watched this write is gone', { temporary: true }));
    }
  }

  fail(cause: ClientError): void {
    for (const { write } of this.#writes.values()) write.fail(cause);
  }
}
