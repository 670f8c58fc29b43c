// The sync engine against the real relay: two devices that know each other by it alone, a relay that goes and comes back, a device that
// is started again.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entryId } from '../../src/client/eidetica/entry.js';
import type { Dialect, Entry } from '../../src/client/eidetica/entry.js';
import { EideticaSync, FileDeviceStore, httpAddress, MemoryEntryBackend } from '../../src/client/eidetica/node.js';
import type { EideticaSyncOptions } from '../../src/client/eidetica/node.js';
import { child, Device, root } from '../conformance/eidetica/client.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';

const QUICK: Partial<EideticaSyncOptions> = { queue: { maxQueueAgeSecs: 0 }, flush: { checkIntervalSecs: 0.05 }, pullIntervalSecs: 0.2 };

/** An app that commits to one tree. */
class App {
  readonly backend = new MemoryEntryBackend();
  sync!: EideticaSync;
  peer!: string;
  readonly #dialect: Dialect;
  readonly #seed: Uint8Array = randomBytes(32);

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  async open(address: string, options: Partial<EideticaSyncOptions> = {}): Promise<boolean> {
    this.sync = await EideticaSync.open({ backend: this.backend, seed: this.#seed, ...QUICK, ...options });
    const { publicKey, isMutual } = await this.sync.connectToPeer(httpAddress(address));
    this.peer = publicKey;
    return isMutual;
  }

  async commit(tree: string, entry: Entry): Promise<string> {
    const id = entryId(entry, this.#dialect);
    await this.backend.put(tree, [{ id, entry }]);
    this.sync.hooks.run({ tree, id });
    return id;
  }

  async waitFor(id: string, msMax = 8000): Promise<void> {
    for (const end = Date.now() + msMax; (await this.backend.get(id)) === undefined; ) {
      if (Date.now() > end) throw new Error(`not there: ${id}; ${JSON.stringify(this.sync.history().slice(-3))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe.skipIf(!productBuilt())('the sync engine on the product (skipped unless it is built)', () => {
  let dir: string;
  let port: number;
  let relay: Awaited<ReturnType<typeof startRelay>>;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-eidetica-client-'));
    port = await freePort();
    relay = await startRelay({ dataDir: join(dir, 'data'), port });
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test.each<Dialect>(['b', 'c'])('two devices come together in dialect %s, and both sides prove their keys', async (dialect) => {
    const [one, other] = [new App(dialect), new App(dialect)];
    const signer = await Device.create();
    for (const app of [one, other]) expect(await app.open(`127.0.0.1:${port}`, { requireMutual: true })).toBe(true);
    const first = await signer.signed(root(dialect));
    const tree = entryId(first, dialect);
    await one.backend.put(tree, [{ id: tree, entry: first }]);
    await one.sync.addTreeSync(one.peer, tree);
    await one.sync.syncTree(one.peer, tree);
    await other.sync.syncTree(other.peer, tree);
    const left = await one.commit(tree, await signer.signed(child(dialect, tree, [tree], 'left')));
    const right = await other.commit(tree, await signer.signed(child(dialect, tree, [tree], 'right')));
    await Promise.all([one.waitFor(right), other.waitFor(left)]);
    const merge = await other.commit(tree, await signer.signed(child(dialect, tree, [left, right], 'merge', 2)));
    await one.waitFor(merge);
    assert.deepEqual([await one.backend.tips(tree), await other.backend.tips(tree)], [[merge], [merge]]);
    // A handshake that proved the key is told the trees it signed in; these devices signed none.
    expect(one.sync.peers()[0]?.isMutual).toBe(true);
    await Promise.all([one.sync.close(), other.sync.close()]);
  });

  test('a relay that was killed gets what it missed when it is back, from a device that was started again meanwhile', async () => {
    const app = new App('b');
    const first = root('b');
    const tree = entryId(first, 'b');
    await app.backend.put(tree, [{ id: tree, entry: first }]);
    const store = await FileDeviceStore.open(join(dir, 'device'));
    await app.open(`127.0.0.1:${port}`, { journal: store.journal });
    await app.sync.syncTree(app.peer, tree);
    await relay.kill();
    const ids = [tree];
    for (let n = 0; n < 50; n += 1) ids.push(await app.commit(tree, child('b', tree, [ids.at(-1)!], String(n))));
    expect((await app.sync.flush()).map(({ error }) => error?.code)).toEqual(['peer_unreachable']);
    await app.sync.close();
    await store.close();

    const again = await FileDeviceStore.open(join(dir, 'device'));
    app.sync = await EideticaSync.open({ backend: app.backend, seed: randomBytes(32), journal: again.journal, ...QUICK });
    expect([app.sync.peers().map(({ publicKey }) => publicKey), app.sync.treesOf(app.peer)]).toEqual([[app.peer], [tree]]);
    relay = await startRelay({ dataDir: join(dir, 'data'), port });
    const backAt = Date.now();
    const other = new App('b');
    await other.open(`127.0.0.1:${port}`);
    await other.sync.addTreeSync(other.peer, tree);
    await other.waitFor(ids.at(-1)!, 30_000);
    expect(Date.now() - backAt).toBeLessThan(30_000);
    await Promise.all([app.sync.close(), other.sync.close()]);
    await again.close();
  }, 60_000);

  test('a token stands before the host, and a wrong address is named', async () => {
    const app = new App('b');
    await app.open(`device:a-token@127.0.0.1:${port}`);
    const first = root('b');
    const tree = entryId(first, 'b');
    await app.backend.put(tree, [{ id: tree, entry: first }]);
    await app.sync.syncTree(app.peer, tree);
    const { trees } = await app.sync.connectToPeer(httpAddress(`http://:a-token@127.0.0.1:${port}`));
    expect(trees.map(({ treeId }) => treeId)).toEqual([tree]);
    await expect(app.sync.connectToPeer(httpAddress('127.0.0.1:1'))).rejects.toMatchObject({ code: 'peer_unreachable' });
    await expect(app.sync.connectToPeer(httpAddress('://'))).rejects.toMatchObject({ code: 'bad_address' });
    await app.sync.close();
  });
});
