import { expect, test } from 'vitest';
import { SOCKET_OPEN_MS_MAX, SOCKET_SILENCE_MS_MAX } from '../../../../src/client/graceful/limits.js';
import { RelayClient } from '../../../../src/client/graceful/relay-client.js';
import { RelayWorld } from '../../../support/graceful-relays.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { ManualNetwork } from '../../../support/manual-network.js';
import { TextSocketDouble } from '../../../support/text-socket-double.js';

function scene() {
  const clock = new ManualClock();
  const network = new ManualNetwork();
  const world = new RelayWorld(clock, ['eu.example', 'us.example']);
  const sockets: TextSocketDouble[] = [];
  const environment = { now: clock.now, random: clock.random, after: clock.after.bind(clock), network };
  const relays = [{ id: 'eu', endpoint: 'https://eu.example' }, { id: 'us', endpoint: 'https://us.example' }];
  const client = new RelayClient({ relays, region: 'eu', token: 'a b', fetch: world.fetch, environment, webSocket: TextSocketDouble.collectedIn(sockets) });
  const events: string[] = [];
  client.on('connected', ({ region }) => events.push(`connected to ${region}`));
  client.on('disconnected', ({ region }) => events.push(`lost ${region}`));
  client.on('sync_available', ({ source }) => events.push(`news from ${source}`));
  const rest = async (ms: number, stepMs = 5): Promise<void> => {
    for (let at = 0; at < ms; at += stepMs) {
      clock.advance(stepMs);
      await new Promise(setImmediate);
    }
  };
  return { clock, network, client, sockets, events, rest };
}

test('connects to the relay in use with device and token, tells of news, and answers pings', async () => {
  const { client, sockets, events, rest } = scene();
  client.connect('phone');
  await rest(100);
  expect(sockets.map(({ url }) => url)).toEqual(['wss://eu.example/ws?device_id=phone&token=a+b']);
  sockets[0]!.open();
  for (const said of [{ type: 'subscribe' }, { type: 'ping' }, { type: 'sync_available', data: { source_device: 'laptop' } }, { type: 'sync_available' }, 'garbage', 7]) sockets[0]!.say(said);
  sockets[0]!.say('x'.repeat(100_000));
  expect(events).toEqual(['connected to eu', 'news from laptop', 'news from null']);
  expect(sockets[0]!.sent.map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(['pong']);
});

test('comes back by itself: after a close, when it does not open in time, and from a connection that fell silent', async () => {
  const { client, sockets, events, rest } = scene();
  client.connect('phone');
  await rest(100);
  sockets[0]!.open();
  sockets[0]!.fail();
  await rest(1000);
  expect(sockets.length).toBe(2);
  await rest(SOCKET_OPEN_MS_MAX + 2000, 50);
  expect(sockets[1]!.isClosed).toBe(true);
  expect(new URL(sockets[2]!.url).host).toBe('us.example');
  sockets[2]!.open();
  await rest(SOCKET_SILENCE_MS_MAX - 5000, 500);
  sockets[2]!.say({ type: 'ping' });
  await rest(SOCKET_SILENCE_MS_MAX - 5000, 500);
  expect(sockets[2]!.isClosed).toBe(false);
  await rest(10_000, 500);
  expect(sockets[2]!.isClosed).toBe(true);
  expect(events).toEqual(['connected to eu', 'lost eu', 'connected to us', 'lost us']);
});

test('when the network is back it does not wait, and after disconnect() it does nothing', async () => {
  const { client, network, sockets, rest, clock } = scene();
  client.connect('phone');
  await rest(100);
  for (let n = 0; n < 6; n += 1) {
    sockets.at(-1)!.fail();
    clock.advance(30_000);
    await rest(10);
  }
  sockets.at(-1)!.fail();
  const before = sockets.length;
  network.tell('back');
  await rest(10);
  expect(sockets.length).toBe(before + 1);
  client.disconnect();
  expect(sockets.at(-1)!.isClosed).toBe(true);
  await rest(60_000, 1000);
  network.tell('back');
  await rest(10);
  expect([sockets.length, network.listeners]).toEqual([before + 1, 0]);
});

test('a platform without WebSockets is told so', () => {
  const before = globalThis.WebSocket;
  Reflect.deleteProperty(globalThis, 'WebSocket');
  try {
    expect(() => new RelayClient({ relays: 'https://eu.example' }).connect('phone')).toThrow(/no WebSocket/);
  } finally {
    if (before !== undefined) globalThis.WebSocket = before;
  }
});
