// The testing kit, tested with real devices: what each fault does to them, and that without one nothing happens.
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect } from 'vitest';
import { createSpace, openSpace } from '../../src/client/node.js';
import type { Misbehaviour, Space } from '../../src/client/node.js';
import { CONNECT_TIMEOUT_MS } from '../../src/client/limits.js';
import { FakeClock, HASTY, converged, startTestRelay } from '../../src/testing/index.js';
import type { TestRelay } from '../../src/testing/index.js';
import { test } from '../../src/testing/vitest.js';
import { until } from '../support/test-space.js';

const START_MS_MAX = 50;
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

interface Device {
  readonly space: Space;
  readonly read: string[];
  readonly findings: Misbehaviour[];
}

function listen(space: Space): Device {
  const device: Device = { space, read: [], findings: [] };
  space.subscribe(({ items }) => device.read.push(...items.map((item) => new TextDecoder().decode(item))));
  space.on('misbehaviour', (found) => device.findings.push(found));
  return device;
}

async function two(relay: TestRelay): Promise<readonly [Device, Device]> {
  const a = listen(await createSpace({ relay: relay.address, batchWindowMs: 0, environment: HASTY }));
  await a.space.whenSynced();
  const b = listen(await openSpace({ link: a.space.link ?? '', batchWindowMs: 0, environment: HASTY }));
  await b.space.whenSynced();
  return [a, b];
}

async function close(...devices: readonly Device[]): Promise<void> {
  await Promise.all(devices.map(({ space }) => space.close()));
}

test('a relay starts within 50 ms, and leaves nothing behind', async () => {
  const took: number[] = [];
  for (let run = 0; run < 7; run += 1) {
    const begun = performance.now();
    const relay = await startTestRelay();
    took.push(performance.now() - begun);
    await relay.stop();
  }
  // The fastest, because whoever shares the machine only adds. Where there is no file system in memory, the disk decides.
  if (existsSync('/dev/shm')) expect(Math.min(...took)).toBeLessThan(START_MS_MAX);
  expect(readdirSync(existsSync('/dev/shm') ? '/dev/shm' : tmpdir()).filter((name) => name.startsWith(`sealrelay-test-${process.pid}-`))).toEqual([]);
});

test('cut and restart: what was pushed meanwhile arrives once', async ({ relay }) => {
  const [a, b] = await two(relay);
  expect(relay.network.connections).toBe(2);
  for (let i = 0; i < 20; i += 1) {
    a.space.push(text(String(i)));
    if (i % 5 === 2) relay.network.cut();
    if (i === 10) await relay.restart();
  }
  await converged([a.space, b.space]);
  expect(b.read).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
  expect(relay.stats()).toMatchObject({ connectionsOpen: 2 });
  expect([...a.findings, ...b.findings]).toEqual([]);
  await close(a, b);
});

test('down: devices are offline, and come back by themselves', async ({ relay }) => {
  const [a, b] = await two(relay);
  relay.network.down();
  await until('both are offline', () => [a, b].every(({ space }) => space.status.status !== 'online'));
  a.space.push(text('written offline'));
  expect(a.space.hasUnsyncedChanges).toBe(true);
  relay.network.up();
  await converged([a.space, b.space]);
  expect(b.read).toEqual(['written offline']);
  await close(a, b);
});

test('delay: a receipt takes the way there and back', async ({ relay }) => {
  const [a, b] = await two(relay);
  relay.network.delay(60);
  const begun = performance.now();
  await a.space.push(text('slow')).durable('relay');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(118);
  relay.network.delay(0);
  await close(a, b);
});

test('silence: nothing gets through, and up() ends it', async ({ relay }) => {
  const [a, b] = await two(relay);
  relay.network.silence();
  a.space.push(text('lost with its connection'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(b.read).toEqual([]);
  expect(a.space.status.status).toBe('online');
  relay.network.up();
  relay.network.cut();
  await converged([a.space, b.space]);
  expect(b.read).toEqual(['lost with its connection']);
  await close(a, b);
});

test('drop: messages that never come are noticed', async ({ relay }) => {
  const [a, b] = await two(relay);
  relay.network.drop(0.5, 7);
  for (let i = 0; i < 20; i += 1) {
    a.space.push(text(String(i)));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until('a device noticed', () => a.findings.length + b.findings.length > 0);
  expect([...a.findings, ...b.findings].map(({ kind }) => kind)).toContain('omission');
  await close(a, b);
});

test('lies: an entry left out, one shown twice, and a log that is shorter than it was', async ({ relay }) => {
  for (const [lie, kind] of [['omit', 'omission'], ['replay', 'replayed_entry']] as const) {
    const [a, b] = await two(relay);
    a.space.goOffline();
    relay.network.lie(lie);
    for (let i = 0; i < 50 && b.findings.length === 0; i += 1) {
      b.space.push(text(String(i)));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await until(`${lie} is noticed`, () => b.findings.length > 0);
    expect(b.findings[0]).toMatchObject({ kind });
    await close(a, b);
  }
  const [a, b] = await two(relay);
  await a.space.push(text('kept')).durable('relay');
  const checkpoint = await relay.checkpoint();
  await a.space.push(text('rolled back')).durable('relay');
  await converged([a.space, b.space]);
  await relay.rollBack(checkpoint);
  await until('both notice', () => a.findings.length > 0 && b.findings.length > 0);
  expect([...a.findings, ...b.findings].every(({ kind, evidence }) => kind === 'rollback' && evidence.accuser === null)).toBe(true);
  await close(a, b);
});

test('a backup that is put back honestly accuses nobody, and loses nothing', async ({ relay }) => {
  const [a, b] = await two(relay);
  const resets: number[] = [];
  a.space.on('log-reset', ({ baseSize }) => resets.push(baseSize));
  await a.space.push(text('one')).durable('relay');
  const checkpoint = await relay.checkpoint();
  await a.space.push(text('two')).durable('relay');
  await converged([a.space, b.space]);
  await relay.restore(checkpoint);
  await until('the reset was followed', () => resets.length === 1);
  await converged([a.space, b.space]);
  expect(b.read).toEqual(['one', 'two']);
  expect([...a.findings, ...b.findings]).toEqual([]);
  await close(a, b);
});

test('the clock: timers run in order when it goes on, and not before', async ({ clock, relay }) => {
  const told: string[] = [];
  clock.after(20, () => told.push('b'));
  clock.after(10, () => {
    told.push('a');
    clock.after(5, () => told.push('a2'));
  });
  clock.after(20, () => told.push('c')).cancel();
  await clock.advance(9);
  expect(told).toEqual([]);
  await clock.advance(20);
  expect(told).toEqual(['a', 'a2', 'b']);
  expect(clock.timers).toBe(0);

  // A device whose time is the test's: it gives up on a silent relay when its clock says so.
  relay.network.silence();
  const space = await createSpace({ relay: relay.address, environment: clock, offline: true });
  const statuses: string[] = [];
  space.on('status', ({ status }) => statuses.push(status));
  space.goOnline();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(statuses).toEqual(['connecting']);
  await clock.advance(CONNECT_TIMEOUT_MS + 1);
  expect(statuses).toContain('offline');
  await space.close();
});

test('spaces that do not converge are described', async ({ relay }) => {
  const [a, b] = await two(relay);
  relay.network.down();
  a.space.push(text('never'));
  await expect(converged([a.space, b.space], { timeoutMs: 50 })).rejects.toThrow(/did not converge within 50 ms: [0-9a-f]{8} .*unsynced/);
  await close(a, b);
  expect(new FakeClock(5).now()).toBe(5);
});
