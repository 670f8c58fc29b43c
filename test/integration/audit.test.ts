import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { adminHeaders } from '../support/admin-headers.js';
import { Shell } from '../support/shell.js';
import { erasing } from '../../src/client/erasing/index.js';
import { createSpace } from '../../src/client/node.js';

const isRunnable = existsSync(CLI) && spawnSync('bash', ['--version']).status === 0;

interface Line {
  readonly action: string;
  readonly actor: string;
  readonly subject: string | null;
  readonly outcome: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

describe.skipIf(!isRunnable)('the audit log of the product (needs `npm run build` and bash)', () => {
  it('tells starts, reloads, a kill, a log reset and stops, and names the first line that was changed', async () => {
    using place = new Shell();
    const data = join(place.dir, 'relay-data');
    const file = join(place.dir, 'relay.yaml');
    writeFileSync(file, 'region: one\n');
    const args = ['--config', file, '--data-dir', data];
    {
      await using relay = new ServeProcess(args);
      const { metricsUrl, relayAddress, auditHead } = await relay.logLine('relay is listening');
      expect(auditHead).toMatch(/^1:[0-9a-f]{64}$/);
      const admin = new URL(String(metricsUrl)).origin;
      writeFileSync(file, 'region: two\nworkers: 3\n');
      await fetch(`${admin}/admin/api/reload`, { method: 'POST', headers: adminHeaders(data) });
      writeFileSync(file, 'regoin: three\n');
      await fetch(`${admin}/admin/api/reload`, { method: 'POST', headers: adminHeaders(data) });
      writeFileSync(file, 'region: two\n');
      const space = await createSpace({ relay: String(relayAddress), batchWindowMs: 0 });
      await space.push(new Uint8Array(100)).durable('relay');
      await space.close();
      const { entries, head }: { entries: Line[]; head: string } = await (await fetch(`${admin}/admin/api/audit?after=1&limit=2`, { headers: adminHeaders(data) })).json();
      expect(entries).toMatchObject([
        { action: 'config.reloaded', outcome: 'done', detail: { applied: 'region', needRestart: 'workers' } },
        { action: 'config.reloaded', outcome: 'refused', detail: {} },
      ]);
      expect(head).toMatch(/^3:/);
      expect((await fetch(`${admin}/admin/api/audit?limit=0`, { headers: adminHeaders(data) })).status).toBe(400);
      relay.child.kill('SIGKILL');
      await relay.ended;
    }
    expect((await place.run('relay log-reset --data-dir relay-data')).code).toBe(0);
    {
      await using relay = new ServeProcess(args);
      await relay.logLine('relay is listening');
      relay.child.kill('SIGTERM');
      await relay.ended;
    }
    const { entries }: { entries: Line[] } = JSON.parse((await place.run('relay audit show --json')).out);
    expect(entries.map(({ action }) => action)).toEqual(['relay.started', 'config.reloaded', 'config.reloaded', 'relay.crashed', 'log.reset', 'relay.started', 'relay.stopped']);
    expect(entries[4]).toMatchObject({ action: 'log.reset', detail: { spaces: 1 } });
    const verified = await place.run('relay audit verify --json');
    const { head, publicKey }: { head: string; publicKey: string } = JSON.parse(verified.out);
    expect(verified.code).toBe(0);
    expect((await place.run(`relay audit verify --head ${head} --key ${publicKey}`)).out).toMatch(/^7 lines from 1 on are as they were written$/m);

    cpSync(join(data, 'audit'), join(place.dir, 'kept'), { recursive: true });
    const log = join(data, 'audit', readdirSync(join(data, 'audit')).find((name) => name.endsWith('.jsonl')) ?? '');
    writeFileSync(log, readFileSync(log, 'utf8').replace('"needRestart":"workers"', '"needRestart":""'));
    const changed = await place.run('relay audit verify');
    expect(changed).toMatchObject({ code: 1, out: expect.stringContaining('line 3 (seq 3): it does not hold the hash of the line before') });
  });

  it('tells that an owner erased a space, also one that was erased a moment before the end, and not which by its id', async () => {
    using place = new Shell();
    const data = join(place.dir, 'relay-data');
    await using relay = new ServeProcess(['--data-dir', data]);
    const { relayAddress, metricsUrl } = await relay.logLine('relay is listening');
    const space = await createSpace({ relay: String(relayAddress), batchWindowMs: 0, parts: [erasing] });
    await space.push(new Uint8Array(100)).durable('relay');
    const admin = new URL(String(metricsUrl)).origin;
    const { spaces }: { spaces: { pseudonym: string }[] } = await (await fetch(`${admin}/admin/api/spaces`, { headers: adminHeaders(data) })).json();
    const pseudonym = spaces[0]?.pseudonym ?? 'none';
    await space.erase();
    relay.child.kill('SIGTERM');
    await relay.ended;
    await space.close();
    const { out } = await place.run('relay audit show --json');
    const { entries }: { entries: Line[] } = JSON.parse(out);
    expect(entries.map(({ action }) => action)).toEqual(['relay.started', expect.any(String), expect.any(String), 'relay.stopped']);
    expect(entries.find(({ action }) => action === 'spaces.founded')).toMatchObject({ actor: 'relay', subject: null, detail: { spaces: 1 } });
    expect(entries.find(({ action }) => action === 'space.erased')).toMatchObject({ actor: 'owner', subject: pseudonym, outcome: 'done', detail: { reason: 'signed' } });
    expect(out).not.toContain(space.id);
  });

  it('tells what commands did to the tokens, beside a relay that runs and without one, in one whole log', async () => {
    using place = new Shell();
    const data = join(place.dir, 'relay-data');
    const read = async (): Promise<{ entries: Line[]; waiting: number }> => JSON.parse((await place.run('relay audit show --json')).out);
    for (const line of ['relay audit verify', 'relay token create']) expect(await place.run(line)).toMatchObject({ code: 1, err: expect.stringContaining('there is no directory') });
    expect((await place.run('relay serve')).code).toBe(0);
    expect((await place.run('relay token create --uses 3')).code).toBe(0);
    expect(await read()).toMatchObject({ entries: [{ action: 'relay.started' }, { action: 'relay.stopped' }], waiting: 1 });
    {
      await using relay = new ServeProcess(['--data-dir', data]);
      const { metricsUrl } = await relay.logLine('relay is listening');
      // Two at once: each leaves a note, and the relay alone writes.
      const [, revoked] = await Promise.all([place.run('relay token create --label guest'), place.run('relay token revoke --label nobody')]);
      expect(revoked.out).toBe('0 tokens revoked.\n');
      expect((await place.run('relay token revoke --all')).out).toBe('2 tokens revoked.\n');
      const made = await fetch(`${new URL(String(metricsUrl)).origin}/admin/api/tokens`, { method: 'POST', headers: { ...adminHeaders(data), 'content-type': 'application/json' }, body: '{}' });
      expect(made.status).toBe(201);
      await vi.waitFor(async () => expect((await read()).waiting).toBe(0), { timeout: 5000, interval: 100 });
      relay.child.kill('SIGTERM');
      await relay.ended;
    }
    const { entries } = await read();
    expect(entries.map(({ action }) => action).toSorted()).toEqual(['relay.started', 'relay.started', 'relay.stopped', 'relay.stopped', 'token.created', 'token.created', 'token.created', 'token.revoked', 'token.revoked']);
    expect(entries.slice(2, 4)).toMatchObject([{ action: 'token.created', actor: 'operator', detail: { uses: 3, at: expect.stringMatching(/^\d{4}-/) } }, { action: 'relay.started' }]);
    expect((await place.run('relay audit verify')).out).toMatch(/^9 lines from 1 on are as they were written$/m);
  });
});
