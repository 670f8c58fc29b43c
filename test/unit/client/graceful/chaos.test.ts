// Relays that come, go, forget to answer and refuse, an app that restarts: whatever the order, every change is stored once at each relay and seen by the other device.
import { expect, test } from 'vitest';
import { ChangeSealing } from '../../../../src/client/graceful/change-sealing.js';
import { createSyncApi, MemoryJournal, type SyncApi, type SyncChange } from '../../../../src/client/graceful/index.js';
import { RelayWorld, type RelayMood } from '../../../support/graceful-relays.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { runClock } from '../../../support/run-clock.js';
import { seededPick } from '../../../support/seeded-pick.js';

const MOODS: readonly RelayMood[] = ['well', 'well', 'well', 'down', 'lost', { status: 503, retryAfter: 1 }, { status: 500 }, { status: 429, code: 'RATE_LIMIT_EXCEEDED', retryAfter: 2 }];
const STEPS = 90;
const PATIENCE_MS = 20_000;
/** Long enough for everything that can still arrive. */
const CONTROL_MS = 500;
const RELAYS = [{ id: 'eu', endpoint: 'https://eu.example' }, { id: 'us', endpoint: 'https://us.example' }];

/** What was pushed and one relay lacks, or the phone did not see. `keepsJournal`: false for the control. */
async function lostAfterChaos(seed: number, keepsJournal: boolean): Promise<number> {
  const pick = seededPick(seed);
  const clock = new ManualClock();
  const world = new RelayWorld(clock, ['eu.example', 'us.example']);
  const [eu, us] = [world.relays['eu.example']!, world.relays['us.example']!];
  const journals = { laptop: new MemoryJournal(), phone: new MemoryJournal() };
  const open = (device: 'laptop' | 'phone'): SyncApi => createSyncApi({ relays: RELAYS, key: new Uint8Array(32), journal: journals[device], fetch: world.fetch, environment: clock, retries: 1, pushWaitMs: 3000 });
  const apis = { laptop: open('laptop'), phone: open('phone') };
  const sealing = new ChangeSealing(new Uint8Array(32), false);
  const pushed: string[] = [];
  const seen = new Set<string>();
  let handled = 0;
  const run = <T>(work: Promise<T>): Promise<T> => runClock(clock, work, 20);

  const push = async (): Promise<void> => {
    const changes = Array.from({ length: 1 + pick(4) }, (): SyncChange => {
      pushed.push(`c${pushed.length}`);
      return { id: pushed.at(-1)!, entity_type: 'T', entity_id: 'e', operation: 'UPDATE', encrypted_payload: 'x', version_vector: { laptop: pushed.length }, timestamp: clock.now() };
    });
    const answer = await run(apis.laptop.push({ protocol_version: '1.0.0', device_id: 'laptop', timestamp: clock.now(), changes }));
    expect(answer.rejected).toEqual([]);
    // "Accepted" is never a lie.
    for (const id of answer.accepted) expect([...eu.ids, ...us.ids]).toContain(sealing.idToken(id));
  };
  const pull = async (): Promise<void> => {
    const page = await run(apis.phone.pull({ protocol_version: '1.0.0', device_id: 'phone', since_timestamp: handled, sync_vector: {} }).catch(() => null));
    if (page === null) return;
    for (const { id } of page.changes) seen.add(id);
    handled = clock.now();
  };
  const restart = async (device: 'laptop' | 'phone'): Promise<void> => {
    await run(apis[device].close());
    if (!keepsJournal) journals[device] = new MemoryJournal();
    apis[device] = open(device);
  };

  for (let step = 0; step < STEPS; step += 1) {
    const act = pick(10);
    if (act < 4) await push();
    else if (act < 6) await pull();
    else if (act < 8) (pick(2) === 0 ? eu : us).mood = MOODS[pick(MOODS.length)]!;
    else if (act < 9) await restart(pick(2) === 0 ? 'laptop' : 'phone');
    else clock.advance(pick(120_000));
  }

  eu.mood = us.mood = 'well';
  await restart('laptop');
  const isDone = (): boolean => apis.laptop.pending === 0 && [eu, us].every(({ stored }) => stored.length >= pushed.length);
  // Sealing takes real time, however far the clock is.
  const end = performance.now() + (keepsJournal ? PATIENCE_MS : CONTROL_MS);
  while (!isDone() && performance.now() < end) {
    clock.advance(20);
    await new Promise(setImmediate);
  }
  for (let turn = 0; turn < 20; turn += 1) await pull();
  expect(pushed.length).toBeGreaterThan(30);
  for (const relay of [eu, us]) expect(new Set(relay.ids).size).toBe(relay.ids.length);
  return pushed.filter((id) => !seen.has(id) || [eu, us].some((relay) => !relay.ids.includes(sealing.idToken(id)))).length;
}

test.each([1, 2, 3])('seed %i loses nothing', async (seed) => {
  expect(await lostAfterChaos(seed, true)).toBe(0);
});

test('control: an app that forgets its journal loses something', async () => {
  expect(await lostAfterChaos(1, false)).toBeGreaterThan(0);
});
