// GUN on the product: one connection does not hold up another, idle ones cost little, and what an operator refuses is refused.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newUser, signed, STATE } from '../conformance/gun/cases.js';
import { type Heard, newId, newSoul, node, withGraphs } from '../conformance/gun/graph.js';
import { Peer } from '../conformance/socket.js';
import { GunClient } from '../support/gun-client.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const SIGNED_VALUES = 20_000;
const IDLE_SOCKETS = 1000;
/** Resident bytes that one more idle connection with a subscription may cost: three runs measured 6.2 to 6.4 kB, and the allocator takes memory in pieces. */
const IDLE_BYTES_MAX = 2 * 6400;

function residentBytes(pid: number): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

describe.skipIf(!productBuilt())('limits of GUN (skipped unless the product is built)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-gun-limits-'));
  const relays: RelayProcess[] = [];
  let relay: RelayProcess;
  let url: URL;

  const start = async (name: string, env: Readonly<Record<string, string>>): Promise<RelayProcess> => {
    const started = await startRelay({ dataDir: join(dir, name), port: await freePort(), env: { RELAY_COMPAT_PLURES: 'off', ...env } });
    relays.push(started);
    return started;
  };

  beforeAll(async () => {
    // One thread moves data, so all connections share it.
    relay = await start('one-thread', { RELAY_WORKERS: '1' });
    url = new URL(`http://127.0.0.1:${relay.port}`);
  });
  afterAll(async () => {
    for (const each of relays) await each.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it(`a frame of ${SIGNED_VALUES} signed values is checked while another connection on the same thread is answered`, () =>
    withGraphs(url, 2, async (writer, other) => {
      const user = newUser();
      const soul = `~${user.pub}/notes`;
      const put = node(soul, { a: signed(user, soul, 'a', 'text') }, STATE);
      const ids = Array.from({ length: SIGNED_VALUES }, () => newId());
      let isDone = false;
      const last = writer!.answerTo(ids.at(-1)!).then((answer) => ((isDone = true), answer));
      writer!.say(ids.map((id) => ({ '#': id, put })));
      for (let n = 0; n < 5; n += 1) await other!.stored(node(newSoul(), { n }, STATE));
      expect(isDone).toBe(false);
      expect((await last).ok).toBe(true);
    }));

  it(`${IDLE_SOCKETS} connections that only listen cost little each`, async () => {
    const soul = newSoul();
    await withGraphs(url, 1, async (peer) => peer!.stored(node(soul, { a: 1 }, STATE)));
    const open = async (count: number): Promise<Peer[]> => {
      const peers: Peer[] = [];
      for (let n = 0; n < count; n += 100) {
        const some = await Promise.all(Array.from({ length: Math.min(100, count - n) }, () => Peer.open(url, '/gun')));
        for (const peer of some) peer.say({ '#': newId(), get: { '#': soul } });
        for (const peer of some) while (((await peer.json()) as Heard).put === undefined);
        peers.push(...some);
      }
      return peers;
    };
    const peers = await open(200);
    const before = residentBytes(relay.pid);
    peers.push(...(await open(IDLE_SOCKETS)));
    const each = (residentBytes(relay.pid) - before) / IDLE_SOCKETS;
    expect(each).toBeLessThan(IDLE_BYTES_MAX);
    // They are not forgotten: a change comes to every one of them.
    await withGraphs(url, 1, async (peer) => peer!.stored(node(soul, { a: 2 }, STATE + 1)));
    for (const peer of peers) while (((await peer.json()) as Heard).put?.[soul]?.['a'] !== 2);
    for (const peer of peers) peer.socket.terminate();
  });

  it.each([
    ['sealed', 'RELAY_COMPAT_GUN_SEALED_ONLY', 'This relay keeps encrypted values only!'],
    ['signed', 'RELAY_COMPAT_GUN_SIGNED_ONLY', 'This relay keeps signed values only!'],
  ] as const)('with %s-only a stock client is told what is refused, and what may be kept is', async (name, option, refusal) => {
    const strict = await start(name, { [option]: 'true' });
    const client = await GunClient.start('gun', `http://127.0.0.1:${strict.port}/gun`);
    try {
      const open = await client.until(client.begin('put', { path: [`open-${name}`], value: { text: 'readable' } }), () => true);
      expect(open.err).toBe(refusal);
      const alias = `alice${randomBytes(4).toString('hex')}`;
      await client.done('create', { alias, password: 'a long password' });
      await client.done('auth', { alias, password: 'a long password' });
      if (name === 'signed') {
        await client.done('own', { path: ['profile'], value: { city: 'Bern' } });
      } else {
        const sealed = 'SEA{"ct":"AQID","iv":"AQID","s":"AQID"}';
        await client.done('put', { path: ['sealed'], value: { text: sealed } });
        await client.until(client.begin('own', { path: ['profile'], value: { city: 'readable' } }), ({ err }) => err === refusal);
      }
      const files = readdirSync(join(dir, name), { withFileTypes: true, recursive: true });
      const bytes = files.filter((file) => file.isFile()).map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('\n');
      expect(bytes).not.toContain('readable');
    } finally {
      client.end();
    }
  });
});
