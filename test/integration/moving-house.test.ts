// A space moves from one relay to another: exported, checked, imported; its devices go on with the new address and lose nothing.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSpace, MemoryDeviceStore, openSpace, type Misbehaviour, type OpenSpaceOptions, type Space, type SpaceEvents } from '../../src/client/node.js';
import { erasing, type ErasingCalls } from '../../src/client/erasing/index.js';
import { snapshots, type SnapshotCalls } from '../../src/client/snapshots/index.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { CLI } from '../support/serve-process.js';
import { bytes, until } from '../support/test-space.js';

const TIMEOUT_MS = 60_000;
const environment = { random: () => 0.1 };

type MovingSpace = Space & ErasingCalls & SnapshotCalls;

/** One device through all its lives. */
class Device {
  readonly storage = new MemoryDeviceStore();
  readonly texts: string[] = [];
  readonly findings: Misbehaviour[] = [];
  readonly errors: string[] = [];
  readonly moves: SpaceEvents['moved'][] = [];
  space!: MovingSpace;

  readonly snapshot = {
    create: () => bytes(JSON.stringify(this.texts)),
    load: (state: Uint8Array) => {
      const texts: string[] = JSON.parse(new TextDecoder().decode(state));
      for (const text of texts) if (!this.texts.includes(text)) this.texts.push(text);
    },
  };

  async live(opened: Promise<MovingSpace>): Promise<MovingSpace> {
    this.space = await opened;
    this.space.subscribe(({ items }) => this.texts.push(...items.map((item) => new TextDecoder().decode(item))));
    this.space.on('misbehaviour', (finding) => this.findings.push(finding));
    this.space.on('error', (error) => this.errors.push(`${error.code}: ${error.message}`));
    this.space.on('moved', (event) => this.moves.push(event));
    return this.space;
  }

  create(relay: string): Promise<MovingSpace> {
    return this.live(createSpace({ relay, environment, storage: this.storage, parts: [erasing, snapshots(this.snapshot)] }));
  }

  open(options: Pick<OpenSpaceOptions, 'link' | 'relay' | 'offline'>): Promise<MovingSpace> {
    return this.live(openSpace({ ...options, environment, storage: this.storage, parts: [erasing, snapshots(this.snapshot)] }));
  }

  async push(...texts: readonly string[]): Promise<void> {
    for (const text of texts) await this.space.push(bytes(text)).durable('relay');
  }
}

