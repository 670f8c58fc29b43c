// How far the newest change of a space has come, out of its events.
import type { TabWrite, Write } from '../client/index.js';
import { derivedStore } from './external-store.js';
import type { ExternalStore } from './external-store.js';
import type { AnySpace } from './provider.js';
import { eventsOf } from './space-events.js';

/** What can stand in the way of a change: no room at the relay, or none in the storage of this device. It goes on by itself once there is. */
export type Blocked = 'quota_exceeded' | 'storage_full' | 'storage_failed';

const BLOCKING: readonly string[] = ['quota_exceeded', 'storage_full', 'storage_failed'];

/** Where the newest change of this device is known to be. */
export interface SyncStatus {
  /** `here`: on this device; `relay`: on the relay's disk; `devices`: another device holds it; `unknown`: there is no open space. */
  readonly saved: 'unknown' | 'here' | 'relay' | 'devices';
  /** Why what is `here` does not go on, as far as that is known; null otherwise. */
  readonly blocked: Blocked | null;
  /** Other devices that acknowledged the newest change made since the page was opened. */
  readonly seenBy: number;
  /** Other devices of the space. */
  readonly others: number;
}

/** A store of it; changes made while nobody listens count up to `relay`. */
export function syncStore(space: Pick<AnySpace, 'on' | 'hasUnsyncedChanges' | 'devices'>): ExternalStore<SyncStatus> {
  let newest: Write | TabWrite | undefined;
  let stored: Write | TabWrite | undefined;
  let blocked: Blocked | null = null;
  const watch = (changed: () => void): readonly (() => void)[] => {
    // Told with every frame, so what it may have changed is looked at first. Changes of an earlier run have no other events.
    let wasUnsynced = space.hasUnsyncedChanges;
    const settled = (): void => {
      if (space.hasUnsyncedChanges === wasUnsynced) return;
      wasUnsynced = !wasUnsynced;
      blocked = null;
      changed();
    };
    const events = eventsOf(space);
    return [
      events.on('pushed', (write) => {
        newest = write;
        changed();
      }),
      events.on('error', ({ code }) => {
        if (!BLOCKING.includes(code)) return;
        blocked = code as Blocked;
        changed();
      }),
      events.on('write-state', (write) => {
        if (write.state !== 'queued') {
          blocked = null;
          stored = write;
        }
        changed();
      }),
      events.on('roster', changed),
      events.on('devices', changed),
      events.on('progress', settled),
    ];
  };
  return derivedStore(watch, () => {
    const seenBy = newest?.seenBy.length ?? 0;
    // A change that could not be stored is nowhere else, and nothing waits for it.
    const saved = space.hasUnsyncedChanges || newest !== stored ? 'here' : seenBy > 0 ? 'devices' : 'relay';
    return { saved, blocked: saved === 'here' ? blocked : null, seenBy, others: space.devices().filter(({ own }) => !own).length };
  });
}
