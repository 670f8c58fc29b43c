// What Graceful Books clients expect of a relay, and what a relay must not lose although the original does.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Peer } from '../socket.js';
import type { Case } from '../target.js';
import { newChange, Tenant, type Change } from './client.js';

interface Refusal {
  readonly error: { readonly code: string; readonly message: string; readonly details?: Record<string, unknown> };
  readonly timestamp: number;
}

const ids = (changes: readonly { readonly id: string }[]): string[] => changes.map(({ id }) => id);

async function refused(asked: Promise<{ status: number; body: unknown }>, status: number, code: string): Promise<Refusal['error']> {
  const answer = await asked;
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  const { error, timestamp } = answer.body as Refusal;
  assert.equal(error.code, code);
  assert.ok(error.message !== '' && typeof timestamp === 'number');
  return error;
}

const SYNC: readonly Case[] = [
  {
    name: 'what one device pushes the others pull, as it was and with its device, and it does not itself',
    async check(url) {
      const tenant = new Tenant(url);
      const change = newChange({ version_vector: { a: 3, 'é "b"': 1 }, entity_type: 'Ωpaque', timestamp: 1_705_507_200_000.5 });
      const pushed = await tenant.push('a', [change]);
      assert.deepEqual([pushed.success, pushed.accepted, pushed.rejected], [true, [change.id], []]);
      const { changes, has_more } = await tenant.pull('b', 0);
      assert.deepEqual(changes, [{ ...change, device_id: 'a' }]);
      assert.equal(has_more, false);
      assert.deepEqual((await tenant.pull('a', 0)).changes, []);
    },
  },
  {
    name: 'no changes are a valid push',
    async check(url) {
      const pushed = await new Tenant(url).push('a', []);
      assert.deepEqual([pushed.success, pushed.accepted], [true, []]);
    },
  },
  {
    name: 'what is not whole is rejected by name, and the rest is taken',
    async check(url) {
      const tenant = new Tenant(url);
      const [good, bad] = [newChange(), newChange({ entity_id: '' })];
      const { success, accepted, rejected } = await tenant.push('a', [good, bad, { entity_type: 'T' }]);
      assert.deepEqual([success, accepted], [false, [good.id]]);
      assert.deepEqual(rejected, [
        { id: bad.id, reason: 'Missing required fields' },
        { id: 'unknown', reason: 'Missing required fields' },
      ]);
    },
  },
  {
    name: 'a retry is accepted again and stored once; other bytes under the same id are rejected',
    async check(url) {
      const tenant = new Tenant(url);
      const change = newChange();
      for (let tries = 0; tries < 3; tries += 1) assert.deepEqual((await tenant.push('a', [change])).accepted, [change.id]);
      const { rejected } = await tenant.push('a', [{ ...change, encrypted_payload: 'AAAA' }]);
      assert.deepEqual(rejected, [{ id: change.id, reason: 'Duplicate or outdated change' }]);
      assert.deepEqual((await tenant.pull('b', 0)).changes, [{ ...change, device_id: 'a' }]);
    },
  },
  {
    name: 'concurrent edits of one entity are both kept, whatever their clocks say',
    async check(url) {
      const tenant = new Tenant(url);
      const entity = randomUUID();
      const [newer, older] = [newChange({ entity_id: entity, timestamp: 2000, version_vector: { a: 1 } }), newChange({ entity_id: entity, timestamp: 1000, version_vector: { b: 1 } })];
      await tenant.push('a', [newer]);
      assert.deepEqual((await tenant.push('b', [older])).accepted, [older.id]);
      assert.deepEqual(ids((await tenant.pull('c', 0)).changes), [newer.id, older.id]);
    },
  },
  {
    name: 'a change that was made before a pull and pushed after it is not lost',
    async check(url) {
      const tenant = new Tenant(url);
      const early = newChange({ timestamp: Date.now() - 60_000 });
      const { timestamp, cursor } = await tenant.pull('b', 0);
      await tenant.push('a', [early]);
      assert.deepEqual(ids((await tenant.pull('b', timestamp)).changes), [early.id]);
      assert.deepEqual(ids((await tenant.pull('b', { cursor })).changes), [early.id]);
    },
  },
  {
    name: 'a change of the future is pulled after times that it is after',
    async check(url) {
      const tenant = new Tenant(url);
      const ahead = newChange({ timestamp: Date.now() + 3_600_000 });
      await tenant.push('a', [ahead]);
      assert.deepEqual(ids((await tenant.pull('b', Date.now() + 1_800_000)).changes), [ahead.id]);
      assert.deepEqual(ids((await tenant.pull('b', Date.now() + 7_200_000)).changes), []);
    },
  },
  {
    name: '250 changes come in pages, by cursor and by time, in the order of the push, once',
    async check(url) {
      const tenant = new Tenant(url);
      const pushed = Array.from({ length: 250 }, () => newChange({ timestamp: 1000 }));
      for (const half of [pushed.slice(0, 10), pushed.slice(10)]) await tenant.push('a', half);
      assert.equal((await tenant.pull('b', 0)).changes.length, 100);
      assert.deepEqual(await tenant.pullAll('b', ({ cursor }) => ({ cursor })), ids(pushed));
      assert.deepEqual(await tenant.pullAll('b', ({ timestamp }) => timestamp), ids(pushed));
    },
  },
  {
    name: 'tenants are apart, and may use the same ids',
    async check(url) {
      const [ours, theirs] = [new Tenant(url), new Tenant(url)];
      const change = newChange();
      await ours.push('a', [change]);
      assert.deepEqual((await theirs.pull('b', 0)).changes, []);
      assert.deepEqual((await theirs.push('a', [{ ...change, encrypted_payload: 'AAAA' }])).accepted, [change.id]);
    },
  },
  {
    name: 'the paths are served below /api too',
    async check(url) {
      const tenant = new Tenant(url);
      const change = newChange();
      await tenant.push('a', [change], '/api/sync/push');
      assert.deepEqual(ids((await tenant.pull('b', 0, '/api/sync/pull')).changes), [change.id]);
    },
  },
];

