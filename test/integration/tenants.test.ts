// What all spaces of a tenant may take together: real clients, the built product, invite tokens made for tenants.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { QuotaExceededError, createSpace, openSpace, type ClientError, type Space } from '../../src/client/node.js';
import { adminHeaders } from '../support/admin-headers.js';
import { freePort } from '../support/relay-process.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

const FLAGS = ['--admission', 'invite', '--tenants', 'acme bytes=4KiB connections=2,other', '--limits.tenant-connections-max', '9'];

function tokenFor(relay: ServeProcess, tenant: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [CLI, 'token', 'create', '--uses', '9', '--tenant', tenant, '--data-dir', join(relay.dir, 'data')], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

async function addressOf(relay: ServeProcess): Promise<{ readonly address: string; readonly admin: string; readonly metricsUrl: string }> {
  const { relayAddress, metricsUrl } = await relay.logLine('relay is listening');
  return { address: String(relayAddress), admin: new URL(String(metricsUrl)).origin, metricsUrl: String(metricsUrl) };
}

const failure = (space: Space): Promise<ClientError> => new Promise((resolve) => space.on('error', resolve));

interface Page {
  readonly tenants: readonly { readonly name: string | null; readonly tenant: string; readonly spaces: number; readonly connections: number; readonly bytes: number | null; readonly bytesMax: number }[];
}

async function acme(admin: string, dataDir: string): Promise<Page['tenants'][number] | undefined> {
  const page: Page = await (await fetch(`${admin}/admin/api/tenants`, { headers: adminHeaders(dataDir) })).json();
  return page.tenants.find(({ name }) => name === 'acme');
}

describe.skipIf(!existsSync(CLI))('tenants (needs `npm run build`)', () => {
  it('share bytes and connections over their spaces, are told what is needed, and are forgiven nothing by a restart', async () => {
    const port = String(await freePort());
    await using relay = new ServeProcess([...FLAGS, '--port', port]);
    const { address, admin, metricsUrl } = await addressOf(relay);
    const dataDir = join(relay.dir, 'data');
    const [token, foreign] = [tokenFor(relay, 'acme'), tokenFor(relay, 'other')];
    const make = (admission: string): Promise<Space> => createSpace({ relay: address, admission: { token: admission }, batchWindowMs: 0 });
    const [first, second, stranger] = [await make(token), await make(token), await make(foreign)];
    await first.push(new Uint8Array(2500)).durable('relay');
    await second.whenSynced();
    const told = failure(second);
    void second.push(new Uint8Array(1800));
    const error = await told;
    expect(error).toBeInstanceOf(QuotaExceededError);
    expect(error).toMatchObject({ code: 'quota_exceeded', temporary: true, quota: 'tenant_bytes', allowed: 4096 });
    const { used, needed } = error as QuotaExceededError;
    expect(used + needed).toBeGreaterThan(4096);
    await stranger.push(new Uint8Array(6000)).durable('relay');
    const third = await make(token);
    await expect.poll(async () => await (await fetch(metricsUrl)).text(), { timeout: 5000 }).toMatch(/^relay_tenant_sessions_refused_total [1-9]/m);
    expect(await acme(admin, dataDir)).toMatchObject({ spaces: 3, connections: 2, bytes: used, bytesMax: 4096 });
    const metrics = await (await fetch(metricsUrl)).text();
    expect(metrics).toMatch(/^relay_tenant_quota_refused_total [1-9]/m);
    expect(metrics).toMatch(/^relay_tenant_sessions_refused_total [1-9]/m);
    expect(metrics).toMatch(/^relay_tenants 2$/m);
    expect([...relay.stdout, ...relay.stderr].join('\n')).not.toMatch(/acme/);
    const link = first.link ?? '';
    await Promise.all([first, second, third, stranger].map((space) => space.close()));
    relay.child.kill('SIGTERM');
    await relay.ended;

    await using again = new ServeProcess([...FLAGS, '--port', port, '--data-dir', dataDir]);
    const next = await addressOf(again);
    expect(await acme(next.admin, dataDir)).toMatchObject({ spaces: 3, connections: 0, bytes: null });
    const guest = await openSpace({ link, batchWindowMs: 0 });
    const refused = failure(guest);
    void guest.push(new Uint8Array(1800));
    expect(await refused).toMatchObject({ quota: 'tenant_bytes', used, allowed: 4096 });
    expect(await acme(next.admin, dataDir)).toMatchObject({ connections: 1, bytes: used });
    await guest.close();
  });
});
