// Erasing a space: by an admin through the SDK, and by the operator through the addon; what its devices are told.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { createSpace, openSpace } from '../../src/client/node.js';
import { erasing } from '../../src/client/erasing/index.js';
import type { ErasingCalls } from '../../src/client/erasing/index.js';
import type { ErasedEvent, Space } from '../../src/client/node.js';
import { loadConfig } from '../../src/config/load.js';
import { startRelayPort } from '../../src/native/addon.js';
import { toCoreConfig } from '../../src/server/core-config.js';
import { DATA_PLANE_ROUTES } from '../../src/server/data-plane-routes.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

const dir = mkdtempSync(join(tmpdir(), 'sealrelay-erasure-'));
const spaces: Space[] = [];

afterEach(async () => {
  for (const space of spaces.splice(0)) await space.close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A space with two devices and one entry, and what each is told of its end. */
async function pair(address: string): Promise<{ readonly admin: Space & ErasingCalls; readonly other: Space & ErasingCalls; readonly told: ErasedEvent[][] }> {
  const admin = await createSpace({ relay: address, parts: [erasing] });
  spaces.push(admin);
  await admin.push(bytes('hello')).durable('relay');
  const other = await openSpace({ link: admin.link!, parts: [erasing] });
  spaces.push(other);
  await other.whenSynced();
  const told: ErasedEvent[][] = [[], []];
  [admin, other].forEach((space, i) => space.on('erased', (event) => told[i]!.push(event)));
  return { admin, other, told };
}

describe.skipIf(!productBuilt())('erasing a space by the SDK (skipped unless the product is built)', () => {
  let relay: RelayProcess;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    relay = await startRelay({ dataDir: join(dir, 'sdk'), port });
  });
  afterAll(async () => {
    await relay.stop();
  });

  test('both devices are told by whom, and stay told after a restart', async () => {
    const { admin, other, told } = await pair(relay.address);
    await admin.erase();
    await until('both are told', () => told.every((events) => events.length === 1));
    for (const [event] of told) expect(event).toMatchObject({ reason: 'signed', by: admin.device, verified: true });
    expect(told[0]![0]!.done).toBe(true);
    await until('both have failed', () => admin.status.status === 'failed' && other.status.status === 'failed');
    expect(other.status.error?.code).toBe('space_erased');
    await relay.kill();
    relay = await startRelay({ dataDir: join(dir, 'sdk'), port });
    other.goOnline();
    await until('the other is told again', () => told[1]!.length === 2);
    expect(told[1]![1]).toMatchObject({ reason: 'signed', verified: true, done: true });
    const late = await openSpace({ link: admin.link!, offline: true }).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: 'space_erased' });
  });

  test('a purge lets everything up to a size go, and nobody is accused', async () => {
    const { admin, other } = await pair(relay.address);
    const findings: string[] = [];
    for (const space of [admin, other]) space.on('misbehaviour', ({ kind }) => findings.push(kind));
    await admin.push(bytes('second')).durable('device');
    const size = await admin.purge({ upToSize: 1 });
    expect(size).toBe(1);
    await admin.push(bytes('third')).durable('device');
    expect(await admin.purge()).toBe(3);
    await other.push(bytes('fourth')).durable('relay');
    await until('the admin reads on', () => admin.size === 4);
    await expect(admin.purge({ upToSize: 9 })).rejects.toMatchObject({ code: 'bad_option' });
    other.goOffline();
    other.goOnline();
    await other.whenSynced();
    expect(findings).toEqual([]);
  });

  test('a device without admin rights may not', async () => {
    const { admin, other } = await pair(relay.address);
    await admin.removeDevice(other.device);
    await until('it is out', () => other.status.status === 'failed');
    await expect(other.erase()).rejects.toMatchObject({ code: 'offline' });
    await admin.push(bytes('goes on')).durable('relay');
  });
});

describe('erasing a space by the operator', () => {
  it('tells its devices that it was the operator, and refuses what is no space', async () => {
    const { config } = loadConfig(['--port', '0', '--admin.port', 'off', '--data-dir', join(dir, 'operator'), '--drain-time', '1s'], {});
    const core = { ...toCoreConfig(config, DATA_PLANE_ROUTES, { socketPath: '/nowhere', secret: 'x' }), controlPlane: null };
    const relay = await startRelayPort(core, () => undefined);
    try {
      const { port, logId } = relay.info();
      const { admin, told } = await pair(`sealrelay://127.0.0.1:${port}/#k=${logId}`);
      await relay.eraseSpace(admin.id);
      await until('both are told', () => told.every((events) => events.length === 1));
      for (const [event] of told) expect(event).toMatchObject({ reason: 'operator', by: null, verified: false });
      await relay.eraseSpace(admin.id);
      expect(relay.stats()).toMatchObject({ spacesErasedTotal: 1 });
      await expect(relay.eraseSpace('00'.repeat(32))).rejects.toMatchObject({ code: 'space_unknown' });
      await expect(relay.eraseSpace('no id')).rejects.toMatchObject({ code: 'space_id_invalid' });
    } finally {
      await relay.stop({ drainMs: 500 });
    }
  });
});
