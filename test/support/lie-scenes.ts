// Each lie, one at a time, and the finding it deserves: played with a lying relay in memory and with one in its own process.
import { afterEach, expect, test } from 'vitest';
import { decodeAttestation } from '../../src/client/log/encode-attestation.js';
import { MemoryDeviceStore } from '../../src/client/store/device-store.js';
import type { SnapshotHandler } from '../../src/client/space/space-options.js';
import type { Lie } from './lying-relay.js';
import { ManualNetwork } from './manual-network.js';
import { bytes, createDevice, kinds, openDevice, until } from './test-space.js';
import type { RelayUnderTest, TestDevice } from './test-space.js';

/** A lying relay, wherever it runs. */
export interface LyingHost extends RelayUnderTest {
  /** The lie begins; `device` says to whom, where it is for one. */
  begin(device?: string): Promise<void>;
  /** Ends all connections. */
  crash(): Promise<void>;
  end(): Promise<void>;
}

export type StartLiar = (lie: Lie, heartbeatMs: number) => Promise<LyingHost>;

interface Scene {
  readonly relay: LyingHost;
  readonly a: TestDevice;
  readonly b: TestDevice;
  /** B asks the relay for a sign of life, and waits until that holds. */
  readonly bAsksUntil: (what: string, reached: () => boolean) => Promise<void>;
}

const HEARTBEAT_MS = 30_000;
/** For what only heartbeats show; a connection is given up after two of them in silence, so a busy machine must not be silent that long. */
const HEARTBEAT_MS_SHORT = 250;

const POLLS_PER_QUESTION = 4;