const GOING: readonly Case[] = [
  {
    name: 'a change goes once every declared device holds it, and its id is remembered',
    async check(url) {
      const tenant = new Tenant(url);
      const change = newChange();
      assert.equal((await tenant.post('/sync/devices', { devices: ['a', 'b', 'c'] })).status, 200);
      await tenant.push('a', [change]);
      const ack = (device: string): Promise<unknown> => tenant.post('/sync/ack', { protocol_version: '1.0.0', device_id: device, acknowledged_ids: [change.id, 'never'], timestamp: 1 }).then(({ body }) => body);
      const { acknowledged, unknown, deleted } = (await ack('b')) as Record<string, unknown>;
      assert.deepEqual([acknowledged, unknown, deleted], [[change.id], ['never'], 0]);
      assert.equal((await tenant.pull('c', 0)).changes.length, 1);
      assert.equal(((await ack('c')) as Record<string, unknown>)['deleted'], 1);
      assert.deepEqual((await tenant.pull('c', 0)).changes, []);
      assert.deepEqual((await tenant.push('a', [change])).accepted, [change.id]);
      assert.deepEqual((await tenant.pull('c', 0)).changes, []);
    },
  },
  {
    name: 'without a declared set nothing goes',
    async check(url) {
      const tenant = new Tenant(url);
      const change = newChange();
      await tenant.push('a', [change]);
      for (const device of ['b', 'c']) await tenant.post('/sync/ack', { device_id: device, acknowledged_ids: [change.id] });
      assert.equal((await tenant.pull('d', 0)).changes.length, 1);
    },
  },
  {
    name: 'an export file moves a tenant, and importing it twice changes nothing',
    async check(url) {
      const [from, to] = [new Tenant(url), new Tenant(url)];
      const changes = Array.from({ length: 20 }, () => newChange());
      await from.push('a', changes.slice(0, 12));
      await from.push('b', changes.slice(12));
      const file = (await from.ask('GET', '/sync/export')).body as { version: string; changes: Change[]; devices: string[] };
      assert.deepEqual([file.version, file.devices, ids(file.changes)], ['1.0.0', ['a', 'b'], ids(changes)]);
      for (const [imported, held] of [
        [20, 0],
        [0, 20],
      ]) {
        const report = (await to.post('/sync/import', file)).body as Record<string, unknown>;
        assert.deepEqual([report['imported'], report['held']], [imported, held]);
      }
      assert.deepEqual(ids((await to.pull('c', 0)).changes), ids(changes));
      await refused(to.post('/sync/import', { version: '1.0.0', changes: [{ id: 'x' }] }), 400, 'INVALID_REQUEST');
    },
  },
];

