/**
 * One space in many tabs of an origin: they are one device with one connection.
 *
 * ```ts
 * const tab = await openSpaceInTabs({ link });
 * ```
 */
import { openSpace } from '../index.js';
import { openTabSpace } from './open-tab-space.js';
import type { TabSpace } from './tab-space.js';
import type { TabSpaceOptions } from './tab-space-options.js';

/** Opens the space of a link for all tabs of the origin: they are one device with one connection, and each hears every entry and may push. Kept in IndexedDB where there is one. */
export function openSpaceInTabs(options: TabSpaceOptions): Promise<TabSpace> {
  return openTabSpace(options, openSpace);
}

export type { LedTabs, TabRegions } from './tab-regions.js';
export type { TabSpace } from './tab-space.js';
export type { TabSpaceEvents, TabSpaceOptions } from './tab-space-options.js';
export type { TabWrite, TabWriteState } from './tab-write.js';
