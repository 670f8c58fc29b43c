import { useMemo } from 'react';
import type { ClientError, StatusEvent } from '../client/index.js';
import { constantStore, storeOf } from './external-store.js';
import { useSealrelay } from './provider.js';
import type { AnySpace } from './provider.js';
import { onEach } from './space-events.js';
import { useStore } from './use-store.js';

const OFFLINE: StatusEvent = { status: 'offline', error: null };
const NOBODY = constantStore(OFFLINE);
const statusOf = storeOf((space: AnySpace) => ({ subscribe: (listener) => onEach(space, ['status'], listener), getSnapshot: () => space.status }));

/** Whether the device is connected to the relay, and why not; a space that could not be opened has `failed`. */
export function useConnectionStatus(): StatusEvent {
  const { space, error } = useSealrelay<AnySpace>();
  const status = useStore(space === null ? NOBODY : statusOf(space), OFFLINE);
  // What openSpace rejects with is of that class; of anything else there is its message.
  return useMemo(() => (space === null && error !== null ? { status: 'failed', error: error as ClientError } : status), [space, error, status]);
}
