import { expect, test } from 'vitest';
import { Inbox } from '../../../../src/client/plures/inbox.js';
import { RECEIVE_BYTES_HIGH, RECEIVE_BYTES_LOW, RECEIVE_BYTES_MAX, RECEIVERS_MAX } from '../../../../src/client/plures/limits.js';

const MEGABYTE = 1024 * 1024;

function scene() {
  const taps: string[] = [];
  const errors: unknown[] = [];
  const inbox = new Inbox({ pause: () => taps.push('pause'), resume: () => taps.push('resume') }, (error) => errors.push(error));
  return { taps, errors, inbox };
}

test('holds the network up at the high mark, and lets it go on at the low one', async () => {
  const { inbox, taps } = scene();
  for (let n = 0; n * MEGABYTE <= RECEIVE_BYTES_HIGH; n += 1) inbox.put(new Uint8Array(MEGABYTE).fill(n));
  expect(taps).toEqual(['pause']);
  const reading = inbox.read();
  for (let n = 0; n < (RECEIVE_BYTES_HIGH - RECEIVE_BYTES_LOW) / MEGABYTE; n += 1) expect((await reading.next()).value?.[0]).toBe(n);
  expect(taps).toEqual(['pause']);
  for (let n = 0; n < 3; n += 1) await reading.next();
  expect(taps).toEqual(['pause', 'resume']);
});

test('ends by name where the network cannot be held up; what was held can still be read', async () => {
  const { inbox, errors } = scene();
  const count = RECEIVE_BYTES_MAX / MEGABYTE;
  for (let n = 0; n < count + 5; n += 1) inbox.put(new Uint8Array(MEGABYTE));
  expect(errors).toMatchObject([{ code: 'receive_queue_full', temporary: true }]);
  let read = 0;
  await expect(
    (async () => {
      for await (const _ of inbox.read()) read += 1;
    })(),
  ).rejects.toMatchObject({ code: 'receive_queue_full' });
  expect(read).toBe(count);
});

test('many empty messages count too', () => {
  const { inbox, taps } = scene();
  for (let n = 0; n < RECEIVE_BYTES_HIGH / 64 + 1; n += 1) inbox.put(new Uint8Array());
  expect(taps).toEqual(['pause']);
});

test('several readers share the messages; too many of them are refused', async () => {
  const { inbox } = scene();
  const waiting = Array.from({ length: RECEIVERS_MAX }, () => inbox.read().next());
  await expect(inbox.read().next()).rejects.toMatchObject({ code: 'receive_queue_full' });
  for (let n = 0; n < RECEIVERS_MAX - 1; n += 1) inbox.put(Uint8Array.of(n));
  inbox.end(null);
  const got = await Promise.all(waiting);
  expect(got.map(({ value }) => value?.[0])).toEqual([...Array.from({ length: RECEIVERS_MAX - 1 }, (_, n) => n), undefined]);
});
