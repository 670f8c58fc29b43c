/*
 * The connection as a pure state machine: no clock, no sockets, no randomness. The driver does what the effects say.
 *
 *   idle ── go-online ──► connecting ── transport-opened ──► handshaking ── session-opened ──► open
 *                             ▲  │ closed, deadline              │ closed, deadline              │ closed, silent
 *                   retry-due │  ▼                               ▼                               ▼
 *                          backing-off ◄─────────────────────────┴───────────────────────────────┘
 *
 *   network-lost leads to waiting (from any living state), network-back from there to connecting; with a relay's wish about coming
 *   back, both wait for the retry that is due.
 *   go-offline leads to idle, fault to failed (from any living state); go-online leaves failed; close is final.
 *
 * Invariants: M1 at most one transport is open; M2 the attempt count falls to zero only by session-stable; M3 a retry timer
 * runs exactly in backing-off; M4 nothing leaves closed; M5 a session is announced up once and down once; M6 nothing is tried while
 * there is no network, unless the app asks for it; M7 no network event brings a return forward that the relay put off.
 */
import type { ClientError } from '../client-error.js';
import type { RetryPlan } from './backoff.js';

/** What the relay said about coming back. */
export interface ReturnHint {
  readonly afterMs: number;
  readonly spreadMs: number;
}

export type ConnectionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly attempt: number; readonly hint: ReturnHint | null }
  | { readonly kind: 'handshaking'; readonly attempt: number; readonly hint: ReturnHint | null }
  | { readonly kind: 'open'; readonly attempt: number; readonly hint: ReturnHint | null }
  /** `asked`: the relay named the earliest time. */
  | { readonly kind: 'backing-off'; readonly attempt: number; readonly asked: boolean }
  /** For a network. */
  | { readonly kind: 'waiting'; readonly attempt: number }
  | { readonly kind: 'failed'; readonly error: ClientError }
  | { readonly kind: 'closed' };

export type ConnectionEvent =
  /** `network` false: the platform says that there is none. */
  | { readonly type: 'go-online'; readonly network: boolean }
  | { readonly type: 'go-offline' }
  | { readonly type: 'transport-opened' }
  | { readonly type: 'session-opened' }
  /** The session has been open long enough to count. */
  | { readonly type: 'session-stable' }
  | { readonly type: 'transport-closed' }
  /** The transport or the handshake took too long, or the open connection went silent. */
  | { readonly type: 'silent' }
  /** Goaway, or an Error with a retry-after. */
  | { readonly type: 'return-hint'; readonly hint: ReturnHint }
  | { readonly type: 'retry-due'; readonly network: boolean }
  | { readonly type: 'network-lost' }
  /** There may be a network again, or another one. */
  | { readonly type: 'network-back' }
  /** Something that a retry would only repeat. */
  | { readonly type: 'fault'; readonly error: ClientError }
  | { readonly type: 'close' };

export type ConnectionEffect =
  | { readonly type: 'open-transport' }
  | { readonly type: 'close-transport' }
  | { readonly type: 'start-handshake' }
  | { readonly type: 'session-up' }
  /** Find out whether the open connection still is one. */
  | { readonly type: 'probe' }
  | { readonly type: 'session-down' }
  | { readonly type: 'schedule-retry'; readonly plan: RetryPlan }
  | { readonly type: 'cancel-retry' };

