// What a space in tabs is opened with, and what it tells.
import type { ClientError } from '../client-error.js';
import type { LiveSpace } from '../live/index.js';
import type { Misbehaviour } from '../misbehaviour.js';
import type { OpenSpaceOptions } from '../space/open.js';
import type { EntryEvent, StatusEvent } from '../space/space-events.js';
import type { DeviceStore } from '../store/device-store.js';
import type { TabGround } from './tab-channel.js';

export interface TabSpaceOptions extends Omit<OpenSpaceOptions, 'storage'> {
  readonly link: string;
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
  /** What is unsynced may have changed. */
  readonly progress: void;
  readonly misbehaviour: Misbehaviour;
  readonly error: ClientError;
}
