import { useSyncExternalStore } from 'react';
import type { ExternalStore } from './external-store.js';

/** Reads a store; on the server, and while hydrating, the value for when nothing is known. */
export function useStore<T>(store: ExternalStore<T>, onServer: T): T {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, () => onServer);
}
