// How far the newest change of a space has come, out of its events.
import type { Space, TabWrite, Write } from '../client/index.js';
import { derivedStore } from './external-store.js';
import type { ExternalStore } from './external-store.js';
import type { AnySpace } from './provider.js';
import { onEach } from './space-events.js';

/** Where the newest change of this device is known to be. */
export interface SyncStatus {
  /** `here`: on this device; `relay`: on the relay's disk; `devices`: another device holds it; `unknown`: there is no open space. */
  readonly saved: 'unknown' | 'here' | 'relay' | 'devices';
  /** Other devices that acknowledged the newest change made since the page was opened. */
  readonly seenBy: number;
  /** Other devices of the space. */
  readonly others: number;
}

/** A store of it; changes made while nobody listens count up to `relay`. */
export function syncStore(space: Pick<AnySpace, 'on' | 'whenSynced' | 'hasUnsyncedChanges' | 'devices'>): ExternalStore<SyncStatus> {
  let newest: Write | TabWrite | undefined;
  const watch = (changed: () => void): (() => void) => {
    const end = new AbortController();
    let isAwaited = false;
    // Changes of an earlier run have no events of their own. Only now and then: whenSynced() seals at once what gathers.
    const lookBack = (): void => {
      changed();
      if (isAwaited || !space.hasUnsyncedChanges) return;
      isAwaited = true;
      space.whenSynced({ signal: end.signal }).then(
        () => {
          isAwaited = false;
          changed();
        },
        () => undefined,
      );
    };
    // Told with every frame, so what it may have changed is looked at first.
    let wasUnsynced = space.hasUnsyncedChanges;
    const settled = (): void => {
      if (space.hasUnsyncedChanges === wasUnsynced) return;
      wasUnsynced = !wasUnsynced;
      changed();
    };
    const stops = [
      (space as Pick<Space, 'on'>).on('pushed', (write) => {
        newest = write;
        changed();
      }),
      onEach(space, ['write-state', 'roster', 'devices'], changed),
      onEach(space, ['progress'], settled),
      onEach(space, ['status'], lookBack),
    ];
    lookBack();
    return () => {
      for (const stop of stops) stop();
      end.abort();
    };
  };
  return derivedStore(watch, () => {
    const seenBy = newest?.seenBy.length ?? 0;
    const saved = space.hasUnsyncedChanges ? 'here' : seenBy > 0 ? 'devices' : 'relay';
    return { saved, seenBy, others: space.devices().filter(({ own }) => !own).length };
  });
}
