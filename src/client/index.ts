/**
 * The SDK of sealrelay: a space's devices in sync through a relay that cannot read them.
 *
 * ```ts
 * const space = await createSpace({ relay: 'sealrelay://localhost/#k=…' });
 * space.subscribe(({ items, device }) => apply(items));
 * const write = space.push(new TextEncoder().encode('hello'));
 * await write.durable('relay');
 * ```
 */
import { createSpaceWith, openSpaceWith } from './space/open.js';
import type { CreateSpaceOptions, OpenSpaceOptions } from './space/open.js';
import type { CallsOf, SpacePart } from './space/space-part.js';
import type { Space } from './space/space.js';

/** Makes a new space with this device as its first. It works offline; the relay learns of it at the first connection. */
export function createSpace<const P extends readonly SpacePart[] = readonly []>(options: CreateSpaceOptions<P>): Promise<Space & CallsOf<P>> {
  return createSpaceWith(options, {});
}

/** Opens the space of a link as a new device, or continues with the device that the storage holds. */
export function openSpace<const P extends readonly SpacePart[] = readonly []>(options: OpenSpaceOptions<P>): Promise<Space & CallsOf<P>> {
  return openSpaceWith(options, {});
}

export { roomLinkOf } from './space/open.js';
export type { CreateSpaceOptions, OpenSpaceOptions } from './space/open.js';
export type { SnapshotHandler, SpaceOptions } from './space/space-options.js';
export type { CallsOf, SpacePart } from './space/space-part.js';
export type { SpaceHandover } from './space/handover.js';
export type { PairingSpace } from './space/pairing-space.js';
export type { DeviceName } from './space/device-names.js';
export type { DeviceInfo, HeadCheck, NewDevice, Space } from './space/space.js';
export type * from './space/space-events.js';
export type { BlobContent, BlobSource } from './blobs/blob-source.js';
export type { BlobOptions, SpaceBlobs } from './blobs/space-blobs.js';
export { ClientError } from './client-error.js';
export type { ClientErrorCode } from './client-error.js';
export { QuotaExceededError } from './quota-error.js';
export type { QuotaName } from '../protocol/quota-detail.js';
export type { Ephemeral, EphemeralMessage } from './live/ephemeral.js';
export type { Topic, TopicEvents, TopicMessage, TopicPeer, TopicSendOptions } from './live/topic.js';
export type { LiveRejection } from './live/live-crypto.js';
export type { Evidence, Misbehaviour, MisbehaviourKind } from './misbehaviour.js';
export type { Environment, Timer } from './environment.js';
export type { MeasuredRegion, RegionClient, RegionClientOptions, RegionMove, RegionMover, RegionsState, RegionSwitchStep } from './region/region-client.js';
export type { Region, RegionStatus } from './region/region-list.js';
export type { RegionMemory, RegionStorage } from './region/region-storage.js';
export type { FailoverRegion, FailoverState, FailoverTiming, RegionFailover, RegionFailoverOptions } from './region/region-failover.js';
export type { RegionHealth } from './region/failover-order.js';
export type { SpaceMover, SpaceMoverOptions } from './region/space-mover.js';
export type { Network, NetworkEvent } from './connection/network.js';
export { guardUnsynced } from './guard-unsynced.js';
export { MemoryDeviceStore } from './store/device-store.js';
export { MemoryJournal } from './store/journal.js';
export type { Journal } from './store/journal.js';
export type { AckedMark, DeviceState, DeviceStore, OwnMark } from './store/device-store.js';
export type { OutboxEntry, OutboxStore } from './outbox/outbox-store.js';
export type { Durability, Write, WriteState } from './sync/writes.js';
export type { TabFailover, TabFailoverOptions } from './region/tab-failover.js';
export type { TabMover, TabMoverOptions } from './region/tab-mover.js';
export type { TabSpace } from './tabs/tab-space.js';
export type { TabSpaceEvents, TabSpaceOptions } from './tabs/tab-space-options.js';
export type { TabWrite, TabWriteState } from './tabs/tab-write.js';
export type { WebSocketConstructor, WebSocketLike } from './transport/websocket-transport.js';
export type { DeviceRights } from '../protocol/roster.js';
