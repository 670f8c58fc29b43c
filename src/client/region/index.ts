/** Regions of a service: which is nearest, moving a space there, and failing over between relays that do not copy it. */
export { failover } from './failover.js';
export { RegionClient } from './region-client.js';
export type { MeasuredRegion, RegionClientOptions, RegionMove, RegionMover, RegionsState, RegionSwitchStep } from './region-client.js';
export type { Region, RegionStatus } from './region-list.js';
export { MemoryRegionStorage, WebRegionStorage } from './region-storage.js';
export type { RegionMemory, RegionStorage } from './region-storage.js';
export { RegionFailover } from './region-failover.js';
export type { FailoverRegion, FailoverState, RegionFailoverOptions } from './region-failover.js';
export { TabFailover } from './tab-failover.js';
export type { TabFailoverOptions } from './tab-failover.js';
export { TabMover } from './tab-mover.js';
export type { TabMoverOptions } from './tab-mover.js';
export type { RegionHealth } from './failover-order.js';
export { SpaceMover } from './space-mover.js';
export type { SpaceMoverOptions } from './space-mover.js';
