// Parts of a space: what it can do is what it was given, and what it was not given is neither there nor understood.
import { afterEach, expect, expectTypeOf, test } from 'vitest';
import { allParts } from '../../../src/client/all-parts.js';
import { hintOf } from '../../../src/client/hints.js';
import { live } from '../../../src/client/live/index.js';
import { failover } from '../../../src/client/region/index.js';
import { snapshots } from '../../../src/client/snapshots/index.js';
import { createSpaceWith, openSpaceWith } from '../../../src/client/space/open.js';
import type { Space } from '../../../src/client/space/space.js';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import { writeClientFrame } from '../../../src/protocol/client-frame-writer.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import { LIVE_FRAMES } from '../../../src/protocol/live-frame-codec.js';
import { encodeRelayFrame } from '../../../src/protocol/relay-frame-codec.js';
import { readRelayFrame } from '../../../src/protocol/relay-frame-reader.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { bytes, until } from '../../support/test-space.js';

const spaces: Space[] = [];
afterEach(async () => {
  for (const space of spaces.splice(0)) await space.close();
});
const tracked = <S extends Space>(space: S): S => {
  spaces.push(space);
  return space;
};

test('a space has the calls of its parts and no others, in its type too', async () => {
  const relay = await new HonestRelay().start();
  const internals = { openTransport: relay.transport() };
  const bare = tracked(await createSpaceWith({ relay: relay.address() }, internals));
  const handler = { create: () => bytes('state'), load: () => undefined };
  const full = tracked(await openSpaceWith({ link: bare.link ?? '', parts: [...allParts, snapshots(handler)] }, internals));
  for (const call of ['ephemeral', 'topic', 'blobs', 'purge', 'erase', 'snapshot']) expect([call, call in bare, call in full]).toEqual([call, false, true]);
  expectTypeOf(bare).not.toHaveProperty('ephemeral');
  expectTypeOf(full).toHaveProperty('ephemeral');
  expectTypeOf(full.snapshot).returns.resolves.toEqualTypeOf<number>();
  await full.push(bytes('one')).durable('relay', { signal: AbortSignal.timeout(8000) });
  await full.whenSynced();
  expect(await full.snapshot()).toBe(1);
});

test('spaces with and without parts are in sync with each other', async () => {
  const relay = await new HonestRelay().start();
  const internals = { openTransport: relay.transport() };
  const bare = tracked(await createSpaceWith({ relay: relay.address(), batchWindowMs: 0 }, internals));
  await bare.whenSynced();
  const full = tracked(await openSpaceWith({ link: bare.link ?? '', batchWindowMs: 0, parts: [live] }, internals));
  const heard: number[] = [];
  full.subscribe(({ items }) => heard.push(items.length));
  full.ephemeral.subscribe(() => undefined);
  await bare.push(bytes('hello')).durable('device', { signal: AbortSignal.timeout(8000) });
  expect(heard).toEqual([1]);
  expect([bare.status.status, full.status.status]).toEqual(['online', 'online']);
});

test('a device without snapshots that was away for too long says what it lacks, and accuses nobody', async () => {
  const relay = await new HonestRelay().start();
  const internals = { openTransport: relay.transport() };
  const handler = { create: () => bytes('state'), load: () => undefined };
  const full = tracked(await createSpaceWith({ relay: relay.address(), batchWindowMs: 0, parts: [snapshots(handler)] }, internals));
  await full.whenSynced();
  const bare = tracked(await openSpaceWith({ link: full.link ?? '', batchWindowMs: 0 }, internals));
  const findings: unknown[] = [];
  bare.on('misbehaviour', (finding) => findings.push(finding));
  await bare.whenSynced();
  bare.goOffline();
  await full.push(bytes('missed')).durable('relay');
  await full.whenSynced();
  relay.forget(await full.snapshot());
  full.push(bytes('tail'));
  await full.whenSynced();
  bare.goOnline();
  await until('it stops', () => bare.status.status === 'failed');
  expect(bare.status.error).toMatchObject({ code: 'snapshot_handler_missing', hint: expect.stringContaining('snapshots({ create, load })') });
  expect(findings).toEqual([]);
});

test('a device that was opened to fail over is not opened without that part', async () => {
  const relay = await new HonestRelay().start();
  const internals = { openTransport: relay.transport() };
  const storage = new MemoryDeviceStore();
  await (await createSpaceWith({ relay: relay.address(), storage, parts: [failover], offline: true }, internals)).close();
  await expect(openSpaceWith({ storage, offline: true }, internals)).rejects.toMatchObject({ code: 'part_missing', hint: expect.stringContaining('failover') });
  tracked(await openSpaceWith({ storage, parts: [failover], offline: true }, internals));
});

test('frames of a set are read and written by who has the set', () => {
  const missed = encodeRelayFrame({ type: 'EphemeralMissed', count: 3 });
  expect(readRelayFrame(missed, [LIVE_FRAMES])).toEqual({ type: 'EphemeralMissed', count: 3 });
  expect(() => readRelayFrame(missed, [])).toThrow('no relay frame has the number');
  expect(writeClientFrame({ type: 'EphemeralListen', listen: true }, [LIVE_FRAMES])).toHaveLength(2);
  expect(() => writeClientFrame({ type: 'EphemeralListen', listen: true }, [])).toThrow(RangeError);
});

test('an error of the relay has its sentence beside the client, one of the client its own', () => {
  expect(hintOf({ code: 'device_revoked', hint: null })).toBe(ERRORS.device_revoked.hint);
  expect(hintOf({ code: 'outbox_full', hint: 'wait' })).toBe('wait');
  expect(hintOf({ code: 'closed', hint: null })).toBeNull();
});
