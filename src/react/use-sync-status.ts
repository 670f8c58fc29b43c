import { constantStore, storeOf } from './external-store.js';
import { useSpace } from './provider.js';
import type { AnySpace } from './provider.js';
import { syncStore } from './sync-store.js';
import type { SyncStatus } from './sync-store.js';
import { useStore } from './use-store.js';

const UNKNOWN: SyncStatus = { saved: 'unknown', blocked: null, seenBy: 0, others: 0 };
const NOBODY = constantStore(UNKNOWN);
const syncOf = storeOf(syncStore);

/** How far the newest change has come. It never says more than the relay's receipts and the devices' acks prove. */
export function useSyncStatus(): SyncStatus {
  const space = useSpace<AnySpace>();
  return useStore(space === null ? NOBODY : syncOf(space), UNKNOWN);
}
