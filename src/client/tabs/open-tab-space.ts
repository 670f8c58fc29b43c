// Opens a space for all tabs of the origin, with what the platform has for tabs and for storing; where it has nothing, for this program alone.
import { ed25519Fallback } from '../crypto/ed25519-fallback.js';
import { live } from '../live/index.js';
import type { LiveSpace } from '../live/index.js';
import type { OpenSpaceOptions } from '../space/open.js';
import type { CallsOf, SpacePart } from '../space/space-part.js';
import type { Space } from '../space/space.js';
import { MemoryDeviceStore } from '../store/device-store.js';
import type { DeviceStore } from '../store/device-store.js';
import { IndexedDbDeviceStore } from '../store/indexeddb-store.js';
import { httpFallback } from '../transport/index.js';
import { tabGround } from './tab-channel.js';
import type { TabGround } from './tab-channel.js';
import { TabSpace } from './tab-space.js';
import type { TabSpaceOptions } from './tab-space-options.js';

const ALONE: TabGround = {
  locks: { request: (_name, _options, held) => held() },
  channel: () => ({ post: () => undefined, listen: () => undefined, close: () => undefined }),
};

type OpensSpace = <const P extends readonly SpacePart[]>(options: OpenSpaceOptions<P>) => Promise<Space & CallsOf<P>>;

/** `open` is `openSpace` of the platform. */
export function openTabSpace(options: TabSpaceOptions, open: OpensSpace): Promise<TabSpace> {
  // A way of the app's own goes before ours.
  const openWith = (given: OpenSpaceOptions): Promise<LiveSpace> => open({ ...given, parts: [...(given.parts ?? []), live, httpFallback, ed25519Fallback] as const });
  return TabSpace.open(options, { ground: tabGround() ?? ALONE, open: openWith, openStorage: storageOf });
}

async function storageOf(name: string): Promise<DeviceStore & { close(): void }> {
  if (globalThis.indexedDB !== undefined) return IndexedDbDeviceStore.open(name);
  return Object.assign(new MemoryDeviceStore(), { close: () => undefined });
}
