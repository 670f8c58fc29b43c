import type { DeviceInfo } from '../client/index.js';
import { constantStore, derivedStore, storeOf } from './external-store.js';
import { useSpace } from './provider.js';
import type { AnySpace } from './provider.js';
import { eventsOf } from './space-events.js';
import { useStore } from './use-store.js';

export interface Devices {
  readonly devices: readonly DeviceInfo[];
  /** Whether this device may remove others. */
  readonly canRemove: boolean;
  /** Removes a device; from then on it reads nothing new. While the relay is away the removal is owed, and the device is `leaving`. */
  readonly remove: (device: string) => Promise<void>;
}

const NONE: readonly DeviceInfo[] = [];
const NOBODY = constantStore(NONE);
const devicesOf = storeOf((space: AnySpace) => derivedStore((changed) => (['roster', 'devices'] as const).map((name) => eventsOf(space).on(name, changed)), () => space.devices()));

/** The devices of the newest roster. */
export function useDevices(): Devices {
  const space = useSpace<AnySpace>();
  const devices = useStore(space === null ? NOBODY : devicesOf(space), NONE);
  const canRemove = devices.some(({ own, rights }) => own && rights === 'admin');
  return { devices, canRemove, remove: async (device) => space?.removeDevice(device) };
}
