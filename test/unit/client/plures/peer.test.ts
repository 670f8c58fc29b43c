// What comes directly and waits for the relay is bounded, marks as well as messages.
import { beforeEach, expect, test } from 'vitest';
import type { StreamMark } from '../../../../src/client/plures/direct-frame.js';
import type { DirectLink } from '../../../../src/client/plures/direct-link.js';
import { MARKS_HELD_MAX, MESSAGE_OVERHEAD_BYTES, RECEIVE_BYTES_HIGH, SWITCH_WAIT_MS } from '../../../../src/client/plures/limits.js';
import { Peer } from '../../../../src/client/plures/peer.js';
import { TestClock } from '../eidetica/peer-double.js';

/** Upon something that no relay brings. */
const NEVER: StreamMark = { digest: new Uint8Array(32).fill(9), messages: 1, ageMs: 0 };

/** Notes what becomes of a direct way. */
class LinkDouble implements Pick<DirectLink, 'isReady' | 'pause' | 'resume' | 'close'> {
  readonly isReady = true;
  isPaused = false;
  isClosed = false;
  pause = (): void => void (this.isPaused = true);
  resume = (): void => void (this.isPaused = false);
  close = (): void => void (this.isClosed = true);
}

let clock: TestClock;
let link: LinkDouble;
let delivered: Uint8Array[];
let peer: Peer;

beforeEach(() => {
  [clock, link, delivered] = [new TestClock(), new LinkDouble(), []];
  peer = new Peer('other', clock, (bytes) => delivered.push(bytes));
  peer.link = link as unknown as DirectLink;
});

test('a direct way whose marks would become too many is closed, and not before', () => {
  for (let n = 0; n < MARKS_HELD_MAX; n += 1) peer.marked(NEVER);
  expect(link.isClosed).toBe(false);
  peer.marked(NEVER);
  expect(link.isClosed).toBe(true);
});

test.each<[string, () => void]>([
  ['the relay that is gone', () => peer.relayGone()],
  ['the time they wait', () => Array.from({ length: MARKS_HELD_MAX }, () => clock.advance(SWITCH_WAIT_MS))],
])('%s takes the marks away, and there is room for as many again', (_what, happens) => {
  for (let n = 0; n < MARKS_HELD_MAX; n += 1) peer.marked(NEVER);
  peer.fromLink(new Uint8Array([1]));
  expect(delivered).toEqual([]);
  happens();
  expect(delivered).toEqual([new Uint8Array([1])]);
  for (let n = 0; n < MARKS_HELD_MAX; n += 1) peer.marked(NEVER);
  expect(link.isClosed).toBe(false);
  peer.marked(NEVER);
  expect(link.isClosed).toBe(true);
});

test('a mark counts beside the messages behind it, until it is gone', () => {
  peer.marked(NEVER);
  peer.fromLink(new Uint8Array(RECEIVE_BYTES_HIGH - MESSAGE_OVERHEAD_BYTES));
  expect(link.isPaused).toBe(true);
  peer.relayGone();
  expect([link.isPaused, delivered.length]).toEqual([false, 1]);
});

test('a mark waits its whole time, also behind one that went early', () => {
  peer.marked(NEVER);
  clock.advance(SWITCH_WAIT_MS - 1);
  peer.relayGone();
  peer.marked(NEVER);
  peer.fromLink(new Uint8Array([1]));
  clock.advance(SWITCH_WAIT_MS - 1);
  expect(delivered).toEqual([]);
  clock.advance(1);
  expect(delivered).toEqual([new Uint8Array([1])]);
});
