// What opens a space in tabs, and what an app can listen to there.
import { ClientError } from '../client-error.js';
import { storageNameOf } from '../documents/storage-name.js';
import type { LiveSpace } from '../live/index.js';
import type { Misbehaviour } from '../misbehaviour.js';
import type { OpenSpaceOptions } from '../space/open.js';
import type { EntryEvent, StatusEvent } from '../space/space-events.js';
import type { DeviceStore } from '../store/device-store.js';
import type { TabGround } from './tab-channel.js';
import type { TabRegions } from './tab-regions.js';
import type { TabWrite } from './tab-write.js';

/** Either a link, or the name of a storage that holds a device, or both. */
export interface TabSpaceOptions extends Omit<OpenSpaceOptions, 'storage'> {
  /** The storage, `IndexedDbDeviceStore.open(name)`: of a device that joined by a code, or that made the space. One that follows from the link when absent. */
  readonly name?: string;
  /** What moves the space between relays, in all tabs: a `TabFailover` of `sealrelay/client/regions`. */
  readonly regions?: TabRegions;
}

export interface TabSpaceParts {
  readonly ground: TabGround;
  readonly open: (options: OpenSpaceOptions) => Promise<LiveSpace>;
  /** Opens the storage of that name; called in the tab that leads. */
  readonly openStorage: (name: string) => Promise<DeviceStore & { close(): void }>;
}

export interface TabSpaceEvents {
  readonly entry: EntryEvent;
  readonly status: StatusEvent;
  /** This tab pushed an item. */
  readonly pushed: TabWrite;
  /** A write of this tab came further. */
  readonly 'write-state': TabWrite;
  /** Who is in the space, names of devices, or removals that are owed, changed. */
  readonly devices: undefined;
  /** What is unsynced may have changed. */
  readonly progress: void;
  readonly misbehaviour: Misbehaviour;
  readonly error: ClientError;
  /** This tab has this space from now on: it leads, or the space came to another relay. */
  readonly leading: LiveSpace;
}

/** The name of the storage, for its lock and its channel. Throws `bad_option`, and as the parsing of links does. */
export function tabNameOf({ name, link }: TabSpaceOptions): string {
  if (name !== undefined) return name;
  if (link === undefined) throw new ClientError('bad_option', 'a space in tabs needs a link, or the name of a storage');
  return `space-${storageNameOf(link)}`;
}
