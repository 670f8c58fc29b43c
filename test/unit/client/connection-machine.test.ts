// Every state against every event; a missing cell does not compile.
import { expect, test } from 'vitest';
import { ClientError } from '../../../src/client/client-error.js';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, RETRY_AFTER_MS_MAX } from '../../../src/client/limits.js';
import { retryDelayMs } from '../../../src/client/connection/backoff.js';
import { transition } from '../../../src/client/connection/machine.js';
import type { ConnectionEvent, ConnectionState } from '../../../src/client/connection/machine.js';

const error = new ClientError('relay_refused', 'no');
const hint = { afterMs: 500, spreadMs: 100 };

const STATES: { readonly [K in ConnectionState['kind']]: Extract<ConnectionState, { kind: K }> } = {
  idle: { kind: 'idle' },
  connecting: { kind: 'connecting', attempt: 2, hint: null },
  handshaking: { kind: 'handshaking', attempt: 2, hint: null },
  open: { kind: 'open', attempt: 2, hint: null },
  'backing-off': { kind: 'backing-off', attempt: 2, asked: false },
  waiting: { kind: 'waiting', attempt: 2 },
  failed: { kind: 'failed', error },
  closed: { kind: 'closed' },
};

const EVENTS: { readonly [K in ConnectionEvent['type']]: Extract<ConnectionEvent, { type: K }> } = {
  'go-online': { type: 'go-online', network: true },
  'go-offline': { type: 'go-offline' },
  'transport-opened': { type: 'transport-opened' },
  'session-opened': { type: 'session-opened' },
  'session-stable': { type: 'session-stable' },
  'transport-closed': { type: 'transport-closed' },
  silent: { type: 'silent' },
  'return-hint': { type: 'return-hint', hint },
  'retry-due': { type: 'retry-due', network: true },
  'network-lost': { type: 'network-lost' },
  'network-back': { type: 'network-back' },
  fault: { type: 'fault', error },
  close: { type: 'close' },
};

/** Next state and effects; an empty string: nothing happens. */
type Cell = string;

const TABLE: Record<ConnectionState['kind'], Record<ConnectionEvent['type'], Cell>> = {
  idle: {
    'go-online': 'connecting: open-transport',
    'go-offline': '',
    'transport-opened': '',
    'session-opened': '',
    'session-stable': '',
    'transport-closed': '',
    silent: '',
    'return-hint': '',
    'retry-due': '',
    'network-lost': '',
    'network-back': '',
    fault: 'failed: ',
    close: 'closed: ',
  },
  connecting: {
    'go-online': '',
    'go-offline': 'idle: close-transport',
    'transport-opened': 'handshaking: start-handshake',
    'session-opened': '',
    'session-stable': '',
    'transport-closed': 'backing-off: schedule-retry',
    silent: 'backing-off: close-transport schedule-retry',
    'return-hint': 'connecting: ',
    'retry-due': '',
    'network-lost': 'waiting: close-transport',
    'network-back': 'connecting: close-transport open-transport',
    fault: 'failed: close-transport',
    close: 'closed: close-transport',
  },
  handshaking: {
    'go-online': '',
    'go-offline': 'idle: close-transport',
    'transport-opened': '',
    'session-opened': 'open: session-up',
    'session-stable': '',
    'transport-closed': 'backing-off: schedule-retry',
    silent: 'backing-off: close-transport schedule-retry',
    'return-hint': 'handshaking: ',
    'retry-due': '',
    'network-lost': 'waiting: close-transport',
    'network-back': 'connecting: close-transport open-transport',
    fault: 'failed: close-transport',
    close: 'closed: close-transport',
  },
  open: {
    'go-online': '',
    'go-offline': 'idle: close-transport session-down',
    'transport-opened': '',
    'session-opened': '',
    'session-stable': 'open: ',
    'transport-closed': 'backing-off: session-down schedule-retry',
    silent: 'backing-off: close-transport session-down schedule-retry',
    'return-hint': 'open: ',
    'retry-due': '',
    'network-lost': 'waiting: close-transport session-down',
    'network-back': 'open: probe',
    fault: 'failed: close-transport session-down',
    close: 'closed: close-transport session-down',
  },
  'backing-off': {
    'go-online': 'connecting: cancel-retry open-transport',
    'go-offline': 'idle: cancel-retry',
    'transport-opened': '',
    'session-opened': '',
    'session-stable': '',
    'transport-closed': '',
    silent: '',
    'return-hint': '',
    'retry-due': 'connecting: open-transport',
    'network-lost': 'waiting: cancel-retry',
    'network-back': 'connecting: cancel-retry open-transport',
    fault: 'failed: cancel-retry',
    close: 'closed: cancel-retry',
  },
  waiting: {
    'go-online': 'connecting: open-transport',
    'go-offline': 'idle: ',
    'transport-opened': '',
    'session-opened': '',
    'session-stable': '',
    'transport-closed': '',
    silent: '',
    'return-hint': '',
    'retry-due': '',
    'network-lost': '',
    'network-back': 'connecting: open-transport',
    fault: 'failed: ',
    close: 'closed: ',
  },
  failed: {
    'go-online': 'connecting: open-transport',
    'go-offline': 'idle: ',
    'transport-opened': '',
    'session-opened': '',
    'session-stable': '',
    'transport-closed': '',
    silent: '',
    'return-hint': '',
    'retry-due': '',
    'network-lost': '',
    'network-back': '',
    fault: '',
    close: 'closed: ',
  },
  closed: {
    'go-online': '',
    'go-offline': '',
    'transport-opened': '',
    'session-opened': '',
    'session-stable': '',
    'transport-closed': '',
    silent: '',
    'return-hint': '',
    'retry-due': '',
    'network-lost': '',
    'network-back': '',
    fault: '',
    close: '',
  },
};