const FORM: readonly Case[] = [
  {
    name: 'requests that are not whole are invalid, and say what is missing',
    async check(url) {
      const tenant = new Tenant(url);
      const push = await refused(tenant.post('/sync/push', { changes: [] }), 400, 'INVALID_REQUEST');
      assert.deepEqual(push.details, { required: ['device_id', 'changes'] });
      await refused(tenant.post('/sync/push', { device_id: 'a', changes: {} }), 400, 'INVALID_REQUEST');
      const pull = await refused(tenant.post('/sync/pull', { device_id: 'a', since_timestamp: '0' }), 400, 'INVALID_REQUEST');
      assert.deepEqual(pull.details, { required: ['device_id', 'since_timestamp'] });
      await refused(tenant.post('/sync/pull', { since_timestamp: 0 }), 400, 'INVALID_REQUEST');
      await refused(tenant.post('/sync/pull', { device_id: 'a', cursor: 'x' }), 400, 'INVALID_REQUEST');
      for (const body of ['{', '[]', '']) await refused(tenant.ask('POST', '/sync/push', body), 400, 'INVALID_REQUEST');
      await refused(tenant.ask('GET', '/sync/push'), 404, 'NOT_FOUND');
    },
  },
  {
    name: 'another major version is a mismatch; none, and a newer minor one, are spoken',
    async check(url) {
      const tenant = new Tenant(url);
      const pull = (version: unknown): Promise<{ status: number; body: unknown }> => tenant.post('/sync/pull', { protocol_version: version, device_id: 'a', since_timestamp: 0 });
      const { details } = await refused(pull('2.0.0'), 400, 'PROTOCOL_MISMATCH');
      assert.deepEqual(details, { server_version: '1.0.0', client_version: '2.0.0' });
      for (const version of [undefined, '1.0.0', '1.4.0']) assert.equal((await pull(version)).status, 200);
    },
  },
  {
    name: 'more than ten megabytes are too large, declared or not, and ten are not',
    async check(url) {
      const tenant = new Tenant(url);
      const payload = (bytes: number): string => 'A'.repeat(bytes);
      assert.equal((await tenant.push('a', [newChange({ encrypted_payload: payload(9_900_000) })])).success, true);
      const large = JSON.stringify({ device_id: 'a', changes: [newChange({ encrypted_payload: payload(10 * 1024 * 1024) })] });
      const { details } = await refused(tenant.ask('POST', '/sync/push', large), 413, 'PAYLOAD_TOO_LARGE');
      assert.deepEqual(details, { max_size_bytes: 10 * 1024 * 1024, actual_size_bytes: large.length });
      // Few characters, many bytes; and a body that declares no length.
      const wide = JSON.stringify({ device_id: 'a', changes: [newChange({ encrypted_payload: 'é'.repeat(5_300_000) })] });
      await refused(tenant.ask('POST', '/sync/push', wide), 413, 'PAYLOAD_TOO_LARGE');
      await refused(tenant.ask('POST', '/sync/push', new Blob([large]).stream()), 413, 'PAYLOAD_TOO_LARGE');
      assert.equal((await tenant.push('a', [newChange()])).success, true);
    },
  },
  {
    name: 'every answer carries the headers clients read, errors too',
    async check(url) {
      const tenant = new Tenant(url);
      for (const { headers, status } of [await tenant.post('/sync/pull', { device_id: 'a', since_timestamp: 0 }), await tenant.post('/sync/pull', {})]) {
        assert.ok(status === 200 || status === 400);
        const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`x-ratelimit-${name}`)));
        assert.ok(limit! > 0 && remaining! >= 0 && remaining! < limit! && reset! > Date.now() - 60_000);
        assert.match(headers.get('x-response-time') ?? '', /^\d+ms$/);
        assert.equal(headers.get('access-control-allow-origin'), '*');
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
        assert.equal(headers.get('x-frame-options'), 'DENY');
        assert.equal(headers.get('referrer-policy'), 'no-referrer');
        assert.match(headers.get('strict-transport-security') ?? '', /^max-age=31536000/);
        assert.match(headers.get('content-type') ?? '', /^application\/json/);
      }
      const { status, headers } = await tenant.ask('OPTIONS', '/sync/push');
      assert.equal(status, 204);
      assert.match(headers.get('access-control-allow-headers') ?? '', /Authorization/);
      assert.equal(headers.get('access-control-max-age'), '86400');
    },
  },
];

