// What tabs of one origin share, in memory and in one process.
import { MemoryDeviceStore } from '../../src/client/store/device-store.js';
import type { TabChannel, TabGround } from '../../src/client/tabs/tab-channel.js';

/** The lock, the channels and the storage of one origin. */
export class TabOrigin implements TabGround {
  readonly #channels = new Map<string, Set<(message: unknown) => void>>();
  /** What the first tab says to the third comes when it is released. */
  readonly late: (() => void)[] = [];
  holdsLate = false;
  #last: Promise<void> = Promise.resolve();
  readonly storage = new MemoryDeviceStore();
  /** Messages of that kind get lost from now on. */
  lost = '';

  readonly locks: TabGround['locks'] = {
    request: async (_name, { signal }, held) => {
      const before = this.#last;
      const mine = before.then(async () => {
        if (!signal.aborted) await held();
      });
      this.#last = mine.catch(() => undefined);
      const aborted = new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      let hasBegun = false;
      void before.then(() => (hasBegun = true));
      // Who waits can give up; who holds it goes on to its end.
      await Promise.race([mine, aborted]).catch((cause: unknown) => (hasBegun ? mine : Promise.reject(cause)));
    },
  };

  channel<M>(name: string): TabChannel<M> {
    const listeners = this.#channels.get(name) ?? new Set();
    this.#channels.set(name, listeners);
    let own: (message: unknown) => void = () => undefined;
    return {
      post: (message) => {
        if ((message as { kind?: string }).kind === this.lost) return;
        const copy = structuredClone(message);
        for (const [at, listener] of [...listeners].entries()) {
          if (listener === own) continue;
          const deliver = (): unknown => listeners.has(listener) && listener(copy);
          if (this.holdsLate && [...listeners][0] === own && at === 2) this.late.push(deliver);
          else queueMicrotask(deliver);
        }
      },
      listen: (listener) => {
        own = listener as (message: unknown) => void;
        listeners.add(own);
      },
      close: () => void listeners.delete(own),
    };
  }
}
