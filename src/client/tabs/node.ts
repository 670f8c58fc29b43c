// Tabs on Node: where this runtime has no locks, a space is opened for this program alone, and in memory.
import { openSpace } from '../node.js';
import { openTabSpace } from './open-tab-space.js';
import type { TabSpace } from './tab-space.js';
import type { TabSpaceOptions } from './tab-space-options.js';

/** Opens the space of a link; where this runtime has no locks, for this program alone, and in memory. */
export function openSpaceInTabs(options: TabSpaceOptions): Promise<TabSpace> {
  return openTabSpace(options, openSpace);
}

export type { LedTabs, TabRegions } from './tab-regions.js';
export type { TabSpace } from './tab-space.js';
export type { TabSpaceEvents, TabSpaceOptions } from './tab-space-options.js';
export type { TabWrite, TabWriteState } from './tab-write.js';
