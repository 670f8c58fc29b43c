// What whenSynced() may be relied on for: the relay was asked, so what it held at the call is read.
import { expect, test } from 'vitest';
import { RoundTrips } from '../../../src/client/space/round-trips.js';
import { HeldWay } from '../../support/held-way.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { bytes, createDevice, openDevice } from '../../support/test-space.js';

test('what another device stored before the call is read when it resolves, however long the relay takes to say so', async () => {
  const relay = await new HonestRelay().start();
  const desk = await createDevice(relay);
  await desk.space.push(bytes('first')).durable('relay');
  const way = new HeldWay(relay);
  const phone = await openDevice(way, desk.space.link);
  await phone.space.whenSynced();
  way.hold();
  await desk.space.push(bytes('second')).durable('relay');
  let isSynced = false;
  const synced = phone.space.whenSynced().then(() => {
    isSynced = true;
  });
  const also = phone.space.whenSynced();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isSynced).toBe(false);
  way.release();
  await Promise.all([synced, also]);
  expect(phone.texts()).toEqual(['first', 'second']);
  await phone.space.close();
  await desk.space.close();
});

test('a call that waits over the end of a session is answered by the next one', async () => {
  const relay = await new HonestRelay().start();
  const desk = await createDevice(relay, { environment: { random: () => 0.01 } });
  await desk.space.push(bytes('first')).durable('relay');
  const waits = desk.space.whenSynced();
  relay.crash();
  await waits;
  expect(desk.space.status.status).toBe('online');
  await desk.space.close();
  await expect(desk.space.whenSynced()).rejects.toMatchObject({ code: 'closed' });
});

test('a device that cannot go on by itself says why instead of letting its app wait, also a call that waits already', async () => {
  const relay = await new HonestRelay().start();
  const desk = await createDevice(relay);
  await desk.space.whenSynced();
  const gone = await openDevice(relay, desk.space.link);
  await gone.space.whenSynced();
  gone.space.goOffline();
  gone.space.push(bytes('never to be stored'));
  const waits = gone.space.whenSynced();
  const rejected = waits.then(() => null, (cause: unknown) => cause);
  await desk.space.whenSynced();
  await desk.space.removeDevice(gone.space.device);
  gone.space.goOnline();
  const told = await rejected;
  const { status, error } = gone.space.status;
  expect(status).toBe('failed');
  expect(error).not.toBeNull();
  expect(told).toBe(error);
  await expect(gone.space.whenSynced()).rejects.toBe(error);
  await gone.space.close();
  await desk.space.close();
});

test('a round trip that begins while one is under way ends with the one behind it', () => {
  const sent: number[] = [];
  const trips = new RoundTrips({ send: (frame) => void (frame.type === 'Ping' && sent.push(frame.nonce)) });
  const first = trips.begin();
  const second = trips.begin();
  const third = trips.begin();
  expect(sent).toHaveLength(1);
  expect(trips.pong(7)).toBe(false);
  expect(trips.pong(sent[0]!)).toBe(true);
  expect([first(), second(), third()]).toEqual([true, false, false]);
  expect(sent).toHaveLength(2);
  expect(trips.pong(sent[0]!)).toBe(false);
  expect(trips.pong(sent[1]!)).toBe(true);
  expect([second(), third(), sent.length]).toEqual([true, true, 2]);
});
