import { readFileSync, statSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { AdminAccess } from '../../../../src/server/admin-auth/access.js';
import { Attempts } from '../../../../src/server/admin-auth/attempts.js';
import { OneTimeLink, linkUrl } from '../../../../src/server/admin-auth/one-time-link.js';
import { PASSKEYS_MAX, PasskeyStore, type Passkey } from '../../../../src/server/admin-auth/passkey-store.js';
import { Sessions } from '../../../../src/server/admin-auth/sessions.js';
import { LOCAL, PAGE, adminWorld, type AdminWorld } from '../../../support/admin-app.js';

const MINUTE_MS = 60_000;
const TOKEN = 'a token of the operator'.replaceAll(' ', '-');
const passkey = (id: string): Passkey => ({ id, publicKey: 'AA', counter: 0, transports: [], label: id, rpId: 'localhost', createdAtMs: 1, usedAtMs: null });

/** Signs in with a fresh link; returns the cookie as the browser would send it. */
async function signIn(world: AdminWorld): Promise<string> {
  const response = await world.app.inject({ method: 'POST', url: '/admin/api/sign-in/link', headers: PAGE, payload: { code: world.access.issueLink() } });
  expect(response.statusCode).toBe(200);
  return String(response.headers['set-cookie']).split(';')[0] ?? '';
}

describe('the door of the admin app', () => {
  it('opens what monitors read on this machine, and nothing of the API', async () => {
    await using world = await adminWorld();
    const status = async (url: string): Promise<number> => (await world.app.inject({ url, headers: LOCAL })).statusCode;
    for (const url of ['/metrics', '/status', '/admin/api/session']) expect({ url, status: await status(url) }).toEqual({ url, status: 200 });
    for (const url of ['/admin/api/overview', '/admin/api/spaces', '/admin/api/config', '/admin/api/logs', '/admin/api/passkeys', '/admin/api/slow-readers', '/admin/api/sample']) {
      const refused = await world.app.inject({ url, headers: LOCAL });
      expect({ url, status: refused.statusCode, code: refused.json().code }).toEqual({ url, status: 401, code: 'sign_in_required' });
    }
  });

  it('asks for a session or a token on every route that does not say otherwise', async () => {
    await using world = await adminWorld();
    const open = new Set(['/', '/admin', '/admin/assets/{name}', '/docs', '/docs/openapi.json', '/metrics', '/metrics/sla', '/sla/report', '/status', '/admin/api/session', '/admin/api/sign-in/link', '/admin/api/sign-in/token', '/admin/api/sign-in/passkey', '/admin/api/sign-in/passkey/options']);
    const { paths }: { paths: Record<string, Record<string, unknown>> } = (await world.app.inject({ url: '/docs/openapi.json', headers: LOCAL })).json();
    let asked = 0;
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods)) {
        if (open.has(path) && !(path === '/admin/api/session' && method === 'delete')) continue;
        const url = path.replaceAll(/\{\w+\}/g, 'a'.repeat(16));
        const { statusCode } = await world.app.inject({ method: method.toUpperCase() as 'GET', url, headers: LOCAL });
        expect({ method, path, statusCode }).toEqual({ method, path, statusCode: 401 });
        asked += 1;
      }
    }
    expect(asked).toBeGreaterThan(10);
  });

  it('takes the token of this machine, which only its user can read and which goes with the relay', async () => {
    const world = await adminWorld();
    const path = join(world.dataDir, 'admin/token');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(world.dataDir, 'admin')).mode & 0o777).toBe(0o700);
    expect(readFileSync(path, 'utf8')).toBe(`${world.token}\n`);
    const get = (authorization: string): Promise<{ statusCode: number }> => world.app.inject({ url: '/admin/api/overview', headers: { ...LOCAL, authorization } });
    expect((await get(`Bearer ${world.token}`)).statusCode).toBe(200);
    expect((await get(`Bearer ${world.token.slice(1)}`)).statusCode).toBe(401);
    await world.access.close();
    expect(existsSync(path)).toBe(false);
    expect((await get(`Bearer ${world.token}`)).statusCode).toBe(401);
    await world[Symbol.asyncDispose]();
  });

  it('takes the token of the operator, never the empty one', async () => {
    await using none = await adminWorld();
    const post = (world: AdminWorld, token: string): Promise<{ statusCode: number }> => world.app.inject({ method: 'POST', url: '/admin/api/sign-in/token', headers: PAGE, payload: { token } });
    expect((await post(none, TOKEN)).statusCode).toBe(401);
    expect((await post(none, ' ')).statusCode).toBe(401);
    await using set = await adminWorld({}, { 'admin.token': TOKEN });
    expect((await post(set, TOKEN)).statusCode).toBe(200);
    expect((await post(set, `${TOKEN}x`)).statusCode).toBe(401);
  });

  it('lets nobody guess: five wrong attempts in a minute, of one address', async () => {
    await using world = await adminWorld({}, { 'admin.token': TOKEN });
    const attempt = (token: string, remoteAddress = '127.0.0.1'): Promise<{ statusCode: number; headers: Record<string, unknown> }> =>
      world.app.inject({ url: '/admin/api/overview', remoteAddress, headers: { ...LOCAL, authorization: `Bearer ${token}` } });
    for (let n = 0; n < 5; n += 1) expect((await attempt(`guess-${n}`)).statusCode).toBe(401);
    const blocked = await attempt(TOKEN);
    expect(blocked.statusCode).toBe(429);
    expect(Number(blocked.headers['retry-after'])).toBeGreaterThan(0);
    const link = await world.app.inject({ method: 'POST', url: '/admin/api/sign-in/link', headers: PAGE, payload: { code: world.access.issueLink() } });
    expect(link.statusCode).toBe(429);
    expect((await attempt(TOKEN, '192.0.2.7')).statusCode).toBe(200);
    world.pass(MINUTE_MS);
    expect((await attempt(TOKEN)).statusCode).toBe(200);
  });

  it('answers another address only where a token is set, and then asks for everything', async () => {
    const remote = { host: 'relay.example', url: '/metrics' };
    const get = (world: AdminWorld, headers: Record<string, string>, remoteAddress: string): Promise<{ statusCode: number }> => world.app.inject({ url: '/metrics', remoteAddress, headers });
    await using closed = await adminWorld();
    expect((await get(closed, { host: remote.host }, '192.0.2.7')).statusCode).toBe(403);
    expect((await get(closed, { host: remote.host }, '127.0.0.1')).statusCode).toBe(403);
    await using open = await adminWorld({}, { 'admin.token': TOKEN });
    expect((await get(open, { host: remote.host }, '192.0.2.7')).statusCode).toBe(401);
    expect((await get(open, { host: '127.0.0.1:9090' }, '192.0.2.7')).statusCode).toBe(401);
    expect((await get(open, { host: remote.host, authorization: `Bearer ${TOKEN}` }, '192.0.2.7')).statusCode).toBe(200);
    expect((await get(open, { host: '127.0.0.1:9090' }, '127.0.0.1')).statusCode).toBe(200);
  });
});

