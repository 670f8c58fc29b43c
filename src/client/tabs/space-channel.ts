// What the tabs of one origin say to each other about one space.
import type { Misbehaviour } from '../misbehaviour.js';
import type { EntryEvent } from '../space/space-events.js';
import type { WriteState } from '../sync/writes.js';
import type { Report, ToldError } from './tab-channel.js';

/** `term` is the id of the tab that leads: what was meant for another leader is not taken. */
export type SpaceMessage =
  /** A tab wants to know who leads; only the answer to what it asked last counts, since what an earlier leader said may come late. */
  | { readonly kind: 'hello'; readonly from: string; readonly ask: number }
  /** Another tab leads from now on. */
  | { readonly kind: 'leading'; readonly term: string }
  /** The tab that leads, to one that asked. */
  | { readonly kind: 'welcome'; readonly term: string; readonly to: string; readonly ask: number; readonly report: Report; readonly device: string }
  /** An item pushed in a tab that does not lead. */
  | { readonly kind: 'push'; readonly term: string; readonly from: string; readonly number: number; readonly item: Uint8Array }
  /** That item is sealed and in the storage. */
  | { readonly kind: 'kept'; readonly term: string; readonly to: string; readonly number: number }
  | { readonly kind: 'refused'; readonly term: string; readonly to: string; readonly number: number; readonly error: ToldError }
  | { readonly kind: 'write'; readonly term: string; readonly to: string; readonly number: number; readonly state: WriteState }
  /** The app of a tab that does not lead waits for what the relay holds. */
  | { readonly kind: 'sync'; readonly term: string; readonly from: string; readonly number: number }
  /** What the relay held is read, and was told before. */
  | { readonly kind: 'synced'; readonly term: string; readonly to: string; readonly number: number }
  | { readonly kind: 'entry'; readonly entry: EntryEvent }
  | { readonly kind: 'report'; readonly term: string; readonly report: Report }
  | { readonly kind: 'error'; readonly error: ToldError }
  | { readonly kind: 'misbehaviour'; readonly finding: Misbehaviour }
  /** The app of some tab wants to be online, or not. */
  | { readonly kind: 'wish'; readonly online: boolean }
  /** An ephemeral frame of a tab, for everybody else. */
  | { readonly kind: 'say'; readonly payload: Uint8Array }
  /** An ephemeral frame of another device. */
  | { readonly kind: 'heard'; readonly device: string; readonly payload: Uint8Array; readonly time: number }
  | { readonly kind: 'listening' };
