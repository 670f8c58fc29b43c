// Whether the relay takes work: starting → ready → draining. Nothing goes back; what the store says comes on top.
import type { RelayStats } from '../native/relay-port.js';

export type Phase = 'starting' | 'ready' | 'draining';

/** Why a running relay stores nothing new. A full disk passes by itself once there is room. */
export type StoreTrouble = 'store_poisoned' | 'disk_full';

/** Why a relay takes no work. */
export type Unready = 'starting' | 'draining' | StoreTrouble;

/** What keeps the store from taking entries; poison outlives a full disk, so it is named first. */
export function storeTrouble(stats: Pick<RelayStats, 'storePoisoned' | 'storeDiskFull'> | null): StoreTrouble | null {
  if ((stats?.storePoisoned ?? 0) > 0) return 'store_poisoned';
  return (stats?.storeDiskFull ?? 0) > 0 ? 'disk_full' : null;
}

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
