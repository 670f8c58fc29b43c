// Which way a connection is tried, by what became of those before.
import { expect, test } from 'vitest';
import { FALLBACK_MS_MIN, WEBSOCKET_OPEN_MS } from '../../../src/client/limits.js';
import { fallbackTransport } from '../../../src/client/transport/fallback-transport.js';
import type { OpenTransport, TransportEvents } from '../../../src/client/transport/transport.js';
import { ManualClock } from '../../support/manual-clock.js';

function ways(blocked = false) {
  const clock = new ManualClock();
  const tried: string[] = [];
  const events: TransportEvents[] = [];
  const closes: number[] = [];
  const way = (name: string): OpenTransport => (_url, told) => {
    tried.push(name);
    if (blocked && name === 'first') throw new Error('blocked');
    events.push(told);
    return { bufferedBytes: 0, send: () => undefined, close: () => void 0 };
  };
  const open = fallbackTransport(way('first'), way('second'), clock);
  const attempt = () => open('ws://relay', { opened: () => undefined, message: () => undefined, closed: ({ code }) => void closes.push(code) });
  return { clock, tried, closes, attempt, last: () => events.at(-1)! };
}

const CLOSURE = { code: 1006, reason: '' };

test('two attempts in a row that do not open lead to the second way, and its time over back to the first', () => {
  const { clock, tried, attempt, last } = ways();
  attempt();
  last().closed(CLOSURE);
  attempt();
  last().closed(CLOSURE);
  attempt();
  last().message(new Uint8Array(1));
  last().closed(CLOSURE);
  attempt();
  expect(tried).toEqual(['first', 'first', 'second', 'second']);
  clock.advance(FALLBACK_MS_MIN);
  attempt();
  expect(tried.at(-1)).toBe('first');
});

test('a session on the second way ends when its time is over; after one more failure it is taken for twice as long', () => {
  const { clock, tried, closes, attempt, last } = ways();
  for (let at = 0; at < 2; at += 1) {
    attempt();
    last().closed(CLOSURE);
  }
  attempt();
  last().message(new Uint8Array(1));
  closes.length = 0;
  clock.advance(FALLBACK_MS_MIN);
  expect(closes).toEqual([1006]);
  attempt();
  last().closed(CLOSURE);
  attempt();
  last().message(new Uint8Array(1));
  closes.length = 0;
  clock.advance(FALLBACK_MS_MIN);
  expect(closes).toEqual([]);
  clock.advance(FALLBACK_MS_MIN);
  expect(closes).toEqual([1006]);
  expect(tried).toEqual(['first', 'first', 'second', 'first', 'second']);
});

test('an attempt that opened between two failures forgets the first', () => {
  const { tried, attempt, last } = ways();
  attempt();
  last().closed(CLOSURE);
  attempt();
  last().opened();
  last().closed(CLOSURE);
  attempt();
  last().closed(CLOSURE);
  attempt();
  expect(tried).toEqual(['first', 'first', 'first', 'first']);
});

test('a constructor that throws, and a time limit, count as failures; giving up does not', async () => {
  const throwing = ways(true);
  throwing.attempt();
  await Promise.resolve();
  throwing.attempt();
  await Promise.resolve();
  throwing.attempt();
  expect(throwing.tried).toEqual(['first', 'first', 'second']);
  expect(throwing.closes).toEqual([1006, 1006]);

  const hanging = ways();
  hanging.attempt().close(1000, '');
  hanging.clock.advance(WEBSOCKET_OPEN_MS);
  hanging.attempt();
  hanging.clock.advance(WEBSOCKET_OPEN_MS);
  hanging.attempt();
  expect(hanging.tried).toEqual(['first', 'first', 'first']);
  hanging.clock.advance(WEBSOCKET_OPEN_MS);
  hanging.attempt();
  expect(hanging.tried.at(-1)).toBe('second');
  expect(hanging.closes).toEqual([1006, 1006]);
});

test('when nothing is heard on the second way either, the first is tried again', () => {
  const { tried, attempt, last } = ways();
  for (let at = 0; at < 3; at += 1) {
    attempt();
    last().closed(CLOSURE);
  }
  attempt();
  expect(tried).toEqual(['first', 'first', 'second', 'first']);
});
