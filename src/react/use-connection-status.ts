import type { StatusEvent } from '../client/index.js';
import { constantStore, storeOf } from './external-store.js';
import { useSpace } from './provider.js';
import type { AnySpace } from './provider.js';
import { onEach } from './space-events.js';
import { useStore } from './use-store.js';

const OFFLINE: StatusEvent = { status: 'offline', error: null };
const NOBODY = constantStore(OFFLINE);
const statusOf = storeOf((space: AnySpace) => ({ subscribe: (listener) => onEach(space, ['status'], listener), getSnapshot: () => space.status }));

/** Whether the device is connected to the relay, and why not. */
export function useConnectionStatus(): StatusEvent {
  const space = useSpace<AnySpace>();
  return useStore(space === null ? NOBODY : statusOf(space), OFFLINE);
}
