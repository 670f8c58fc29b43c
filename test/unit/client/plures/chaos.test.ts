// Direct ways that come, go and fall silent, a relay that is slow: whatever the order, both sides get everything, in order, and again only what was not confirmed.
import { expect, test } from 'vitest';
import { createTransport } from '../../../../src/client/plures/create-transport.js';
import type { SyncConnection } from '../../../../src/client/plures/transport.js';
import { DirectDouble } from '../../../support/direct-double.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { HubDouble } from '../../../support/plures-hub.js';
import { seededPick } from '../../../support/seeded-pick.js';

const STEPS = 120;
/** Less than a relay waits for a receiver. */
const RELAY_SLOW_MS = 20_000;

test.each([1, 2, 3, 4, 5, 6])('seed %i', async (seed) => {
  const pick = seededPick(seed);
  const clock = new ManualClock();
  const [hub, direct] = [new HubDouble(), new DirectDouble()];
  direct.isOn = pick(2) === 0;
  let ids = 0;
  const paths: string[] = [];
  const environment = { now: clock.now, random: clock.random, after: clock.after.bind(clock), randomBytes: (length: number) => new Uint8Array(length).fill((ids += 1)) };
  const made = () =>
    createTransport({ mode: 'auto', azureRelayUrl: 'wss://relay.example/', topic: 't', direct, directTimeoutMs: 10, webSocket: hub.webSocket, environment, observe: (event) => event.type === 'path' && paths.push(event.path) });
  const rest = async (ms: number): Promise<void> => {
    for (let step = 0; step < 20; step += 1) {
      clock.advance(ms / 20);
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    }
  };
  const collected = (connection: SyncConnection): string[] => {
    const got: string[] = [];
    void (async () => {
      for await (const message of connection.receive()) got.push(new TextDecoder().decode(message));
      got.push('end');
    })();
    return got;
  };

  const accepted: SyncConnection[] = [];
  const heard: string[][] = [];
  await Promise.all([made().listen((connection) => (accepted.push(connection), heard.push(collected(connection)))), rest(100)]);
  const connecting = made().connect('peer-a');
  await rest(500);
  const connection = await connecting;
  const got = collected(connection);
  await rest(10);
  const said: [string[], string[]] = [[], []];
  const failures: unknown[] = [];
  const say = (side: 0 | 1): void => {
    const text = `${side}-${said[side].length}`;
    said[side].push(text);
    (side === 0 ? connection : accepted[0]!).send(new TextEncoder().encode(text)).catch((cause: unknown) => failures.push(cause));
  };

  for (let step = 0; step < STEPS; step += 1) {
    const act = pick(12);
    if (act < 5) say(pick(2) as 0 | 1);
    else if (act === 5) direct.cut();
    else if (act === 6) direct.isSilent = pick(3) === 0;
    else if (act === 7) direct.turnOn();
    else if (act === 8 && hub.held === null) {
      hub.held = [];
      clock.after(RELAY_SLOW_MS, () => hub.release());
    }
    else if (act === 9) hub.release();
    else await rest(pick(act === 10 ? 100 : 4000));
    if (pick(2) === 0) await rest(1);
  }
  hub.release();
  direct.isSilent = false;
  await rest(40_000);
  say(0);
  say(1);
  await rest(40_000);

  expect(failures).toEqual([]);
  const once = (all: readonly string[]): string[] => all.filter((text, at) => all.indexOf(text) === at);
  expect(once(heard.flat())).toEqual(said[0]);
  expect(once(got)).toEqual(said[1]);
  expect([accepted.length, new Set(paths).has('direct')]).toEqual([1, true]);
});
