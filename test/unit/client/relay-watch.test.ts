// What may, and what may not, be concluded from time passing.
import { expect, test } from 'vitest';
import type { Attestation } from '../../../src/protocol/attestation.js';
import type { ClientFrame } from '../../../src/protocol/client-frame.js';
import { ZEROS } from '../../../src/protocol/hash.js';
import type { Misbehaviour } from '../../../src/client/misbehaviour.js';
import { MisbehaviourError } from '../../../src/client/misbehaviour.js';
import { RelayWatch } from '../../../src/client/space/relay-watch.js';
import type { SpaceContext } from '../../../src/client/space/space-context.js';
import { ManualClock } from '../../support/manual-clock.js';

const HEARTBEAT_MS = 100;
const raw = new Uint8Array(1);

function attestation(size: number, time: number): Attestation {
  return { logEpoch: 1, size, head: ZEROS, floor: 1, time, pushes: ZEROS, salt: new Uint8Array(16), leafIndex: 0, leafCount: 1, path: [], signature: new Uint8Array(64) };
}

function watching(claimed = 0) {
  const clock = new ManualClock();
  const sent: ClientFrame[] = [];
  const reports: Misbehaviour[] = [];
  const claim = { device: ZEROS, logEpoch: 1, size: claimed, head: ZEROS, frame: raw };
  const log = { size: 0, logEpoch: 1, greatestClaim: claimed > 0 ? claim : undefined };
  const context = { environment: clock, log, report: (found: Misbehaviour) => void reports.push(found) };
  const link = { features: 0n, send: (frame: ClientFrame) => void sent.push(frame), writable: async () => undefined, reconnect: () => undefined };
  const watch = new RelayWatch(context as unknown as SpaceContext, link, HEARTBEAT_MS);
  const entries = (size: number, attested: number): void => {
    log.size = size;
    watch.entries({ type: 'Entries', request: 0, more: attested > size, firstSeq: 1, items: [], attestation: attestation(attested, 1) }, raw);
  };
  let time = 1;
  const pong = (nonce: number, at = (time += 1)): string => {
    try {
      watch.pong({ type: 'Pong', nonce, attestation: attestation(9, at) }, raw);
      return 'nothing';
    } catch (cause) {
      return cause instanceof MisbehaviourError ? cause.finding.kind : 'failed';
    }
  };
  const asked = (): number => {
    const last = sent.at(-1);
    return last?.type === 'Ping' ? last.nonce : 0;
  };
  return { clock, watch, entries, pong, asked, sent, reports };
}

test('announced entries that do not come are an omission after two heartbeats and two answers', () => {
  const { clock, entries, pong, asked, sent } = watching();
  entries(3, 9);
  clock.advance(2 * HEARTBEAT_MS - 1);
  expect(sent).toEqual([]);
  clock.advance(1);
  expect(pong(asked())).toBe('nothing');
  clock.advance(HEARTBEAT_MS);
  expect(pong(asked())).toBe('omission');
});

test('a frame that brings nothing keeps no promise', () => {
  const { clock, entries, pong, asked } = watching();
  entries(3, 9);
  clock.advance(HEARTBEAT_MS);
  entries(3, 10);
  clock.advance(HEARTBEAT_MS);
  expect(pong(asked())).toBe('nothing');
  clock.advance(HEARTBEAT_MS);
  expect(pong(asked())).toBe('omission');
});

test('a device that slept finds pongs and entries in its queue, and accuses nobody', () => {
  const { clock, entries, pong, asked } = watching();
  entries(3, 9);
  clock.advance(100 * HEARTBEAT_MS);
  expect([pong(1), pong(2), pong(3)]).toEqual(['nothing', 'nothing', 'nothing']);
  entries(9, 9);
  clock.advance(HEARTBEAT_MS);
  expect(pong(asked())).toBe('nothing');
});

test('a session that ended asks no more', () => {
  const { clock, watch, entries, sent } = watching();
  entries(3, 9);
  watch.stop();
  clock.advance(10 * HEARTBEAT_MS);
  expect(sent).toEqual([]);
});

test('the attested time must move between pongs two heartbeats apart, and may stand for less', () => {
  const { clock, pong } = watching();
  expect(pong(1, 50)).toBe('nothing');
  clock.advance(HEARTBEAT_MS);
  expect(pong(2, 50)).toBe('nothing');
  clock.advance(HEARTBEAT_MS);
  expect(pong(3, 51)).toBe('nothing');
  clock.advance(HEARTBEAT_MS);
  expect(pong(4, 50)).toBe('freeze');
});

test('a size below a claimed one is told with the device whose word it is', () => {
  const { pong, reports } = watching(20);
  expect(pong(1)).toBe('nothing');
  expect(reports).toMatchObject([{ kind: 'freeze', evidence: { accuser: ZEROS, frames: [raw, raw] } }]);
});
