// Stores the device's state, one save at a time; requests that come meanwhile share the next one.
import type { DeviceState, DeviceStore } from '../store/device-store.js';

export class StateSaver {
  readonly #store: DeviceStore;
  readonly #state: () => DeviceState;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #closed = false;

  constructor(store: DeviceStore, state: () => DeviceState) {
    this.#store = store;
    this.#state = state;
  }

  /** Resolves when the state as of now, or a newer one, is stored. */
  save(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    this.#next = this.#running.catch(() => undefined).then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  /** Stores the state a last time; what asks for it later is too late, because another may have the store. */
  async close(): Promise<void> {
    const last = this.save();
    this.#closed = true;
    await last;
  }

  #start(): Promise<void> {
    const running = this.#store.save(this.#state());
    this.#running = running;
    return running.finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
  }
}
