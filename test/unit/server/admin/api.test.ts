import { describe, expect, it } from 'vitest';
import { REVEALS } from '../../../../src/server/admin-api/sample.js';
import { LOCAL, adminWorld } from '../../../support/admin-app.js';

const P1 = 'a'.repeat(16);
const row = (pseudonym: string): { pseudonym: string; resident: boolean; entries: number | null; sealedBytes: null; size: number | null; floor: null; head: null; devices: null; connections: number; lastUseMs: null } => ({
  pseudonym,
  resident: false,
  entries: 3,
  sealedBytes: null,
  size: 3,
  floor: null,
  head: null,
  devices: null,
  connections: 0,
  lastUseMs: null,
});

interface Route {
  readonly tags?: string[];
  readonly summary?: string;
  readonly responses?: Record<string, unknown>;
  readonly security?: Record<string, string[]>[];
}

/** `METHOD /path` of every route of a printed tree, in which a line goes on where its parent ends. */
function routesOf(tree: string): string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^(.*?)[├└]── (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    const depth = indent.length / 4;
    parents.length = depth;
    parents.push(part);
    return methods.split(', ').filter((method) => method !== '' && method !== 'HEAD').map((method) => `${method} ${parents.join('')}`);
  });
}

describe('the admin API', () => {
  it('documents every route it has, each with a topic, a summary and its answers', async () => {
    await using world = await adminWorld();
    await world.app.ready();
    const { openapi, paths }: { openapi: string; paths: Record<string, Record<string, Route>> } = (await world.app.inject({ url: '/docs/openapi.json', headers: LOCAL })).json();
    expect(openapi).toBe('3.1.0');
    const registered = routesOf(world.app.printRoutes({ commonPrefix: false }));
    expect(registered.length).toBeGreaterThan(20);
    const documented = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`));
    expect(documented.toSorted()).toEqual(registered.toSorted());
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { tags, summary, responses }] of Object.entries(methods)) {
        const where = `${method} ${path}`;
        expect({ where, tags: tags?.length, ends: summary?.endsWith('.'), answers: Object.keys(responses ?? {}).length > 0 }).toEqual({ where, tags: 1, ends: true, answers: true });
      }
    }
  });

  it('documents who may use a route as the door judges it, and files as files', async () => {
    await using world = await adminWorld({}, { 'admin.token': 'a token of the operator' });
    const { paths }: { paths: Record<string, Record<string, Route>> } = (await world.app.inject({ url: '/docs/openapi.json', headers: LOCAL })).json();
    const seen = { open: 0, local: 0, admin: 0 };
    for (const [path, methods] of Object.entries(paths)) {
      if (methods['get'] === undefined || path.includes('{') || path.endsWith('/live')) continue;
      const [here, away] = await Promise.all([LOCAL, { host: 'relay.example' }].map((headers) => world.app.inject({ url: path, headers })));
      const access = here?.statusCode === 401 ? 'admin' : away?.statusCode === 401 ? 'local' : 'open';
      seen[access] += 1;
      expect({ path, security: methods['get'].security }).toEqual({ path, security: { open: [], local: [{}, { token: [] }], admin: [{ token: [] }] }[access] });
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(1);
    const file = { 'application/octet-stream': expect.anything() };
    expect(paths['/admin/api/spaces/{pseudonym}/export']?.['get']).toMatchObject({ responses: { 200: { content: file } } });
    expect(paths['/admin/api/spaces/import']?.['post']).toMatchObject({ requestBody: { content: file } });
  });

  it('pages, shows and erases spaces by pseudonym, and refuses anything else', async () => {
    await using world = await adminWorld();
    world.core.spaceRows.push(row(P1));
    const get = (url: string): Promise<{ statusCode: number; json: () => unknown }> => world.app.inject({ url, headers: world.bearer });
    expect((await get(`/admin/api/spaces?after=${P1}&limit=7`)).json()).toEqual({ spaces: [row(P1)], next: null });
    expect(world.core.calls).toContain(`spaces ${P1} 7`);
    expect((await get(`/admin/api/spaces/${P1}`)).json()).toMatchObject({ space: row(P1), devices: [{ rights: 'write', lag: 2 }] });
    for (const url of ['/admin/api/spaces?limit=101', '/admin/api/spaces?after=x', `/admin/api/spaces/${'a'.repeat(64)}`]) expect((await get(url)).statusCode).toBe(400);
    const unknown = await get(`/admin/api/spaces/${'b'.repeat(16)}`);
    expect([unknown.statusCode, unknown.json()]).toEqual([404, expect.objectContaining({ code: 'space_unknown' })]);
    const erase = (pseudonym: string): Promise<{ statusCode: number }> => world.app.inject({ method: 'DELETE', url: `/admin/api/spaces/${pseudonym}`, headers: world.bearer });
    expect((await erase(P1)).statusCode).toBe(204);
    expect((await erase('b'.repeat(16))).statusCode).toBe(404);
    expect(world.audited).toEqual([
      { action: 'space.erased', actor: 'operator', subject: P1, outcome: 'done' },
      { action: 'space.erased', actor: 'operator', subject: 'b'.repeat(16), outcome: 'failed' },
    ]);
  });

  it('erases by the id that the people of a space know, and does not write it into the audit log', async () => {
    await using world = await adminWorld();
    const id = 'ab'.repeat(32);
    const erase = async (name: string): Promise<number> => (await world.app.inject({ method: 'DELETE', url: `/admin/api/spaces/${name}`, headers: world.bearer })).statusCode;
    expect([await erase(id), await erase(id.toUpperCase()), await erase(id.slice(1))]).toEqual([204, 400, 400]);
    expect(world.core.calls).toContain(`erase ${id}`);
    expect(world.audited).toEqual([{ action: 'space.erased', actor: 'operator', subject: null, outcome: 'done' }]);
  });

  it('pages and erases foreign tenants by pseudonym, and says what their protocols leave in clear', async () => {
    await using world = await adminWorld();
    const tenant = { pseudonym: P1, system: 'other', shared: false, admitted: true, records: 3, bytes: 99, trees: null, connections: 1, openedMs: 3_600_000, lastWriteMs: null, erasedMs: null, erasing: false };
    world.core.foreignRows.push(tenant);
    const get = async (url: string): Promise<{ statusCode: number; json: () => unknown }> => await world.app.inject({ url, headers: world.bearer });
    const page = (await get(`/admin/api/foreign-tenants?after=${P1}&limit=7`)).json();
    expect(page).toMatchObject({ tenants: [tenant], next: null, topics: 2, topicPeers: 5 });
    expect(page).toMatchObject({ protocols: [{ who: 'with or without a token' }, { who: 'anyone who knows a topic' }, { clear: expect.stringMatching(/in clear/) }, {}] });
    expect(world.core.calls).toContain(`foreign tenants ${P1} 7`);
    for (const url of ['/admin/api/foreign-tenants?limit=101', '/admin/api/foreign-tenants?after=x']) expect((await get(url)).statusCode).toBe(400);
    const erase = async (pseudonym: string): Promise<number> => (await world.app.inject({ method: 'DELETE', url: `/admin/api/foreign-tenants/${pseudonym}`, headers: world.bearer })).statusCode;
    expect([await erase(P1), await erase('b'.repeat(16)), await erase('not-one')]).toEqual([204, 404, 400]);
    expect(world.audited).toEqual([
      { action: 'tenant.erased', actor: 'operator', subject: P1, outcome: 'done' },
      { action: 'tenant.erased', actor: 'operator', subject: 'b'.repeat(16), outcome: 'failed' },
    ]);
  });

  it('says what every field of a stored record reveals', async () => {
    await using world = await adminWorld();
    const get = async (): Promise<unknown> => (await world.app.inject({ url: '/admin/api/sample', headers: world.bearer })).json();
    expect(await get()).toEqual({ sample: null });
    world.core.spaceRows.push(row(P1));
    expect(await get()).toMatchObject({ sample: { space: P1, fields: [{ name: 'space', hex: null, pseudonym: P1, reveals: REVEALS['space'] }, { name: 'sealed', hex: '0102', reveals: REVEALS['sealed'] }] } });
  });

  it('shows options with their origins, and no secret', async () => {
    const token = 'hunter2-hunter2-hunter2';
    await using world = await adminWorld({}, { 'admin.token': token });
    const { body } = await world.app.inject({ url: '/admin/api/config', headers: world.bearer });
    const { options }: { options: { key: string; value: string; origin: string; reloadable: boolean }[] } = JSON.parse(body);
    expect(options.find(({ key }) => key === 'workers')).toMatchObject({ value: '0', origin: 'flag --workers', reloadable: false });
    expect(options.find(({ key }) => key === 'admin.token')).toMatchObject({ value: '[redacted]', reloadable: true });
    expect(body).not.toContain(token);
  });

  it('keeps the last 500 lines of the log, and shows those that are new', async () => {
    await using world = await adminWorld();
    for (let n = 1; n <= 502; n += 1) world.logRing.write(`{"msg":"line ${n}"}\n`);
    world.logRing.write(`${'x'.repeat(5000)}\n`);
    const get = async (after: number): Promise<{ number: number; text: string }[]> => {
      const { kept, lines }: { kept: boolean; lines: { number: number; text: string }[] } = (await world.app.inject({ url: `/admin/api/logs?after=${after}`, headers: world.bearer })).json();
      expect(kept).toBe(true);
      return lines;
    };
    const all = await get(0);
    expect([all.length, all[0], all.at(-1)?.text.length]).toEqual([500, { number: 4, text: '{"msg":"line 4"}' }, 4096]);
    expect((await get(501)).map(({ number }) => number)).toEqual([502, 503]);
    await using none = await adminWorld({ logRing: null });
    expect((await none.app.inject({ url: '/admin/api/logs', headers: none.bearer })).json()).toEqual({ kept: false, lines: [] });
  });

  it('says that the relay is starting until the core runs', async () => {
    await using world = await adminWorld({ core: () => null });
    const { statusCode, body } = await world.app.inject({ url: '/admin/api/spaces', headers: world.bearer });
    expect([statusCode, JSON.parse(body).code]).toEqual([503, 'starting']);
  });
});