export interface Transition {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

type Living = Extract<ConnectionState, { readonly attempt: number }>;
type Connected = Exclude<Living, { readonly kind: 'backing-off' | 'waiting' }>;

const CONNECT: Transition = { state: { kind: 'connecting', attempt: 0, hint: null }, effects: [{ type: 'open-transport' }] };
const WAIT: Transition = { state: { kind: 'waiting', attempt: 0 }, effects: [] };

/** The next state and what is to be done; the same state object when the event means nothing there. */
export function transition(state: ConnectionState, event: ConnectionEvent): Transition {
  switch (state.kind) {
    case 'closed':
      return stay(state);
    case 'idle':
      return fromIdle(state, event);
    case 'failed':
      return fromFailed(state, event);
    default:
      return fromLiving(state, event);
  }
}

function fromIdle(state: ConnectionState, event: ConnectionEvent): Transition {
  if (event.type === 'go-online') return event.network ? CONNECT : WAIT;
  if (event.type === 'fault') return { state: { kind: 'failed', error: event.error }, effects: [] };
  return event.type === 'close' ? { state: { kind: 'closed' }, effects: [] } : stay(state);
}

function fromFailed(state: ConnectionState, event: ConnectionEvent): Transition {
  // Only the app asks for it: a failed connection is not tried by itself, so its word counts more than the platform's.
  if (event.type === 'go-online') return CONNECT;
  if (event.type === 'go-offline') return { state: { kind: 'idle' }, effects: [] };
  return event.type === 'close' ? { state: { kind: 'closed' }, effects: [] } : stay(state);
}

function fromLiving(state: Living, event: ConnectionEvent): Transition {
  switch (event.type) {
    case 'go-offline':
      return { state: { kind: 'idle' }, effects: teardown(state) };
    case 'close':
      return { state: { kind: 'closed' }, effects: teardown(state) };
    case 'fault':
      return { state: { kind: 'failed', error: event.error }, effects: teardown(state) };
    default:
      return state.kind === 'backing-off' || state.kind === 'waiting' ? fromPause(state, event) : fromConnected(state, event);
  }
}

function fromPause(state: Exclude<Living, Connected>, event: ConnectionEvent): Transition {
  const isAsked = state.kind === 'backing-off' && state.asked;
  switch (event.type) {
    case 'retry-due':
      if (state.kind === 'waiting') return stay(state);
      return event.network ? reconnect(state) : { state: { kind: 'waiting', attempt: state.attempt }, effects: [] };
    case 'go-online':
      return reconnect(state, teardown(state));
    case 'network-back':
      return isAsked ? stay(state) : reconnect(state, teardown(state));
    case 'network-lost':
      return isAsked || state.kind === 'waiting' ? stay(state) : { state: { kind: 'waiting', attempt: state.attempt }, effects: teardown(state) };
    default:
      return stay(state);
  }
}

function fromConnected(state: Connected, event: ConnectionEvent): Transition {
  switch (event.type) {
    case 'transport-opened':
      return state.kind === 'connecting' ? { state: { ...state, kind: 'handshaking' }, effects: [{ type: 'start-handshake' }] } : stay(state);
    case 'session-opened':
      return state.kind === 'handshaking' ? { state: { ...state, kind: 'open' }, effects: [{ type: 'session-up' }] } : stay(state);
    case 'session-stable':
      return state.kind === 'open' ? { state: { ...state, attempt: 0 }, effects: [] } : stay(state);
    case 'return-hint':
      return { state: { ...state, hint: event.hint }, effects: [] };
    case 'transport-closed':
      return backOff(state, state.kind === 'open' ? [{ type: 'session-down' }] : []);
    case 'silent':
      return backOff(state, teardown(state));
    case 'network-lost':
      return state.hint === null ? { state: { kind: 'waiting', attempt: state.attempt }, effects: teardown(state) } : backOff(state, teardown(state));
    case 'network-back':
      // An attempt that began on another network may hang until its time is over.
      if (state.kind === 'open') return { state, effects: [{ type: 'probe' }] };
      return state.hint === null ? reconnect(state, teardown(state)) : stay(state);
    default:
      return stay(state);
  }
}

function backOff(state: Connected, effects: readonly ConnectionEffect[]): Transition {
  const attempt = state.attempt + 1;
  const plan = { attempt, notBeforeMs: state.hint?.afterMs ?? 0, spreadMs: state.hint?.spreadMs ?? 0 };
  return { state: { kind: 'backing-off', attempt, asked: state.hint !== null }, effects: [...effects, { type: 'schedule-retry', plan }] };
}

function reconnect(state: Living, before: readonly ConnectionEffect[] = []): Transition {
  return { state: { kind: 'connecting', attempt: state.attempt, hint: null }, effects: [...before, { type: 'open-transport' }] };
}

function teardown(state: Living): readonly ConnectionEffect[] {
  if (state.kind === 'waiting') return [];
  if (state.kind === 'backing-off') return [{ type: 'cancel-retry' }];
  return state.kind === 'open' ? [{ type: 'close-transport' }, { type: 'session-down' }] : [{ type: 'close-transport' }];
}

function stay(state: ConnectionState): Transition {
  return { state, effects: [] };
}
