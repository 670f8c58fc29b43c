/** Regions of a service: which is nearest, moving a space there, and failing over between relays that do not copy it. */
import { CarriedHistory } from '../space/carried-history.js';
import { moveRegion } from '../space/region-places.js';
import type { SpacePart } from '../space/space-part.js';

/**
 * The part for a space that fails over between relays which do not copy it (see RegionFailover): the device keeps a place in each of their
 * logs and carries between them what they lack. The same on every device of the space. With the part `snapshots` it carries history too.
 */
export const failover: SpacePart = {
  name: 'failover',
  failover: { move: moveRegion, open: (parts) => new CarriedHistory(parts) },
};

export { RegionClient } from './region-client.js';
export type { MeasuredRegion, RegionClientOptions, RegionMove, RegionMover, RegionsState, RegionSwitchStep } from './region-client.js';
export type { Region, RegionStatus } from './region-list.js';
export { MemoryRegionStorage, WebRegionStorage } from './region-storage.js';
export type { RegionMemory, RegionStorage } from './region-storage.js';
export { RegionFailover } from './region-failover.js';
export type { FailoverRegion, FailoverState, RegionFailoverOptions } from './region-failover.js';
export type { RegionHealth } from './failover-order.js';
export { SpaceMover } from './space-mover.js';
export type { SpaceMoverOptions } from './space-mover.js';
