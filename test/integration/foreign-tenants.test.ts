// Tenants of foreign protocols on the running product: listed by pseudonym, capped, let in, erased from the disk.
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InviteStore } from '../../src/server/admission/invite-store.js';
import { readLocalToken } from '../../src/server/admin-auth/local-token.js';
import { pushChange, putValue, sendRoot } from '../support/foreign-pushes.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

interface Row {
  readonly pseudonym: string;
  readonly system: string;
  readonly shared: boolean;
  readonly admitted: boolean;
  readonly records: number;
  readonly bytes: number;
  readonly trees: number | null;
  readonly openedMs: number | null;
  readonly lastWriteMs: number | null;
  readonly erasedMs: number | null;
}
interface List {
  readonly protocols: readonly { readonly name: string; readonly who: string; readonly clear: string }[];
  readonly tenants: readonly Row[];
  readonly next: string | null;
  readonly topics: number | null;
}

const CANARY = 'U2VhbGVkIGNhbmFyeSBvZiBhIHRlbmFudA';

/** A relay with its admin API. */
class Scene {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'sealrelay-foreign-'));
  port = 0;
  relay!: RelayProcess;
  #adminPort = 0;

  async start(env: Readonly<Record<string, string>> = {}): Promise<this> {
    [this.port, this.#adminPort] = [await freePort(), await freePort()];
    this.relay = await startRelay({ dataDir: this.dataDir, port: this.port, adminPort: this.#adminPort, env });
    return this;
  }

  async api(path: string, method = 'GET', base = 'admin/api/'): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.#adminPort}/${base}${path}`, { method, headers: { authorization: `Bearer ${await readLocalToken(this.dataDir)}` } });
    return { status: response.status, text: await response.text() };
  }

  async list(query = ''): Promise<List> {
    const list: List = JSON.parse((await this.api(`foreign-tenants${query}`)).text);
    return list;
  }

  /** A figure of the metrics. */
  async figure(name: string): Promise<number> {
    const { text } = await this.api('metrics', 'GET', '');
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  }

  /** Files of the documents in which a text stands. */
  holding(text: string): string[] {
    const dir = join(this.dataDir, 'documents');
    return readdirSync(dir).filter((name) => readFileSync(join(dir, name)).includes(text));
  }

  async end(): Promise<void> {
    await this.relay.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

describe.skipIf(!productBuilt())('foreign tenants (skipped unless the product is built)', () => {
  describe('on this machine', () => {
    const scene = new Scene();
    beforeAll(() => scene.start());
    afterAll(() => scene.end());

    it('are listed by pseudonym with what they keep, and their tokens are nowhere', { timeout: 120_000 }, async () => {
      expect((await scene.list()).tenants).toEqual([]);
      const token = 'a-token-that-nobody-may-see';
      expect([await pushChange(scene.port, token, CANARY), await pushChange(scene.port, null, 'AAAA'), await putValue(scene.port, token, 'x')]).toEqual([200, 200, null]);
      expect(await sendRoot(scene.port, token, 'one')).toBe('Ack');
      const { protocols, tenants, topics } = await scene.list();
      // The first entry of a tree is kept under the ids of two dialects.
      expect(tenants.map(({ system, shared, trees }) => [system, shared, trees])).toEqual([
        ['graceful', true, null],
        ['graceful', false, null],
        ['gun', false, null],
        ['eidetica', false, 2],
      ]);
      const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
      for (const row of tenants) {
        expect(row.pseudonym).toMatch(/^[a-z2-7]{16}$/);
        expect(row).toMatchObject({ admitted: false, erasedMs: null });
        expect(Math.abs(Number(row.openedMs) - hour) <= 3_600_000 && Number(row.records) > 0 && Number(row.bytes) > 0).toBe(true);
      }
      expect([protocols.map(({ name }) => name), topics]).toEqual([['Graceful Books', 'PluresDB', 'GUN', 'Eidetica'], 0]);
      expect(protocols.every(({ who, clear }) => who !== '' && clear !== '')).toBe(true);
      const first = await scene.list('?limit=1');
      expect((await scene.list(`?limit=3&after=${first.next}`)).tenants.map(({ pseudonym }) => pseudonym)).toEqual(tenants.slice(1).map(({ pseudonym }) => pseudonym));
      // What metrics show may be a moment old.
      for (const name of ['relay_foreign_tenants', 'relay_foreign_tenants_opened_total']) await expect.poll(() => scene.figure(name)).toBe(4);
      const said = [(await scene.api('foreign-tenants')).text, (await scene.api('metrics', 'GET', '')).text, (await scene.api('logs')).text].join('\n');
      expect(said).not.toContain(token);
    });

    it('are erased: gone from every file, refused for their token, and in the audit log', { timeout: 60_000 }, async () => {
      const row = (await scene.list()).tenants.find(({ system, shared }) => system === 'graceful' && !shared)!;
      expect(scene.holding(CANARY)).not.toEqual([]);
      expect((await scene.api(`foreign-tenants/${'a'.repeat(16)}`, 'DELETE')).status).toBe(404);
      expect((await scene.api(`foreign-tenants/${row.pseudonym}`, 'DELETE')).status).toBe(204);
      expect(scene.holding(CANARY)).toEqual([]);
      const after = (await scene.list()).tenants;
      expect(after.find(({ pseudonym }) => pseudonym === row.pseudonym)).toMatchObject({ records: 0, bytes: 0, erasedMs: expect.any(Number) });
      expect(after.filter(({ records }) => records > 0)).toHaveLength(3);
      expect(await pushChange(scene.port, 'a-token-that-nobody-may-see', 'AAAA')).toBe(410);
      expect(await pushChange(scene.port, 'another-token', 'AAAA')).toBe(200);
      await expect.poll(async () => (await scene.api('audit?limit=100')).text, { timeout: 15_000 }).toContain('tenant.opened');
      const { entries }: { entries: { action: string; subject: string; outcome: string }[] } = JSON.parse((await scene.api('audit?limit=100')).text);
      expect(entries.filter(({ action }) => action === 'tenant.erased').map(({ subject, outcome }) => [subject, outcome])).toEqual([
        ['a'.repeat(16), 'failed'],
        [row.pseudonym, 'done'],
      ]);
      expect(entries.filter(({ action }) => action === 'tenant.opened').map(({ subject }) => subject)).toContain(row.pseudonym);
    });
  });

  it('are capped in number, bytes and connections, each counted', { timeout: 120_000 }, async () => {
    const scene = await new Scene().start({ RELAY_COMPAT_TENANTS_MAX: '2', RELAY_COMPAT_OPEN_QUOTA: '1MiB', RELAY_COMPAT_CONNECTIONS_MAX: '1' });
    try {
      const sentence = 'A'.repeat(600 * 1024);
      const { port } = scene;
      expect([await pushChange(port, 'one', sentence), await pushChange(port, 'two', 'AAAA'), await pushChange(port, 'three', 'AAAA')]).toEqual([200, 200, 507]);
      expect(await pushChange(port, 'two', sentence)).toBe(507);
      expect(await putValue(port, 'four', 'x')).toBe('This relay keeps no more!');
      const open = (device: string): Promise<{ readonly socket: WebSocket; readonly said: string }> => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?device_id=${device}&token=one`);
        return new Promise((resolve) => {
          socket.once('open', () => resolve({ socket, said: 'open' }));
          socket.once('error', ({ message }) => resolve({ socket, said: message }));
        });
      };
      const first = await open('d');
      expect([first.said, (await open('e')).said]).toEqual(['open', 'Unexpected server response: 503']);
      first.socket.close();
      await expect.poll(() => scene.figure('relay_foreign_tenants_refused_total')).toBe(2);
      await expect.poll(() => scene.figure('relay_foreign_bytes_refused_total')).toBe(1);
      await expect.poll(() => scene.figure('relay_foreign_connections_refused_total')).toBe(1);
    } finally {
      await scene.end();
    }
  });

  it('are opened by whom admission lets in alone, and stay open', { timeout: 120_000 }, async () => {
    const scene = await new Scene().start({ RELAY_ADMISSION: 'invite' });
    try {
      const { token } = await new InviteStore(scene.dataDir, () => Date.now()).create({ label: 'a friend', tenant: null, usesMax: 2, lifetimeMs: null });
      const { port } = scene;
      expect([await pushChange(port, 'made-up', 'AAAA'), await pushChange(port, null, 'AAAA')]).toEqual([401, 401]);
      expect(await putValue(port, 'made-up', 'x')).toBe('This relay keeps only what invited peers put!');
      expect((await scene.list()).tenants).toEqual([]);
      expect([await pushChange(port, token, 'AAAA'), await pushChange(port, token, 'AAAA'), await putValue(port, token, 'x')]).toEqual([200, 200, null]);
      const { tenants, protocols } = await scene.list();
      expect(tenants.map(({ system, admitted }) => [system, admitted])).toEqual([
        ['graceful', true],
        ['gun', true],
      ]);
      expect(protocols.find(({ name }) => name === 'GUN')?.who).toBe('with an invite token');
      await scene.relay.stop();
      await scene.start({ RELAY_ADMISSION: 'invite' });
      expect(await pushChange(scene.port, token, 'AAAA')).toBe(200);
    } finally {
      await scene.end();
    }
  });

  it('are users where admission takes JWTs: a renewed one opens what the one before kept, on the account of its tenant', { timeout: 120_000 }, async () => {
    const scene = new Scene();
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const keysDir = mkdtempSync(join(tmpdir(), 'sealrelay-jwks-'));
    const keys = join(keysDir, 'keys.json');
    writeFileSync(keys, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'EdDSA' }] }));
    const jwt = async (sub: string, jti: string, expires = '5m'): Promise<string> =>
      await new SignJWT({ tenant: 'acme', sub, jti }).setProtectedHeader({ alg: 'EdDSA', kid: 'k' }).setIssuer('https://id.test').setAudience('relay').setExpirationTime(expires).sign(privateKey);
    await scene.start({ RELAY_ADMISSION: 'jwt', RELAY_JWT_KEYS: keys, RELAY_JWT_ISSUER: 'https://id.test', RELAY_JWT_AUDIENCE: 'relay', RELAY_LIMITS_TENANT_BYTES_MAX: '1MiB' });
    try {
      const { port } = scene;
      const [first, renewed, other] = [await jwt('alice', '1'), await jwt('alice', '2'), await jwt('bob', '1')];
      const sentence = 'A'.repeat(600 * 1024);
      expect([await pushChange(port, first, sentence), await pushChange(port, renewed, 'AAAA'), await pushChange(port, other, 'AAAA')]).toEqual([200, 200, 200]);
      expect([await pulled(port, renewed), await pulled(port, other)]).toEqual([2, 1]);
      expect([await pushChange(port, await jwt('alice', '3', '-5m'), 'AAAA'), await pulled(port, 'made-up')]).toEqual([401, 401]);
      expect((await scene.list()).tenants.map(({ system, admitted, records }) => [system, admitted, records > 0])).toEqual([
        ['graceful', true, true],
        ['graceful', true, true],
      ]);
      expect(await pushChange(port, other, sentence)).toBe(507);
      expect(await putValue(port, other, sentence)).toMatch(/quota=tenant_bytes used=\d+ allowed=1048576 needed=\d+/);
      await expect.poll(() => scene.figure('relay_foreign_account_refused_total')).toBe(2);
      await scene.relay.stop();
      await scene.start({ RELAY_ADMISSION: 'jwt', RELAY_JWT_KEYS: keys, RELAY_JWT_ISSUER: 'https://id.test', RELAY_JWT_AUDIENCE: 'relay', RELAY_LIMITS_TENANT_BYTES_MAX: '1MiB' });
      expect([await pulled(scene.port, await jwt('alice', '4')), await pushChange(scene.port, other, sentence)]).toEqual([2, 507]);
    } finally {
      await scene.end();
      rmSync(keysDir, { recursive: true, force: true });
    }
  });

  it('are held to one rate of their address, whatever tokens it shows', { timeout: 120_000 }, async () => {
    const scene = await new Scene().start({ RELAY_COMPAT_ADDRESS_WRITES_PER_MINUTE: '2' });
    try {
      const { port } = scene;
      expect([await pushChange(port, 'one', 'AAAA'), await sendRoot(port, 'two', 'x'), await pushChange(port, 'three', 'AAAA')]).toEqual([200, 'Ack', 429]);
      expect(await putValue(port, 'four', 'x')).toBe('Too many puts, try again later!');
      await expect.poll(() => scene.figure('relay_foreign_address_rate_refused_total')).toBe(2);
    } finally {
      await scene.end();
    }
  });
});

/** How many changes another device of a token pulls; the status when it may not. */
async function pulled(port: number, token: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/sync/pull`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ device_id: 'another', since_timestamp: 0 }),
  });
  const body = (await response.json()) as { readonly changes?: readonly unknown[] };
  return body.changes?.length ?? response.status;
}
