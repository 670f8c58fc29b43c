// What the tabs of one origin say to each other about one document. Every tab hears every message of the others, in the order of its sender.
import { ClientError } from '../client-error.js';
import type { ConnectionStatus, StatusEvent } from '../space/space-events.js';

/** An error as structured clones carry it. */
export interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly temporary: boolean;
  readonly hint: string | null;
}

/** How the leader stands. */
export interface Report {
  readonly status: ConnectionStatus;
  readonly error: ToldError | null;
  readonly unsynced: boolean;
  /** Whether everything the relay holds is read, and nothing unsynced. */
  readonly synced: boolean;
  /** Of a space that moves between relays: how its TabRegions stands. */
  readonly regions?: unknown;
}

/** `term` is the id of the tab that leads: what was meant for another leader is not taken. */
export type TabMessage =
  /** A tab wants to know the document; only the answer to what it asked last counts, since what an earlier leader said may come late. */
  | { readonly kind: 'hello'; readonly from: string; readonly ask: number }
  /** Another tab leads from now on. */
  | { readonly kind: 'leading'; readonly term: string }
  /** The whole document. */
  | { readonly kind: 'state'; readonly term: string; readonly to: string; readonly ask: number; readonly state: Uint8Array; readonly report: Report }
  /** A change made in a tab that does not lead. */
  | { readonly kind: 'change'; readonly term: string; readonly from: string; readonly number: number; readonly change: Uint8Array }
  /** Every change of the tab up to that number is in the storage. */
  | { readonly kind: 'kept'; readonly term: string; readonly to: string; readonly number: number }
  /** The app of a tab that does not lead waits for what the relay holds. */
  | { readonly kind: 'sync'; readonly term: string; readonly from: string; readonly number: number }
  /** What the relay held is read, and was told before. */
  | { readonly kind: 'synced'; readonly term: string; readonly to: string; readonly number: number }
  /** The document of the leader took a change. */
  | { readonly kind: 'news'; readonly term: string; readonly change: Uint8Array }
  | { readonly kind: 'report'; readonly term: string; readonly report: Report }
  | { readonly kind: 'error'; readonly error: ToldError }
  /** The app of some tab wants to be online, or not. */
  | { readonly kind: 'wish'; readonly online: boolean }
  /** An ephemeral frame of a tab, for everybody else. */
  | { readonly kind: 'say'; readonly payload: Uint8Array }
  /** An ephemeral frame of another device. */
  | { readonly kind: 'heard'; readonly device: string; readonly payload: Uint8Array; readonly time: number }
  /** The leader's session began to listen to ephemeral frames. */
  | { readonly kind: 'listening' };

/** What the tabs speak over: each hears all others, and not itself; messages of one tab come in order, those of different tabs in any. */
export interface TabChannel<M> {
  post(message: M): void;
  listen(listener: (message: M) => void): void;
  close(): void;
}

/** The part of Web Locks that is used. */
export interface LocksLike {
  request(name: string, options: { readonly signal: AbortSignal }, held: () => Promise<void>): Promise<unknown>;
}

/** What the platform has for tabs. */
export interface TabGround {
  readonly locks: LocksLike;
  channel<M>(name: string): TabChannel<M>;
}

/** That of the platform; undefined where one page is alone anyway. */
export function tabGround(): TabGround | undefined {
  const locks = (globalThis.navigator as { readonly locks?: LocksLike } | undefined)?.locks;
  if (locks === undefined || globalThis.BroadcastChannel === undefined) return undefined;
  return { locks, channel: broadcast };
}

function broadcast<M>(name: string): TabChannel<M> {
  const channel = new BroadcastChannel(name);
  const send = channel.postMessage.bind(channel);
  return {
    post: (message) => send(message),
    listen: (listener) => channel.addEventListener('message', ({ data }) => listener(data as M)),
    close: () => channel.close(),
  };
}

export function toldError(error: ClientError): ToldError {
  const { code, message, temporary, hint } = error;
  return { code, message, temporary, hint };
}

export function heardError({ code, message, temporary, hint }: ToldError): ClientError {
  return new ClientError(code, message, { temporary, hint });
}

const statuses = new WeakMap<Report, StatusEvent>();

/** The same object for the same report, as who compares snapshots expects. */
export function statusOf(report: Report): StatusEvent {
  const { status, error } = report;
  const event = statuses.get(report) ?? { status, error: error === null ? null : heardError(error) };
  statuses.set(report, event);
  return event;
}
