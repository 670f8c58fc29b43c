// What the operator sees of real spaces through the admin API: counts that are true, pseudonyms that stay, and no id anywhere.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSpace, openSpace, type ErasedEvent, type Space } from '../../src/client/node.js';
import { readLocalToken } from '../../src/server/admin-auth/local-token.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { CLI } from '../support/serve-process.js';
import { bytes, until } from '../support/test-space.js';

interface Row {
  readonly pseudonym: string;
  readonly entries: number;
  readonly sealedBytes: number;
  readonly devices: number;
  readonly connections: number;
  readonly resident: boolean;
}

describe.skipIf(!productBuilt())('the admin API over real spaces (skipped unless the product is built)', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sealrelay-admin-'));
  const spaces: Space[] = [];
  let relay: RelayProcess;
  let port: number;
  let adminPort: number;

  beforeAll(async () => {
    [port, adminPort] = [await freePort(), await freePort()];
    relay = await startRelay({ dataDir, port, adminPort });
  });
  afterAll(async () => {
    for (const space of spaces) await space.close();
    await relay.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function api(path: string, method = 'GET'): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`http://127.0.0.1:${adminPort}/admin/api/${path}`, { method, headers: { authorization: `Bearer ${await readLocalToken(dataDir)}` } });
    return { status: response.status, text: await response.text() };
  }

  async function list(): Promise<Row[]> {
    const { spaces: rows }: { spaces: Row[] } = JSON.parse((await api('spaces')).text);
    return rows;
  }

  it('counts what is stored and who is there, under names that are no ids', { timeout: 60_000 }, async () => {
    const admin = await createSpace({ relay: relay.address, batchWindowMs: 0 });
    spaces.push(admin);
    for (let n = 0; n < 3; n += 1) await admin.push(bytes('a word that nobody may read')).durable('relay');
    const other = await openSpace({ link: admin.link! });
    spaces.push(other);
    await other.whenSynced();
    const lone = await createSpace({ relay: relay.address });
    spaces.push(lone);
    await lone.whenSynced();

    const rows = await list();
    expect(rows.map(({ entries }) => entries).toSorted()).toEqual([0, 3]);
    const busy = rows.find(({ entries }) => entries === 3)!;
    expect(busy).toMatchObject({ devices: 2, connections: 2, resident: true });
    expect(busy.sealedBytes).toBeGreaterThan(100);
    const detail = await api(`spaces/${busy.pseudonym}`);
    expect(JSON.parse(detail.text)).toMatchObject({ devices: [{ lag: expect.any(Number) }, { rights: expect.stringMatching(/admin|write/) }] });
    const sample = await api(`sample?space=${busy.pseudonym}`);
    const page = await api('spaces?limit=1');
    const { next }: { next: string } = JSON.parse(page.text);
    const rest: { spaces: Row[] } = JSON.parse((await api(`spaces?limit=1&after=${next}`)).text);
    expect(rest.spaces.map(({ pseudonym }) => pseudonym)).toEqual([rows[1]!.pseudonym]);

    const said = [JSON.stringify(rows), detail.text, sample.text, page.text, (await api('slow-readers')).text].join('\n');
    for (const space of spaces) {
      for (const id of [space.id, space.device]) {
        const raw = Buffer.from(id, /^[0-9a-f]{64}$/.test(id) ? 'hex' : 'base64url');
        expect(raw).toHaveLength(32);
        for (const written of [raw.toString('hex'), raw.toString('base64'), raw.toString('base64url')]) expect(said).not.toContain(written);
      }
    }
    for (const written of ['hex', 'base64'] as const) expect(said).not.toContain(Buffer.from('nobody may read').toString(written).slice(0, 16));
    const { sample: record }: { sample: { fields: { name: string; hex: string | null }[] } } = JSON.parse(sample.text);
    expect(record.fields.map(({ name }) => name)).toEqual(['body_len', 'crc', 'type', 'zeros', 'space', 'seq', 'device', 'push_seq', 'key_epoch', 'entry_id', 'sealed']);
    expect(record.fields.find(({ name }) => name === 'seq')?.hex).toBe('0000000000000003');
  });

  it('keeps its pseudonyms over a restart, under a key only its user can read', { timeout: 60_000 }, async () => {
    const before = (await list()).map(({ pseudonym }) => pseudonym);
    for (const space of spaces) space.goOffline();
    await relay.stop();
    relay = await startRelay({ dataDir, port, adminPort });
    const after = await list();
    expect(after.map(({ pseudonym }) => pseudonym)).toEqual(before);
    expect(after.map(({ connections }) => connections)).toEqual([0, 0]);
    expect(after.map(({ entries }) => entries).toSorted()).toEqual([0, 3]);
    expect(statSync(join(dataDir, 'pseudonym.key')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dataDir, 'pseudonym.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it('erases by pseudonym: its devices are told that it was the operator', { timeout: 60_000 }, async () => {
    const told: ErasedEvent[] = [];
    spaces[0]!.on('erased', (event) => told.push(event));
    spaces[0]!.goOnline();
    await spaces[0]!.whenSynced();
    const { pseudonym } = (await list()).find(({ entries }) => entries === 3)!;
    expect((await api(`spaces/${pseudonym}`, 'DELETE')).status).toBe(204);
    await until('the device is told', () => told.length === 1);
    expect(told[0]).toMatchObject({ reason: 'operator' });
    expect((await list()).map(({ entries }) => entries)).toEqual([0]);
    expect((await api(`spaces/${pseudonym}`)).status).toBe(404);
  });

  it('erases by the id of a space too, on the command line, and the audit log does not have it', { timeout: 60_000 }, async () => {
    const { id } = spaces[2]!;
    const erase = (name: string): { readonly status: number | null; readonly stderr: string } =>
      spawnSync(process.execPath, [CLI, 'space', 'erase', name, '--yes', '--data-dir', dataDir, '--url', `http://127.0.0.1:${adminPort}`], { encoding: 'utf8' });
    expect(erase('0'.repeat(64))).toMatchObject({ status: 1, stderr: expect.stringContaining('space') });
    expect(erase(id)).toMatchObject({ status: 0, stderr: '' });
    expect(await list()).toEqual([]);
    const audit = readdirSync(join(dataDir, 'audit')).filter((name) => name.endsWith('.jsonl')).map((name) => readFileSync(join(dataDir, 'audit', name), 'utf8')).join('');
    expect(audit).toMatch(/"action":"space.erased"/);
    expect(audit).not.toContain(id);
  });
});
