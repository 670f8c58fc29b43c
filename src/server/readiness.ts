// Whether the relay takes work: starting → ready → draining. Nothing goes back; what the store says comes on top.
import type { RelayStats } from '../native/relay-port.js';

export type Phase = 'starting' | 'ready' | 'draining';

/** Why a running relay stores nothing new. A full disk passes by itself once there is room. */
export type StoreTrouble = 'store_poisoned' | 'disk_full';

/** Why a relay takes no work. */
export type Unready = 'starting' | 'draining' | StoreTrouble;

type StoreFigures = Pick<RelayStats, 'storePoisoned' | 'storeDiskFull'> & Partial<Pick<RelayStats, 'documentsPoisoned'>>;

/** What keeps the store from taking entries; poison outlives a full disk, so it is named first. */
export function storeTrouble(stats: StoreFigures | null): StoreTrouble | null {
  if ((stats?.storePoisoned ?? 0) > 0 || (stats?.documentsPoisoned ?? 0) > 0) return 'store_poisoned';
  return (stats?.storeDiskFull ?? 0) > 0 ? 'disk_full' : null;
}

/** For the person who reads the probe. */
export const UNREADY_DETAILS = {
  starting: 'The relay is starting.',
  draining: 'The relay is stopping; clients were told when to return.',
  store_poisoned: 'A write or sync of the store failed and nothing more is accepted; check the disk, then restart the relay.',
  disk_full: 'The disk is full: pushes are refused, reads go on. Make room; the relay then goes on by itself.',
} as const satisfies Record<Unready, string>;

/** Why no work is taken, or null. */
export function whyUnready(phase: Phase, trouble: StoreTrouble | null): Unready | null {
  return phase === 'ready' ? trouble : phase;
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