describe.skipIf(!productBuilt())('moving house (needs `npm run build`)', { timeout: TIMEOUT_MS }, () => {
  let dir: string;
  let [old, next]: RelayProcess[] = [];
  let [oldAdmin, nextAdmin] = [0, 0];
  const devices: Device[] = [];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-moving-'));
    [oldAdmin, nextAdmin] = [await freePort(), await freePort()];
    old = await startRelay({ dataDir: join(dir, 'old'), port: await freePort(), adminPort: oldAdmin });
    next = await startRelay({ dataDir: join(dir, 'next'), port: await freePort(), adminPort: nextAdmin });
  });

  afterEach(async () => {
    for (const { space } of devices) await space.close();
    const told = devices.splice(0).flatMap(({ findings, errors }) => [...findings, ...errors]);
    await old?.stop();
    await next?.stop();
    rmSync(dir, { recursive: true, force: true });
    expect(told).toEqual([]);
  });

  const device = (): Device => {
    const made = new Device();
    devices.push(made);
    return made;
  };
  const relay = (house: 'old' | 'next', ...args: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', cwd: dir, env: { ...process.env, RELAY_DATA_DIR: join(dir, house) } });
  const exported = (space: { readonly id: string }, name = 'space.srspace'): SpawnSyncReturns<string> =>
    relay('old', 'space', 'export', space.id, '--out', name, '--url', `http://127.0.0.1:${oldAdmin}`, '--json');
  const imported = (name = 'space.srspace'): SpawnSyncReturns<string> => relay('next', 'space', 'import', name, '--url', `http://127.0.0.1:${nextAdmin}`);

  it('loses nothing: neither what a device had not pushed, nor what the old relay got after the export', async () => {
    const [a, b, c] = [device(), device(), device()];
    await a.create(old?.address ?? '');
    await a.push('1', '2', '3');
    await b.open({ link: a.space.link ?? '' });
    await until('b reads', () => b.texts.length === 3);
    await b.push('4');
    await until('a reads', () => a.texts.length === 4);
    b.space.goOffline();
    b.space.push(bytes('from b, never pushed'));
    b.space.flush();
    const { status, stdout, stderr } = exported(a.space);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ entries: 4, floor: 1, size: 4, headIsProven: true, devices: 2 });
    await a.push('after the export');
    await until('a has it in its log', () => a.space.size === 5);
    expect(exported(a.space)).toMatchObject({ status: 1, stderr: expect.stringContaining('is there already') });

    expect(imported()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^4 entries/) });
    expect(imported()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^4 entries are in the relay, 0 of them new/) });
    await a.space.close();
    await b.space.close();
    await old?.stop();

    await a.open({ relay: next?.address ?? '' });
    const link = a.space.link ?? '';
    expect(link).toContain(`#k=${/#k=(.*)$/.exec(next?.address ?? '')?.[1] ?? 'none'}&`);
    await b.open({ link });
    await Promise.all([a.space.whenSynced(), b.space.whenSynced()]);
    const all = ['1', '2', '3', '4', 'after the export', 'from b, never pushed'];
    await until('both have all', () => [a, b].every(({ texts }) => texts.length === all.length));
    for (const { texts } of [a, b]) expect(texts.toSorted()).toEqual(all.toSorted());
    // What a pushed after the export the new log could not show yet: a reads it from the beginning.
    expect(a.moves).toEqual([{ size: 0, verified: false }]);
    expect(b.moves).toEqual([{ size: 4, verified: true }]);

    await c.open({ link });
    await c.space.whenSynced();
    expect(c.texts.toSorted()).toEqual(all.toSorted());
    await c.push('from c');
    await until('all go on', () => a.texts.includes('from c') && b.texts.includes('from c'));
  });

  it('is noticed by a device when the new relay holds another history than it verified', async () => {
    const [a, b] = [device(), new Device()];
    await a.create(old?.address ?? '');
    await a.push('1', '2');
    await b.open({ link: a.space.link ?? '' });
    await b.space.whenSynced();
    expect(exported(a.space).status).toBe(0);
    expect(imported().status).toBe(0);
    await b.space.close();
    const state = await b.storage.load();
    const tree = state?.log?.tree;
    if (state === null || state.log === null || tree === undefined) throw new Error('the device stored nothing');
    // As if it had verified other entries at the old relay.
    const range = tree.range.map((hash) => hash.map((byte) => byte ^ 1));
    await b.storage.save({ ...state, log: { ...state.log, tree: { ...tree, range } } });
    await b.open({ relay: next?.address ?? '' });
    await until('b notices', () => b.findings.length > 0);
    expect(b.findings).toMatchObject([{ kind: 'fork', detail: expect.stringContaining('another history up to 2') }]);
    expect(b.moves).toEqual([]);
    await b.space.close();
  });

  it('takes history along that was forgotten: old devices prove it, new ones start from the snapshot of the old house', async () => {
    const [a, b, c] = [device(), device(), device()];
    await a.create(old?.address ?? '');
    await a.push('1', '2', '3');
    await b.open({ link: a.space.link ?? '' });
    await until('b reads', () => b.texts.length === 3);
    await until('a is acked', () => a.space.size === 3);
    await a.space.snapshot();
    // Refused until the other device acked as much.
    for (let tries = 0; !(await a.space.purge().then(() => true, () => tries > 100)); tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
    await a.push('4');
    await until('b reads on', () => b.texts.length === 4);
    const report: Record<string, unknown> = JSON.parse(exported(a.space).stdout);
    expect(report).toMatchObject({ entries: 1, floor: 4, size: 4, leavesFrom: 1, headIsProven: true, snapshotSize: 3 });
    expect(imported().status).toBe(0);
    await Promise.all([a.space.close(), b.space.close()]);
    await old?.stop();
    await a.open({ relay: next?.address ?? '' });
    await b.open({ relay: next?.address ?? '' });
    await Promise.all([a.space.whenSynced(), b.space.whenSynced()]);
    expect([a.moves, b.moves]).toEqual([[{ size: 4, verified: true }], [{ size: 4, verified: true }]]);
    await b.push('5');
    await c.open({ link: a.space.link ?? '' });
    await c.space.whenSynced();
    await until('all have all', () => [a, b, c].every(({ texts }) => texts.toSorted().join() === '1,2,3,4,5'));
  });

  it('refuses a file in which a byte was changed, and leaves nothing of it', async () => {
    const a = device();
    await a.create(old?.address ?? '');
    await a.push('1');
    expect(exported(a.space).status).toBe(0);
    const path = join(dir, 'space.srspace');
    const good = readFileSync(path);
    expect(relay('old', 'space', 'verify', path)).toMatchObject({ status: 0, stdout: expect.stringContaining('head      signed by the relay, and made by these entries') });
    good[good.length >> 1] = (good[good.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, good);
    expect(relay('old', 'space', 'verify', path).status).toBe(1);
    const refused = imported();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^relay: the relay refused: section \d+: /);
    expect(existsSync(join(dir, 'next', 'moving')) ? readdirSync(join(dir, 'next', 'moving')) : []).toEqual([]);
    expect(exported({ id: 'f'.repeat(64) }, 'none.srspace')).toMatchObject({ status: 1, stderr: expect.stringContaining('the space is not known') });
    const audit: { entries: { action: string; outcome: string }[] } = JSON.parse(relay('next', 'audit', 'show', '--json').stdout);
    expect(audit.entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual(expect.arrayContaining(['relay.started done', 'space.imported refused']));
  });
});
