// A full relay inside another program: several of them, changed and looked at while they run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSpace } from '../../src/client/node.js';
import { createRelay, type Config, type Relay } from '../../src/index.js';
import { productBuilt } from '../support/relay-process.js';
import { bytes } from '../support/test-space.js';

describe.skipIf(!productBuilt())('createRelay (needs `npm run build`)', () => {
  let dir: string;
  const relays: Relay[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-create-'));
  });
  afterEach(async () => {
    for (const relay of relays.splice(0)) await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(name: string, config: Partial<Config> = {}): Promise<Relay> {
    const relay = await createRelay({ config: { port: 0, 'admin.port': 0, 'data-dir': join(dir, name), ...config } });
    relays.push(relay);
    return relay;
  }

  it('runs several in one process, each with its own store, ports and figures', async () => {
    const [a, b] = [await start('a'), await start('b')];
    expect(a.port).not.toBe(b.port);
    const space = await createSpace({ relay: a.address });
    await space.push(bytes('hello')).durable('relay');
    await space.close();
    expect([a.stats()?.entriesTotal, b.stats()?.entriesTotal]).toEqual([1, 0]);
    const metrics = await (await fetch(`http://127.0.0.1:${a.admin?.port}/metrics`)).text();
    expect(metrics).toContain('relay_store_entries_total 1');
    await a.stop();
    expect([a.stats(), (await fetch(`http://127.0.0.1:${b.port}/health/live`)).status]).toEqual([null, 200]);
  });

  it('applies what can change, says what cannot, and keeps what runs when something is wrong', async () => {
    const relay = await start('a');
    expect(await relay.reload({ region: 'eu', workers: 3 })).toEqual({ error: null, applied: ['region'], needRestart: ['workers'] });
    expect(await (await fetch(`http://127.0.0.1:${relay.port}/health`)).json()).toMatchObject({ region: 'eu' });
    await expect(relay.reload({ 'drain-time': -1 })).rejects.toMatchObject({ code: 'config_invalid' });
    expect(await relay.reload({})).toMatchObject({ applied: [], needRestart: ['workers'] });
  });

  it('refuses a wrong option by name', async () => {
    await expect(start('a', { 'limits.connections-max': 0 })).rejects.toThrow('limits.connections-max');
  });
});
