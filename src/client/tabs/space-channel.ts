// What the tabs of one origin say to each other about one space.
import type { Misbehaviour } from '../misbehaviour.js';
import type { EntryEvent } from '../space/space-events.js';
import type { DeviceInfo } from '../space/space.js';
import type { WriteState } from '../sync/writes.js';
import type { CallName } from './tab-calls.js';
import type { Report, ToldError } from './tab-channel.js';

/** What the tab that leads knows of the space. */
export interface About {
  readonly id: string;
  /** The key of the device in hexadecimal, the same in every tab. */
  readonly device: string;
  readonly link: string | null;
  readonly devices: readonly DeviceInfo[];
}

/** `term` is the id of the tab that leads: what was meant for another leader is not taken. */
export type SpaceMessage =
  /** A tab wants to know who leads; only the answer to what it asked last counts, since what an earlier leader said may come late. */
  | { readonly kind: 'hello'; readonly from: string; readonly ask: number }
  /** Another tab leads from now on. */
  | { readonly kind: 'leading'; readonly term: string }
  /** The tab that leads, to one that asked. */
  | { readonly kind: 'welcome'; readonly term: string; readonly to: string; readonly ask: number; readonly report: Report; readonly about: About }
  /** An item pushed in a tab that does not lead. */
  | { readonly kind: 'push'; readonly term: string; readonly from: string; readonly number: number; readonly item: Uint8Array }
  /** That item is sealed and in the storage. */
  | { readonly kind: 'kept'; readonly term: string; readonly to: string; readonly number: number }
  | { readonly kind: 'refused'; readonly term: string; readonly to: string; readonly number: number; readonly error: ToldError }
  | { readonly kind: 'write'; readonly term: string; readonly to: string; readonly number: number; readonly state: WriteState; readonly seenBy: readonly string[] }
  | { readonly kind: 'about'; readonly term: string; readonly about: About }
  /** A call of a tab that does not lead, and its answer. */
  | { readonly kind: 'call'; readonly term: string; readonly from: string; readonly number: number; readonly name: CallName; readonly given: readonly unknown[] }
  | { readonly kind: 'answer'; readonly term: string; readonly to: string; readonly number: number; readonly result: unknown; readonly error: ToldError | null }
  | { readonly kind: 'entry'; readonly entry: EntryEvent }
  | { readonly kind: 'report'; readonly term: string; readonly report: Report }
  | { readonly kind: 'error'; readonly error: ToldError }
  | { readonly kind: 'misbehaviour'; readonly finding: Misbehaviour }
  /** The app of some tab wants to be online, or not. */
  | { readonly kind: 'wish'; readonly online: boolean }
  /** What the TabRegions of a tab asks that of the one that leads. */
  | { readonly kind: 'ask'; readonly what: unknown }
  /** An ephemeral frame of a tab, for everybody else. */
  | { readonly kind: 'say'; readonly payload: Uint8Array }
  /** An ephemeral frame of another device. */
  | { readonly kind: 'heard'; readonly device: string; readonly payload: Uint8Array; readonly time: number }
  | { readonly kind: 'listening' };
