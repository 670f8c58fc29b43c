// Whether the relay takes work: starting → ready → draining. Nothing goes back.

export type Phase = 'starting' | 'ready' | 'draining';

/** Why a relay takes no work. */
export type Unready = 'starting' | 'draining' | 'store_poisoned';

/** Holds the phase; the composition root moves it, the health routes read it. */
export class Readiness {
  #phase: Phase = 'starting';

  get phase(): Phase {
    return this.#phase;
  }

  markReady(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  markDraining(): void {
    this.#phase = 'draining';
  }
}
