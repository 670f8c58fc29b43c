import type { ClientError, StatusEvent } from '../client/index.js';
import { constantStore, storeOf } from './external-store.js';
import { useSealrelay } from './provider.js';
import type { AnySpace } from './provider.js';
import { eventsOf } from './space-events.js';
import { useStore } from './use-store.js';

const OFFLINE: StatusEvent = { status: 'offline', error: null };
const NOBODY = constantStore(OFFLINE);
// What openSpace rejects with is of that class; of anything else there is its message.
const failedOf = storeOf((error: Error) => constantStore<StatusEvent>({ status: 'failed', error: error as ClientError }));
const statusOf = storeOf((space: AnySpace) => ({ subscribe: (listener) => eventsOf(space).on('status', listener), getSnapshot: () => space.status }));

/** Whether the device is connected to the relay, and why not; a space that could not be opened has `failed`. */
export function useConnectionStatus(): StatusEvent {
  const { space, error } = useSealrelay<AnySpace>();
  return useStore(space !== null ? statusOf(space) : error !== null ? failedOf(error) : NOBODY, OFFLINE);
}
