// Each lie, one at a time: exactly the finding it deserves, with evidence. The honest scenarios are in sync.test.ts.
import { afterEach, expect, test } from 'vitest';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import { LyingRelay } from '../../support/lying-relay.js';
import type { Lie } from '../../support/lying-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const devices: TestDevice[] = [];

afterEach(async () => {
  for (const device of devices.splice(0)) await device.space.close();
});

interface Scene {
  readonly relay: LyingRelay;
  readonly a: TestDevice;
  readonly b: TestDevice;
}

/** Two devices that read the same three entries. */
async function scene(options: { readonly heartbeatMs?: number } = {}): Promise<Scene> {
  const relay = await new LyingRelay(options).start();
  const a = await createDevice(relay);
  devices.push(a);
  for (const text of ['one', 'two', 'three']) await a.space.push(bytes(text)).durable('relay');
  await a.space.whenSynced();
  const b = await openDevice(relay, a.space.link, { storage: new MemoryDeviceStore() });
  devices.push(b);
  await b.space.whenSynced();
  await until('b acked', () => a.told.ack === 1);
  expect([...kinds(a), ...kinds(b)]).toEqual([]);
  return { relay, a, b };
}

function expectFinding(device: TestDevice, kind: string): void {
  expect(kinds(device)).toEqual([kind]);
  const { evidence } = device.findings[0]!;
  expect(evidence.attestations.length + evidence.frames.length).toBeGreaterThan(0);
  expect([...evidence.attestations, ...evidence.frames].every((proof) => proof.length > 0)).toBe(true);
}

/** B is away while A pushes three entries; then the lie begins and B comes back. */
async function comeBackTo(lie: Lie): Promise<Scene> {
  const { relay, a, b } = await scene();
  b.space.goOffline();
  for (const text of ['four', 'five', 'six']) await a.space.push(bytes(text)).durable('relay');
  relay.begin(lie);
  b.space.goOnline();
  await until('b noticed', () => b.findings.length > 0);
  return { relay, a, b };
}

test('an omitted entry', async () => {
  const { b } = await comeBackTo('omit');
  expectFinding(b, 'omission');
  expect(b.space.status).toMatchObject({ status: 'failed', error: { code: 'relay_misbehaved' } });
});

test('entries in another order', async () => {
  const { b } = await comeBackTo('reorder');
  expectFinding(b, 'reorder');
});

test('a replayed entry', async () => {
  const { b } = await comeBackTo('replay');
  expectFinding(b, 'replayed_entry');
});

test('a signed head that the entries do not make', async () => {
  const { b } = await comeBackTo('forged-head');
  expectFinding(b, 'fork');
  expect(b.findings[0]!.evidence.attestations.length).toBeGreaterThan(0);
});

test('a log that is shorter than it was', async () => {
  const { relay, a, b } = await scene();
  relay.begin('rollback');
  relay.crash();
  await until('both noticed', () => a.findings.length > 0 && b.findings.length > 0);
  expectFinding(a, 'rollback');
  expectFinding(b, 'rollback');
  expect(a.findings[0]!.evidence.attestations).toHaveLength(2);
});

test('a rollback is noticed after the device was restarted', async () => {
  const relay = await new LyingRelay().start();
  const storage = new MemoryDeviceStore();
  const a = await createDevice(relay, { storage });
  for (const text of ['one', 'two']) await a.space.push(bytes(text)).durable('relay');
  await a.space.whenSynced();
  await a.space.close();
  relay.begin('rollback');
  const again = await openDevice(relay, null, { storage });
  devices.push(again);
  await until('noticed', () => again.findings.length > 0);
  expectFinding(again, 'rollback');
});

test('two devices that are shown two logs', async () => {
  const { relay, a, b } = await scene();
  relay.begin('fork', b.space.device);
  a.space.push(bytes('only for a'));
  b.space.push(bytes('only for b'));
  await until('somebody noticed', () => a.findings.length > 0 && b.findings.length > 0);
  expectFinding(a, 'fork');
  expectFinding(b, 'fork');
  expect(a.findings[0]!.evidence.accuser).not.toBeNull();
});

test('a fork that is found by comparing heads is proved by the relay’s own signatures', async () => {
  const { relay, a, b } = await scene();
  relay.begin('fork', b.space.device);
  const [x, y] = [a.space.push(bytes('x')), b.space.push(bytes('y'))];
  await Promise.all([x.durable('relay'), y.durable('relay')]);
  await until('both verified', () => a.space.size === 4 && b.space.size === 4);
  await until('heads', () => a.space.head() !== null && b.space.head() !== null);
  const check = await b.space.checkHead(a.space.head()!);
  expect(check).toMatchObject({ verdict: 'misbehaviour', finding: { kind: 'fork', evidence: { accuser: null } } });
});

test('a device that is kept on an old state', async () => {
  const { relay, a, b } = await scene({ heartbeatMs: 60 });
  relay.begin('freeze', b.space.device);
  await a.space.push(bytes('hidden from b')).durable('relay');
  await a.space.whenSynced();
  const head = a.space.head()!;
  expect(kinds(b)).toEqual([]);
  await new Promise((resolve) => {
    setTimeout(resolve, 200);
  });
  const check = await b.space.checkHead(head);
  expect(check).toMatchObject({ verdict: 'misbehaviour', finding: { kind: 'freeze' } });
  expectFinding(b, 'freeze');
  expect(b.findings[0]!.evidence.attestations).toHaveLength(2);
});

test('a receipt for an entry that was not stored', async () => {
  const { relay, a, b } = await scene();
  relay.begin('ack-without-storing');
  const lost = a.space.push(bytes('lost'));
  await lost.durable('relay');
  b.space.push(bytes('in its place'));
  await until('a noticed', () => a.findings.length > 0);
  expectFinding(a, 'receipt_broken');
  expect(lost.seenBy).toEqual([]);
});

test.each(['false-cursor-expired', 'forget-early'] as const)('%s', async (lie) => {
  const { relay, a, b } = await scene();
  b.space.goOffline();
  await a.space.push(bytes('four')).durable('relay');
  relay.begin(lie);
  b.space.goOnline();
  await until('b noticed', () => b.findings.length > 0);
  expectFinding(b, 'false_cursor_expired');
});

test('a roster from before a device was removed', async () => {
  const { relay, a, b } = await scene();
  const c = await openDevice(relay, a.space.link);
  devices.push(c);
  await c.space.whenSynced();
  relay.begin('old-roster');
  await a.space.removeDevice(c.space.device);
  await until('b knows', () => b.space.devices().length === 2);
  relay.crash();
  await until('both noticed', () => a.findings.length > 0 && b.findings.length > 0);
  expectFinding(a, 'roster_rollback');
  expectFinding(b, 'roster_rollback');
});

test('a link that pins a newer roster than the relay shows', async () => {
  const { relay, a } = await scene();
  relay.begin('old-roster');
  const c = await openDevice(relay, a.space.link);
  devices.push(c);
  await until('a knows', () => a.space.devices().length === 3);
  await expect(openDevice(relay, a.space.link)).rejects.toMatchObject({ code: 'relay_misbehaved' });
});