const LIVE: readonly Case[] = [
  {
    name: 'the others are told at once that there is something; the pusher and other tenants are not',
    async check(url) {
      const [tenant, other] = [new Tenant(url), new Tenant(url)];
      const open = (device: string, headers: Readonly<Record<string, string>>): Promise<Peer> => Peer.open(url, `/ws?device_id=${device}`, headers);
      const peers = [await open('a', tenant.headers), await open('b', tenant.headers), await open('c', other.headers)];
      const [a, b, c] = peers as [Peer, Peer, Peer];
      try {
        const { type, timestamp, data } = (await a.json()) as { type: string; timestamp: number; data: Record<string, unknown> };
        assert.deepEqual([type, typeof timestamp, data], ['subscribe', 'number', { message: 'Connected to sync relay', device_id: 'a', session_count: 1 }]);
        assert.equal(((await b.json()) as { data: Record<string, unknown> }).data['session_count'], 2);
        await c.json();
        await tenant.push('a', [newChange()]);
        const told = (await b.json()) as Record<string, unknown>;
        assert.deepEqual([told['type'], typeof told['timestamp'], told['data']], ['sync_available', 'number', { source_device: 'a' }]);
        assert.deepEqual(await a.during(), []);
        assert.deepEqual(await c.during(), []);
        await tenant.push('a', [{ id: 'broken' }]);
        assert.deepEqual(await b.during(), [], 'what was rejected is no news');
      } finally {
        for (const peer of peers) peer.close();
      }
    },
  },
  {
    name: 'a ping is answered, and the token may stand in the query',
    async check(url) {
      const peer = await Peer.open(url, `/ws?device_id=d&token=${randomUUID()}`);
      try {
        await peer.json();
        peer.say({ type: 'ping', timestamp: 1 });
        assert.equal(((await peer.json()) as { type: string }).type, 'pong');
        peer.say('garbage');
        assert.deepEqual(await peer.during(), []);
      } finally {
        peer.close();
      }
    },
  },
  {
    name: 'without a device the socket is refused with 400, without an upgrade with 426',
    async check(url) {
      const tenant = new Tenant(url);
      await assert.rejects(Peer.open(url, '/ws', tenant.headers), /400/);
      assert.equal((await tenant.ask('GET', '/ws?device_id=d')).status, 426);
    },
  },
];

export const CASES: readonly Case[] = [...SYNC, ...GOING, ...FORM, ...LIVE];
