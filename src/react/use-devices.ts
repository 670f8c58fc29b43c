import type { DeviceInfo, Space } from '../client/index.js';
import { constantStore, derivedStore, storeOf } from './external-store.js';
import { useSpace } from './provider.js';
import { useStore } from './use-store.js';

export interface Devices {
  readonly devices: readonly DeviceInfo[];
  /** Whether this device may remove others. */
  readonly canRemove: boolean;
  /** Removes a device; from then on it reads nothing new. */
  readonly remove: (device: string) => Promise<void>;
}

const NONE: readonly DeviceInfo[] = [];
const NOBODY = constantStore(NONE);
const devicesOf = storeOf((space: Space) => derivedStore((changed) => space.on('roster', changed), () => space.devices()));

/** The devices of the newest roster. */
export function useDevices(): Devices {
  const space = useSpace();
  const devices = useStore(space === null ? NOBODY : devicesOf(space), NONE);
  const canRemove = devices.some(({ own, rights }) => own && rights === 'admin');
  return { devices, canRemove, remove: async (device) => space?.removeDevice(device) };
}
