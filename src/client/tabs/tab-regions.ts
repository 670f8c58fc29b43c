// What keeps a space in tabs at one of several relays: made by the entry `regions`, used here, so that an app without it carries none of it.
import type { LiveSpace } from '../live/index.js';
import type { SpacePart } from '../space/space-part.js';
import type { DeviceStore } from '../store/device-store.js';
import type { TabSpace } from './tab-space.js';

/** What the tab that leads gives to it. */
export interface LedTabs {
  readonly storage: Pick<DeviceStore, 'load'>;
  /** Opens the space at a relay, or as the options of the app say, and from then on it is the one that all tabs use. */
  readonly open: (relay?: string) => Promise<LiveSpace>;
  /** The space is about to be closed: what is pushed from here on waits in its tab for the next one. */
  readonly pause: () => void;
  /** What is told, or unsynced, may have changed. */
  readonly changed: () => void;
  /** This tab leads no longer. */
  readonly signal: AbortSignal;
}

/** Where a space in tabs is, and what moves it: a `TabFailover` or a `TabMover`. */
export interface TabRegions {
  /** What the space needs for it. */
  readonly parts: readonly SpacePart[];
  /** In the tab that leads: how it stands, as structured clones carry it. */
  readonly told: unknown;
  /** In the tab that leads: whether more is unsynced than the space alone knows. */
  readonly hasUnsyncedChanges: boolean;
  /** A tab uses it, and may ask the one that leads; null: it does no more. Throws `bad_option` where another one does. */
  attach(tab: TabSpace | null, ask?: (what: unknown) => void): void;
  /** In the tab that leads: what another one asks for, which may come twice. */
  asked?(what: unknown): void;
  /** In every tab: how it stands in the one that leads. */
  hear(told: unknown): void;
  /** Keeps the space open until the signal, then closes it. */
  lead(tabs: LedTabs): Promise<void>;
}
