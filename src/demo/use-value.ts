import { useSyncExternalStore } from 'react';
import type { Store } from './store.js';

/** The value of a store, kept up to date. */
export function useValue<T>(store: Pick<Store<T>, 'subscribe' | 'getSnapshot'>): T {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
}