describe('a session', () => {
  it('is a cookie that scripts and other sites do not get', async () => {
    await using world = await adminWorld();
    const code = world.access.issueLink();
    const response = await world.app.inject({ method: 'POST', url: '/admin/api/sign-in/link', headers: PAGE, payload: { code } });
    expect(response.headers['set-cookie']).toMatch(/^sealrelay-admin=[\w-]{43}; Path=\/admin; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    const overTls = { ...PAGE, origin: 'https://localhost:9090' };
    const secure = await world.app.inject({ method: 'POST', url: '/admin/api/sign-in/link', headers: overTls, payload: { code: world.access.issueLink() } });
    expect(secure.headers['set-cookie']).toMatch(/; Secure$/);
    expect(JSON.stringify(world.audited)).not.toContain(code);
  });

  it('acts for its own page only', async () => {
    await using world = await adminWorld();
    const cookie = await signIn(world);
    const reload = (headers: Record<string, string>): Promise<{ statusCode: number }> => world.app.inject({ method: 'POST', url: '/admin/api/reload', headers });
    expect((await reload({ ...PAGE, cookie })).statusCode).toBe(200);
    expect((await reload({ host: PAGE.host, cookie })).statusCode).toBe(403);
    expect((await reload({ host: PAGE.host, cookie, origin: 'http://localhost:3000' })).statusCode).toBe(403);
    expect((await reload({ host: PAGE.host, cookie, origin: 'null' })).statusCode).toBe(403);
    expect((await world.app.inject({ url: '/admin/api/overview', headers: { host: PAGE.host, cookie } })).statusCode).toBe(200);
  });

  it('ends when it is signed out, after an hour without use, and after half a day', async () => {
    await using world = await adminWorld();
    const look = async (cookie: string): Promise<number> => (await world.app.inject({ url: '/admin/api/overview', headers: { host: PAGE.host, cookie } })).statusCode;
    const left = await signIn(world);
    expect((await world.app.inject({ method: 'DELETE', url: '/admin/api/session', headers: { ...PAGE, cookie: left } })).statusCode).toBe(204);
    expect(world.audited.filter(({ action }) => action === 'admin.signed-out')).toMatchObject([{ actor: expect.stringMatching(/^admin [0-9a-f]{10}$/), outcome: 'done' }]);
    expect(await look(left)).toBe(401);
    const idle = await signIn(world);
    world.pass(59 * MINUTE_MS);
    expect(await look(idle)).toBe(200);
    world.pass(60 * MINUTE_MS);
    expect(await look(idle)).toBe(401);
    const long = await signIn(world);
    for (let n = 0; n < 23; n += 1) {
      world.pass(30 * MINUTE_MS);
      expect(await look(long)).toBe(200);
    }
    world.pass(30 * MINUTE_MS);
    expect(await look(long)).toBe(401);
  });

  it('ends what it watches when it ends', async () => {
    await using world = await adminWorld();
    const address = await world.app.listen({ host: '127.0.0.1', port: 0 });
    const { cookie } = world.access.sessions.start('link');
    const viewer = new WebSocket(`${address.replace('http', 'ws')}/admin/api/live`, { headers: { cookie: `sealrelay-admin=${cookie}`, origin: address } });
    await new Promise((resolve, reject) => {
      viewer.once('message', resolve);
      viewer.once('error', reject);
    });
    expect(world.access.sessions.has(cookie)).toBe(true);
    world.access.sessions.end(cookie);
    expect(await new Promise((resolve) => viewer.once('close', resolve))).toBe(1008);
    const bare = new WebSocket(`${address.replace('http', 'ws')}/admin/api/live`, { headers: { cookie: `sealrelay-admin=${world.access.sessions.start('link').cookie}` } });
    expect((await new Promise<Error>((resolve) => bare.once('error', resolve))).message).toContain('403');
  });

  it('is one of at most 64', () => {
    const sessions = new Sessions(() => 0);
    const first = sessions.start('link').cookie;
    const second = sessions.start('link').cookie;
    expect(sessions.use(first)).not.toBeNull();
    for (let n = 0; n < 63; n += 1) sessions.start('token');
    expect(sessions.use(second)).toBeNull();
    expect(sessions.use(first)).not.toBeNull();
  });
});

describe('the one-time link', () => {
  it('is good once, for half an hour, and until the next one', () => {
    let nowMs = 0;
    const link = new OneTimeLink(() => nowMs);
    expect(link.redeem('')).toBe(false);
    const first = link.issue();
    const second = link.issue();
    expect(link.redeem(first)).toBe(false);
    expect(link.redeem(second)).toBe(true);
    expect(link.redeem(second)).toBe(false);
    const late = link.issue();
    nowMs = 30 * MINUTE_MS;
    expect(link.redeem(late)).toBe(false);
    expect(linkUrl(9090, 'x')).toBe('http://localhost:9090/admin#link=x');
  });

  it('is made for who has the token of this machine', async () => {
    await using world = await adminWorld();
    const made = await world.app.inject({ method: 'POST', url: '/admin/api/link', headers: world.bearer });
    const { url, validMs }: { url: string; validMs: number } = made.json();
    expect(validMs).toBe(30 * MINUTE_MS);
    const code = new URL(url).hash.replace('#link=', '');
    const used = await world.app.inject({ method: 'POST', url: '/admin/api/sign-in/link', headers: PAGE, payload: { code } });
    expect(used.json()).toMatchObject({ signedIn: true, way: 'link' });
    expect((await world.app.inject({ method: 'POST', url: '/admin/api/sign-in/link', headers: PAGE, payload: { code } })).statusCode).toBe(401);
    expect(world.audited.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual(['admin.link-made done', 'admin.signed-in done', 'admin.signed-in refused']);
  });
});

describe('an audit log that cannot be written', () => {
  it('keeps nobody out', async () => {
    let tried = 0;
    const record = async (): Promise<void> => {
      tried += 1;
      throw new Error('no space left on device');
    };
    const access = new AdminAccess({ token: () => TOKEN, nowMs: () => 0, audit: { record } });
    expect(await access.signInWithToken(TOKEN, '127.0.0.1')).toMatchObject({ ok: true });
    expect(await access.signInWithToken('wrong', '127.0.0.1')).toMatchObject({ ok: false });
    expect(tried).toBe(2);
  });
});

describe('failed attempts', () => {
  it('count for a whole IPv6 network, and only so many addresses are remembered', () => {
    const attempts = new Attempts(() => 0);
    for (let n = 0; n < 5; n += 1) attempts.failed(`2001:db8:1:2::${n}`);
    expect(attempts.waitMs('2001:db8:1:2::99')).toBe(MINUTE_MS);
    expect(attempts.waitMs('2001:db8:1:3::1')).toBe(0);
    for (let n = 0; n < 4096; n += 1) attempts.failed(`10.0.${n >> 8}.${n & 255}`);
    expect(attempts.waitMs('2001:db8:1:2::99')).toBe(0);
  });
});

describe('the passkeys of a data directory', () => {
  it('are kept, are at most 16, and a broken file is named with the way out', async () => {
    await using world = await adminWorld();
    const store = await PasskeyStore.open(world.dataDir);
    for (let n = 0; n < PASSKEYS_MAX; n += 1) await store.add(passkey(`key-${n}`));
    await expect(store.add(passkey('one more'))).rejects.toMatchObject({ code: 'too_many_passkeys' });
    await store.used('key-3', 7, 99);
    expect(await store.remove('key-0')).toBe(true);
    expect(await store.remove('key-0')).toBe(false);
    const again = await PasskeyStore.open(world.dataDir);
    expect(again.all).toHaveLength(PASSKEYS_MAX - 1);
    expect(again.find('key-3')).toMatchObject({ counter: 7, usedAtMs: 99 });
    expect(statSync(join(world.dataDir, 'admin/passkeys.json')).mode & 0o777).toBe(0o600);
    writeFileSync(join(world.dataDir, 'admin/passkeys.json'), '{"passkeys":[{}]}');
    const access = new AdminAccess({ token: () => '', nowMs: () => 0, audit: { record: async () => undefined } });
    await expect(access.open(world.dataDir)).rejects.toMatchObject({ code: 'passkeys_unusable', hint: expect.stringContaining('relay admin-link') });
  });
});
