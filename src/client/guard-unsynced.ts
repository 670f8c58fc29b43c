// Asks the person before a page is left while something is not known to be on the relay's disk.
import type { PageLike } from './connection/network.js';

/** A space, or what stands for one: a provider, for example. */
export interface Unsynced {
  readonly hasUnsyncedChanges: boolean;
}

/**
 * Lets the browser ask before the page is left while there are unsynced changes; the returned function ends that. What the storage
 * holds is synced at the next visit all the same. Does nothing where there is no page.
 */
export function guardUnsynced(space: Unsynced, page: PageLike = globalThis as PageLike): () => void {
  const ask = (event: { readonly persisted?: boolean; returnValue?: unknown } & Partial<Pick<Event, 'preventDefault'>>): void => {
    if (!space.hasUnsyncedChanges) return;
    event.preventDefault?.();
    // What browsers of a few years ago look at.
    event.returnValue = true;
  };
  page.addEventListener?.('beforeunload', ask);
  return () => page.removeEventListener?.('beforeunload', ask);
}