/** Registers the tests. */
export function lieScenes(start: StartLiar): void {
  const devices: TestDevice[] = [];
  const hosts: LyingHost[] = [];

  afterEach(async () => {
    for (const device of devices.splice(0)) await device.space.close();
    for (const host of hosts.splice(0)) await host.end();
  });

  async function host(lie: Lie, heartbeatMs = HEARTBEAT_MS): Promise<LyingHost> {
    const started = await start(lie, heartbeatMs);
    hosts.push(started);
    return started;
  }

  async function device(opened: Promise<TestDevice>): Promise<TestDevice> {
    const ready = await opened;
    devices.push(ready);
    return ready;
  }

  /** Two devices that read the same three entries from a relay that is still honest. */
  async function scene(lie: Lie, heartbeatMs?: number, snapshot?: SnapshotHandler): Promise<Scene> {
    const relay = await host(lie, heartbeatMs);
    const handler = snapshot === undefined ? {} : { snapshot };
    const a = await device(createDevice(relay, handler));
    for (const text of ['one', 'two', 'three']) await a.space.push(bytes(text)).durable('relay');
    await a.space.whenSynced();
    const network = new ManualNetwork();
    const b = await device(openDevice(relay, a.space.link, { storage: new MemoryDeviceStore(), environment: { network }, ...handler }));
    await b.space.whenSynced();
    await until('b acked', () => a.told.ack === 1);
    expect([...kinds(a), ...kinds(b)]).toEqual([]);
    let asked = 0;
    const bAsksUntil = (what: string, reached: () => boolean): Promise<void> =>
      until(what, () => {
        if (asked++ % POLLS_PER_QUESTION === 0) network.tell('back');
        return reached();
      });
    return { relay, a, b, bAsksUntil };
  }

  /** B is away while A pushes three entries; then the lie begins and B comes back. */
  async function comeBackTo(lie: Lie, heartbeatMs?: number): Promise<Pick<Scene, 'b'>> {
    const { relay, a, b } = await scene(lie, heartbeatMs);
    b.space.goOffline();
    for (const text of ['four', 'five', 'six']) await a.space.push(bytes(text)).durable('relay');
    await relay.begin();
    b.space.goOnline();
    await until('b noticed', () => b.findings.length > 0);
    return { b };
  }

  test('omit: a missing entry', async () => {
    const { b } = await comeBackTo('omit');
    expectFinding(b, 'omission');
    expect(b.space.status).toMatchObject({ status: 'failed', error: { code: 'relay_misbehaved' } });
  });

  test('reorder: entries in another order', async () => {
    const { b } = await comeBackTo('reorder');
    expectFinding(b, 'reorder');
  });

  test('replay: an entry shown twice', async () => {
    const { b } = await comeBackTo('replay');
    expectFinding(b, 'replayed_entry');
  });

  test('forged-head: a signed head that the entries do not make', async () => {
    const { b } = await comeBackTo('forged-head');
    expectFinding(b, 'fork');
    expect(b.findings[0]!.evidence.attestations.length).toBeGreaterThan(0);
  });

  test('rollback: a log that is shorter than it was', async () => {
    const { relay, a, b } = await scene('rollback');
    await relay.begin();
    await relay.crash();
    await until('both noticed', () => a.findings.length > 0 && b.findings.length > 0);
    expectFinding(a, 'rollback');
    expectFinding(b, 'rollback');
    expect(a.findings[0]!.evidence.attestations).toHaveLength(2);
  });

  test('rollback: noticed also after the device was restarted', async () => {
    const relay = await host('rollback');
    const storage = new MemoryDeviceStore();
    const a = await createDevice(relay, { storage });
    for (const text of ['one', 'two']) await a.space.push(bytes(text)).durable('relay');
    await a.space.whenSynced();
    await a.space.close();
    await relay.begin();
    const again = await device(openDevice(relay, null, { storage }));
    await until('noticed', () => again.findings.length > 0);
    expectFinding(again, 'rollback');
  });

  test('fork: two devices are shown two logs, and their acks tell', async () => {
    const { relay, a, b } = await scene('fork');
    await relay.begin(b.space.device);
    a.space.push(bytes('only for a'));
    b.space.push(bytes('only for b'));
    await until('both noticed', () => a.findings.length > 0 && b.findings.length > 0);
    expectFinding(a, 'fork');
    expectFinding(b, 'fork');
    expect(a.findings[0]!.evidence.accuser).not.toBeNull();
  });

  test('fork: comparing heads proves it by the relay’s own signatures', async () => {
    const { relay, a, b } = await scene('fork');
    await relay.begin(b.space.device);
    await Promise.all([a.space.push(bytes('x')).durable('relay'), b.space.push(bytes('y')).durable('relay')]);
    await until('both verified', () => a.space.size === 4 && b.space.size === 4);
    await Promise.all([a.space.whenSynced(), b.space.whenSynced()]);
    const check = await b.space.checkHead(a.space.head()!);
    expect(check).toMatchObject({ verdict: 'misbehaviour', finding: { kind: 'fork', evidence: { accuser: null } } });
  });

  test('freeze: a device is kept on an old state', async () => {
    const { relay, a, b, bAsksUntil } = await scene('freeze');
    await relay.begin(b.space.device);
    await a.space.push(bytes('hidden from b')).durable('relay');
    await a.space.whenSynced();
    const head = a.space.head()!;
    expect(kinds(b)).toEqual([]);
    const timeOf = (shown: Uint8Array): number => decodeAttestation(shown).time;
    await bAsksUntil('b is shown the old state as that of a later time', () => timeOf(b.space.head()!) > timeOf(head));
    const check = await b.space.checkHead(head);
    expect(check).toMatchObject({ verdict: 'misbehaviour', finding: { kind: 'freeze' } });
    expectFinding(b, 'freeze');
    expect(b.findings[0]!.evidence.attestations).toHaveLength(2);
  });

  test('ack-without-storing: a receipt for an entry that is nowhere', async () => {
    const { relay, a, b } = await scene('ack-without-storing');
    await relay.begin();
    const lost = a.space.push(bytes('lost'));
    await lost.durable('relay');
    b.space.push(bytes('in its place'));
    await until('a noticed', () => a.findings.length > 0);
    expectFinding(a, 'receipt_broken');
    expect(lost.seenBy).toEqual([]);
  });

  test.each(['false-cursor-expired', 'forget-early'] as const)('%s: a cursor that is not expired', async (lie) => {
    const { relay, a, b } = await scene(lie);
    b.space.goOffline();
    await a.space.push(bytes('four')).durable('relay');
    await relay.begin();
    b.space.goOnline();
    await until('b noticed', () => b.findings.length > 0);
    expectFinding(b, 'false_cursor_expired');
  });

  test('old-roster: the one from before a device was removed', async () => {
    const { relay, a, b } = await scene('old-roster');
    const c = await device(openDevice(relay, a.space.link));
    await c.space.whenSynced();
    await relay.begin();
    await a.space.removeDevice(c.space.device);
    await until('b knows', () => b.space.devices().length === 2);
    await relay.crash();
    await until('both noticed', () => a.findings.length > 0 && b.findings.length > 0);
    expectFinding(a, 'roster_rollback');
    expectFinding(b, 'roster_rollback');
  });

  test('old-roster: a link that pins a newer one is not opened', async () => {
    const { relay, a } = await scene('old-roster');
    await relay.begin();
    await device(openDevice(relay, a.space.link));
    await until('a knows', () => a.space.devices().length === 3);
    await expect(openDevice(relay, a.space.link)).rejects.toMatchObject({ code: 'relay_misbehaved' });
  });

  test('withhold-tail: more is signed than is handed out', async () => {
    const { b } = await comeBackTo('withhold-tail', HEARTBEAT_MS_SHORT);
    expectFinding(b, 'omission');
    expect(b.space.size).toBe(4);
  });

  test('stale-pong: the attested time stands still', async () => {
    const { relay, b } = await scene('stale-pong', HEARTBEAT_MS_SHORT);
    await relay.begin();
    await until('b noticed', () => b.findings.length > 0);
    expectFinding(b, 'freeze');
    expect(b.findings[0]!.detail).toContain('stands still');
  });

  test('hide-roster: an entry names a roster that is not shown', async () => {
    const { relay, a, b, bAsksUntil } = await scene('hide-roster');
    await relay.begin(b.space.device);
    await device(openDevice(relay, a.space.link));
    await until('a knows', () => a.space.devices().length === 3);
    await a.space.push(bytes('names the new roster')).durable('relay');
    await bAsksUntil('b noticed', () => b.findings.length > 0);
    expectFinding(b, 'roster_rollback');
    expect(Buffer.from(b.findings[0]!.evidence.accuser!).toString('hex')).toBe(a.space.device);
    expect(b.space.status.status).toBe('online');
  });

  test('other-keyring: not the one the roster names', async () => {
    const { relay, a, b } = await scene('other-keyring');
    await relay.begin(b.space.device);
    await device(openDevice(relay, a.space.link));
    await until('b noticed', () => b.findings.length > 0);
    expectFinding(b, 'keyring_conflict');
    expect(b.findings[0]!.evidence.accuser).toBeNull();
  });

  test('withhold-leaves: history is gone and not proved', async () => {
    const snapshot = { create: () => bytes('state'), load: () => undefined };
    const { relay, a, b } = await scene('withhold-leaves', HEARTBEAT_MS, snapshot);
    b.space.goOffline();
    for (const text of ['four', 'five']) await a.space.push(bytes(text)).durable('relay');
    await a.space.whenSynced();
    await a.space.snapshot();
    await relay.begin();
    b.space.goOnline();
    await until('b noticed', () => b.findings.length > 0);
    expectFinding(b, 'history_withheld');
  });

  test.each([
    ['short-policy', 'policy_shortened'],
    ['fast-clock', 'relay_clock'],
  ] as const)('%s: a warning, and no finding', async (lie, warning) => {
    const { relay, b } = await scene(lie);
    expect(b.warnings).toEqual([]);
    await relay.begin();
    await relay.crash();
    await until('b was warned', () => b.warnings.length > 0);
    expect(b.warnings).toEqual([warning]);
    expect(b.findings).toEqual([]);
  });

  test('high-water: entries this device never made', async () => {
    const { relay, a } = await scene('high-water');
    await relay.begin();
    await relay.crash();
    await until('a noticed', () => a.findings.length > 0);
    expectFinding(a, 'push_seq_mismatch');
  });

  test('false-duplicate: a push called a duplicate that is nowhere', async () => {
    const { relay, a } = await scene('false-duplicate');
    await relay.begin();
    const lost = a.space.push(bytes('lost'));
    await until('a noticed', () => a.findings.length > 0);
    expectFinding(a, 'receipt_broken');
    expect(lost.state).toBe('queued');
  });

  test('foreign-push: an entry its device did not make is not handed on', async () => {
    const { relay, a, b } = await scene('foreign-push');
    b.space.goOffline();
    await relay.begin(a.space.device);
    b.space.goOnline();
    await until('b rejected it', () => b.told['entry-rejected'] === 1);
    expect(b.texts()).toHaveLength(3);
  });
}

function expectFinding(device: TestDevice, kind: string): void {
  expect(kinds(device)).toEqual([kind]);
  const { evidence } = device.findings[0]!;
  const proofs = [...evidence.attestations, ...evidence.frames];
  expect(proofs.length).toBeGreaterThan(0);
  expect(proofs.every((proof) => proof.length > 0)).toBe(true);
}