const CELLS = Object.values(STATES).flatMap((state) => Object.values(EVENTS).map((event) => ({ state, event })));

test.each(CELLS)('$state.kind × $event.type', ({ state, event }) => {
  const next = transition(state, event);
  const expected = TABLE[state.kind][event.type];
  if (expected === '') {
    expect(next.state).toBe(state);
    expect(next.effects).toEqual([]);
  } else {
    expect(`${next.state.kind}: ${next.effects.map(({ type }) => type).join(' ')}`).toBe(expected);
  }
});

test('the attempt count grows with every failure and falls only when a session was stable', () => {
  const failed = transition(STATES.open, EVENTS['transport-closed']);
  expect(failed.state).toEqual({ kind: 'backing-off', attempt: 3, asked: false });
  const again = transition(failed.state, EVENTS['retry-due']);
  expect(again.state).toMatchObject({ attempt: 3 });
  expect(transition(STATES.open, EVENTS['session-stable']).state).toMatchObject({ attempt: 0 });
});

test('a hint of the relay is obeyed in the next back-off and not after it', () => {
  const hinted = transition(STATES.open, EVENTS['return-hint']).state;
  const { state, effects } = transition(hinted, EVENTS['transport-closed']);
  expect(effects.at(-1)).toEqual({ type: 'schedule-retry', plan: { attempt: 3, notBeforeMs: 500, spreadMs: 100 } });
  expect(transition(state, EVENTS['retry-due']).state).toMatchObject({ hint: null });
});

test('without a network nothing is tried, until it comes back or the app asks', () => {
  const waiting = transition(STATES.idle, { type: 'go-online', network: false });
  expect(waiting).toEqual({ state: { kind: 'waiting', attempt: 0 }, effects: [] });
  expect(transition(STATES['backing-off'], { type: 'retry-due', network: false })).toEqual({ state: STATES.waiting, effects: [] });
});

test('no word on the network brings a return forward that the relay put off', () => {
  const asked = transition(transition(STATES.open, EVENTS['return-hint']).state, EVENTS['network-lost']);
  expect(asked.effects.at(-1)).toEqual({ type: 'schedule-retry', plan: { attempt: 3, notBeforeMs: 500, spreadMs: 100 } });
  for (const event of [EVENTS['network-lost'], EVENTS['network-back']]) expect(transition(asked.state, event).state).toBe(asked.state);
  const hinted = transition(STATES.handshaking, EVENTS['return-hint']).state;
  expect(transition(hinted, EVENTS['network-back']).state).toBe(hinted);
});

test('back-off is full jitter between the relay’s time and a bounded, doubling step', () => {
  const plan = { attempt: 1, notBeforeMs: 0, spreadMs: 0 };
  expect(retryDelayMs(plan, 0)).toBe(0);
  expect(retryDelayMs(plan, 0.5)).toBe(BACKOFF_MS_MIN);
  expect(retryDelayMs({ ...plan, attempt: 1000 }, 0.999_999)).toBeLessThanOrEqual(BACKOFF_MS_MAX);
  expect(retryDelayMs({ ...plan, notBeforeMs: 5000, spreadMs: 60_000 }, 0.5)).toBe(35_000);
  expect(retryDelayMs({ ...plan, notBeforeMs: Number.MAX_SAFE_INTEGER }, 0)).toBe(RETRY_AFTER_MS_MAX);
});
