// An operator puts a backup back. With `relay log-reset` the devices learn of it and push again what the relay lost;
// without it they report a relay that rolled back.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSpace, MemoryDeviceStore, openSpace, type Misbehaviour, type Space, type SpaceEvents } from '../../src/client/node.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { CLI } from '../support/serve-process.js';
import { bytes, until } from '../support/test-space.js';

const TIMEOUT_MS = 60_000;
/** Jitter that brings a device back early in the span the relay asks for. */
const environment = { random: () => 0.1 };

interface Device {
  readonly space: Space;
  readonly texts: string[];
  readonly findings: Misbehaviour[];
  readonly resets: SpaceEvents['log-reset'][];
}

function logReset(dataDir: string): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [CLI, 'log-reset', '--data-dir', dataDir], { encoding: 'utf8' });
}

describe.skipIf(!productBuilt())('a restored backup (needs `npm run build`)', { timeout: TIMEOUT_MS }, () => {
  let dir: string;
  let data: string;
  let port: number;
  let relay: RelayProcess;
  const spaces: Space[] = [];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-restore-'));
    data = join(dir, 'data');
    port = await freePort();
    relay = await startRelay({ dataDir: data, port });
  });

  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function follow(space: Space): Device {
    const device: Device = { space, texts: [], findings: [], resets: [] };
    spaces.push(space);
    space.subscribe(({ items }) => device.texts.push(...items.map((item) => new TextDecoder().decode(item))));
    space.on('misbehaviour', (finding) => device.findings.push(finding));
    space.on('log-reset', (event) => device.resets.push(event));
    return device;
  }

  async function pushAll({ space }: Device, texts: readonly string[]): Promise<void> {
    const writes = texts.map((text) => space.push(bytes(text)));
    space.flush();
    for (const write of writes) await write.durable('relay');
  }

  /** Two devices that hold more than the relay does once its backup is back, and a third that was away; the relay is stopped. */
  async function restoreOlderBackup(): Promise<{ a: Device; b: Device; away: MemoryDeviceStore; all: string[] }> {
    const a = follow(await createSpace({ relay: relay.address, environment }));
    await a.space.whenSynced();
    const b = follow(await openSpace({ link: a.space.link ?? '', environment }));
    await pushAll(a, ['1', '2', '3']);
    await until('b reads what the backup holds', () => b.texts.length === 3);
    // A live device that has not acked is what makes the others keep their entries.
    const away = new MemoryDeviceStore();
    const phone = await openSpace({ link: a.space.link ?? '', storage: away });
    await phone.whenSynced();
    await phone.close();
    expect(await relay.stop()).toBe(0);
    cpSync(data, join(dir, 'backup'), { recursive: true });
    relay = await startRelay({ dataDir: data, port });
    await pushAll(a, ['4', '5']);
    await pushAll(b, ['6', '7', '8']);
    await until('both read what the backup lacks', () => a.texts.length === 8 && b.texts.length === 8);
    expect(await relay.stop()).toBe(0);
    rmSync(data, { recursive: true });
    cpSync(join(dir, 'backup'), data, { recursive: true });
    return { a, b, away, all: ['1', '2', '3', '4', '5', '6', '7', '8'] };
  }

  it('is survived by the devices after a log reset: they say so, push again, and nothing is lost or doubled', async () => {
    const { a, b, away, all } = await restoreOlderBackup();
    const reset = logReset(data);
    expect({ status: reset.status, stderr: reset.stderr }).toEqual({ status: 0, stderr: '' });
    expect(reset.stdout).toMatch(/data: 1 space begins log epoch \d+; epoch \d+ has ended\.\nStart the relay now\./);
    relay = await startRelay({ dataDir: data, port });
    await until('both devices report the reset', () => a.resets.length === 1 && b.resets.length === 1, TIMEOUT_MS / 2);
    await until('both pushed again', () => !a.space.hasUnsyncedChanges && !b.space.hasUnsyncedChanges);
    const late = follow(await openSpace({ link: a.space.link ?? '', environment }));
    await until('a new device reads everything', () => late.texts.length >= all.length);
    const phone = follow(await openSpace({ storage: away }));
    await until('the device that was away reads what it had not', () => phone.texts.length >= 5);
    await pushAll(late, ['9']);
    await until('all go on', () => [a, b, late, phone].every(({ texts }) => texts.includes('9')));
    for (const { texts } of [a, b, late]) expect(texts.toSorted()).toEqual([...all, '9']);
    expect(phone.texts.toSorted()).toEqual(['4', '5', '6', '7', '8', '9']);
    expect(phone.resets).toHaveLength(1);
    for (const { findings } of [a, b, late, phone]) expect(findings).toEqual([]);
  });

  it('is reported as a rollback without a log reset', async () => {
    const { a, b } = await restoreOlderBackup();
    relay = await startRelay({ dataDir: data, port });
    await until('both devices report the rollback', () => a.findings.length > 0 && b.findings.length > 0, TIMEOUT_MS / 2);
    for (const { findings, resets } of [a, b]) {
      expect(findings[0]?.kind).toBe('rollback');
      expect(resets).toEqual([]);
    }
  });

  it('is not reset while a relay holds it, nor where no relay was', async () => {
    const held = logReset(data);
    expect(held.status).toBe(1);
    expect(held.stderr).toMatch(/data is in use by the relay with process id \d+\. Stop it, or choose another directory\.\n$/);
    const empty = join(dir, 'empty');
    mkdirSync(empty);
    expect(logReset(empty)).toMatchObject({ status: 1, stderr: expect.stringContaining('is not the data directory of a relay. Name the one') });
    expect(readdirSync(empty)).toEqual([]);
    expect(logReset(join(dir, 'missing')).stderr).toMatch(/missing.*\. [A-Z].*\.\n$/);
    await relay.stop();
    expect(logReset(data)).toMatchObject({ status: 0, stdout: expect.stringMatching(/data holds no space\. Log epoch \d+ begins/) });
  });
});
