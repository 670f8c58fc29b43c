// Eidetica on the real product: what was acknowledged survives a kill, the relay's key stays its own, limits and switches come from
// the configuration.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entryId } from '../../src/client/eidetica/entry.js';
import { child, Device, history, Peer, root, syncTree } from '../conformance/eidetica/client.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';

describe.skipIf(!productBuilt())('Eidetica on the product (skipped unless it is built)', () => {
  let dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-eidetica-'));
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const start = async (name: string, env: Readonly<Record<string, string>> = {}): Promise<{ url: URL; kill: () => Promise<void>; stop: () => Promise<number | null> }> => {
    const relay = await startRelay({ dataDir: join(dir, name), port: await freePort(), env });
    return { url: new URL(`http://127.0.0.1:${relay.port}`), kill: () => relay.kill(), stop: () => relay.stop() };
  };

  test('what was acknowledged is there after a kill, under load, waiting entries included, and the key is the one in its private file', async () => {
    const before = await start('kill');
    const key = (await new Peer(before.url).handshake(0)).public_key;
    const file = join(dir, 'kill', 'peer.key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await Device.create(Buffer.from(readFileSync(file, 'utf8').trim(), 'hex'))).publicKey).toBe(key);
    const run = { isOver: false };
    const trees = Array.from({ length: 8 }, (_, n) => ({ ...history('b', 1, () => `tree ${n}`), acknowledged: [] as string[] }));
    const push = async (tree: (typeof trees)[number]): Promise<void> => {
      const peer = new Peer(before.url);
      let last = tree.tree;
      while (!run.isOver) {
        const parent = child('b', tree.tree, [last], String(tree.acknowledged.length));
        const parentId = entryId(parent, 'b');
        const orphan = child('b', tree.tree, [parentId], 'behind it');
        last = entryId(orphan, 'b');
        // The child alone first: it waits until the next request brings its parent.
        for (const [entries, ids] of [[[orphan], []], [[parent, ...tree.entries], [parentId, last]]] as const) {
          const answer = await peer.send(entries).catch(() => null);
          if (answer === null) return;
          assert.ok(answer === 'Ack' || 'Count' in (answer as object), JSON.stringify(answer));
          tree.acknowledged.push(...ids);
        }
      }
    };
    const pushing = trees.map(push);
    while (trees.some(({ acknowledged }) => acknowledged.length < 20)) await new Promise((resolve) => setTimeout(resolve, 5));
    await before.kill();
    run.isOver = true;
    await Promise.all(pushing);
    for (const moment of ['after the kill', 'after a stop']) {
      const after = await start('kill');
      const peer = new Peer(after.url);
      expect((await peer.handshake(0)).public_key, moment).toBe(key);
      for (const { tree, acknowledged } of trees) {
        const held = new Set((await peer.bootstrap(tree)).all_entries.map((entry) => entryId(entry, 'b')));
        assert.deepEqual(acknowledged.filter((id) => !held.has(id)), [], moment);
      }
      expect(await after.stop()).toBe(0);
    }
  });

  test('limits and switches come from the configuration', async () => {
    const relay = await start('limits', { RELAY_COMPAT_EIDETICA_QUOTA: '1MiB', RELAY_COMPAT_EIDETICA_BODY_MAX: '2MiB', RELAY_COMPAT_EIDETICA_PROOF: 'on' });
    const peer = new Peer(relay.url);
    const { entries } = history('b', 3, () => 'x'.repeat(600_000));
    assert.match(await peer.error({ SendEntries: entries }), /^1 of 3 entries refused, .*the storage quota is exceeded$/);
    expect((await peer.raw(JSON.stringify({ SendEntries: [child('b', 'sha256:', [], 'x'.repeat(2 * 1024 * 1024))] }))).status).toBe(413);
    const device = await Device.create();
    const first = await device.signed(root('c'));
    const tree = entryId(first, 'c');
    await peer.send([first]);
    assert.equal(await peer.error(syncTree(tree, [])), `Authentication required to read database '${tree}'`);
    const proof = await device.proof((await peer.handshake(0)).public_key, tree, []);
    assert.deepEqual((await peer.bootstrap(tree, proof)).root_entry, first);
    // A used proof stays used over a restart.
    await relay.stop();
    const again = await start('limits', { RELAY_COMPAT_EIDETICA_PROOF: 'on' });
    assert.equal(await new Peer(again.url).error(syncTree(tree, [], proof)), 'Authentication failed: request nonce already spent');
    await again.stop();
  });

  test('a system that is off is not there, and one that wants a token says so', async () => {
    const [off, closed] = await Promise.all([start('off', { RELAY_COMPAT_EIDETICA: 'off' }), start('closed', { RELAY_COMPAT_EIDETICA_TOKENLESS: 'off' })]);
    expect((await new Peer(off.url).raw('{}')).status).toBe(404);
    expect((await new Peer(closed.url).raw('{}')).status).toBe(401);
    // As a peer sends what stands before the host of its address.
    const basic = `Basic ${Buffer.from('the-token:').toString('base64')}`;
    const { entries } = history('b', 2);
    const answer = await new Peer(closed.url).raw(JSON.stringify({ SendEntries: entries }), { 'content-type': 'application/json', authorization: basic });
    expect(JSON.parse(answer.text)).toEqual({ Count: 2 });
    expect((await new Peer(closed.url, 'the-token').handshake(0)).available_trees).toHaveLength(1);
    await Promise.all([off.stop(), closed.stop()]);
  });
});
