// Engines over iroh: real endpoints on this machine, by direct addresses only; no relay and no discovery is asked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { EideticaSync, entryId, httpAddress, irohAddress, IrohTransport, MemoryEntryBackend } from '../../src/client/eidetica/node.js';
import type { Address, EideticaSyncOptions } from '../../src/client/eidetica/node.js';
import { loadIroh } from '../../src/client/eidetica/iroh/iroh-package.js';
import { child, history } from '../conformance/eidetica/client.js';
import { productBuilt } from '../support/relay-process.js';

const LOOPBACK = ['127.0.0.1:0', '[::1]:0'];
const isInstalled = await loadIroh().then(() => true, () => false);

interface Device {
  readonly sync: EideticaSync;
  readonly backend: MemoryEntryBackend;
  readonly iroh: IrohTransport;
}

describe.skipIf(!isInstalled)('engines over iroh (skipped unless @number0/iroh can be loaded here, see test/peers/iroh)', () => {
  const opened: Device[] = [];

  const device = async (seed: Uint8Array = randomBytes(32), options: Partial<EideticaSyncOptions> = {}): Promise<Device> => {
    const backend = new MemoryEntryBackend();
    const iroh = await IrohTransport.open({ seed, bind: LOOPBACK, timeoutMs: 3000 });
    const sync = await EideticaSync.open({ backend, seed, transports: [iroh], queue: { maxQueueAgeSecs: 0 }, flush: { checkIntervalSecs: 0.02 }, pullIntervalSecs: 0, ...options });
    opened.push({ sync, backend, iroh });
    return opened.at(-1)!;
  };

  const close = async ({ sync, iroh }: Device): Promise<void> => {
    await sync.close();
    await iroh.close();
  };

  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 20_000; !(await isSo()); ) {
      if (Date.now() > end) throw new Error('it never came to that');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  afterEach(() => Promise.all(opened.splice(0).map(close)));

  test('come together both ways, know who speaks, and go on when one was away', async () => {
    const askedSeed = randomBytes(32);
    const [asked, asking] = [await device(askedSeed), await device()];
    const { tree, ids, entries } = history('b', 50, (n) => `${n} ${'x'.repeat(2000)}`);
    await asked.backend.put(tree, ids.map((id, at) => ({ id, entry: entries[at]! })));
    const { address } = await asked.sync.startServer(asked.iroh);
    expect(address.address).toMatch(/"direct_addresses":\["127\.0\.0\.1:\d+","\[::1\]:\d+"\]/);
    const peer = await asking.sync.connectToPeer(address);
    expect(peer).toMatchObject({ publicKey: asked.sync.publicKey, isMutual: true, takesProofs: true });
    await expect(asking.sync.syncTree(peer.publicKey, tree)).rejects.toMatchObject({ code: 'peer_refused', message: /Tree not found/ });
    await asked.sync.addPeer(asking.sync.publicKey);
    await asked.sync.addTreeSync(asking.sync.publicKey, tree);
    expect((await asking.sync.syncTree(peer.publicKey, tree)).received).toEqual(ids);
    const entry = child('b', tree, [ids.at(-1)!], 'a commit');
    const id = entryId(entry, 'b');
    await asking.backend.put(tree, [{ id, entry }]);
    asking.sync.hooks.run({ tree, id });
    await until(async () => (await asked.backend.tips(tree))[0] === id);

    // The same device again, at another port: it is the same peer at one more address.
    await close(asked);
    opened.splice(opened.indexOf(asked), 1);
    await expect(asking.sync.syncTree(peer.publicKey, tree)).rejects.toMatchObject({ code: 'peer_unreachable', temporary: true });
    const again = await device(askedSeed);
    await again.sync.addPeer(asking.sync.publicKey);
    await again.sync.addTreeSync(asking.sync.publicKey, tree);
    const server = await again.sync.startServer(again.iroh);
    expect((await asking.sync.connectToPeer(server.address)).publicKey).toBe(peer.publicKey);
    await until(async () => (await again.backend.tips(tree))[0] === id);
  });

  test('a server that was closed takes nobody, and can be opened again', async () => {
    const [asked, asking] = [await device(), await device()];
    const first = await asked.sync.startServer(asked.iroh);
    await expect(asked.sync.startServer(asked.iroh)).rejects.toMatchObject({ code: 'cannot_listen' });
    await asking.sync.connectToPeer(first.address);
    await first.close();
    await expect(asking.sync.connectToPeer(first.address)).rejects.toMatchObject({ code: 'peer_unreachable' });
    const second = await asked.sync.startServer(asked.iroh);
    expect((await asking.sync.connectToPeer(second.address)).isMutual).toBe(true);
  });

  test('who pretends to be another endpoint is not connected to, and addresses are checked', async () => {
    const [asked, asking] = [await device(), await device()];
    const { address } = await asked.sync.startServer(asked.iroh);
    const { direct_addresses } = JSON.parse(address.address) as { direct_addresses: string[] };
    await expect(asking.sync.connectToPeer(irohAddress('1'.repeat(64), direct_addresses))).rejects.toMatchObject({ code: /^(peer_unreachable|bad_address)$/ });
    for (const text of ['nowhere', '{}', '{"node_id":"abc"}', JSON.stringify({ node_id: 'a'.repeat(64), direct_addresses: [7] })]) {
      await expect(asking.sync.connectToPeer({ transport_type: 'iroh', address: text })).rejects.toMatchObject({ code: 'bad_address' });
    }
    await expect(asking.sync.connectToPeer(httpAddress('127.0.0.1:1'))).rejects.toMatchObject({ code: 'no_way' });
  });

  test.skipIf(!productBuilt())('two processes exchange entries (skipped unless the product is built)', async () => {
    const here = await device();
    const { tree, ids, entries } = history('c', 5);
    await here.backend.put(tree, ids.map((id, at) => ({ id, entry: entries[at]! })));
    const program = `
      import { EideticaSync, IrohTransport, MemoryEntryBackend, openTrees } from ${JSON.stringify(join(import.meta.dirname, '../../dist/client/eidetica/node.js'))};
      const seed = crypto.getRandomValues(new Uint8Array(32));
      const iroh = await IrohTransport.open({ seed, bind: ${JSON.stringify(LOOPBACK)} });
      const sync = await EideticaSync.open({ backend: new MemoryEntryBackend(), seed, transports: [iroh], serving: { access: openTrees } });
      sync.on('served', ({ received }) => console.log(JSON.stringify(received)));
      console.log(JSON.stringify((await sync.startServer(iroh)).address));
      process.stdin.on('end', async () => { await sync.close(); await iroh.close(); }).resume();
    `;
    const other = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(other, 'exit');
    const lines = createInterface({ input: other.stdout })[Symbol.asyncIterator]();
    const { publicKey } = await here.sync.connectToPeer(JSON.parse(String((await lines.next()).value)) as Address);
    expect((await here.sync.syncTree(publicKey, tree)).sent).toBe(5);
    // What was asked for first, and the entries.
    const told = JSON.parse(String((await lines.next()).value)) as readonly string[];
    expect(told.length === 0 ? JSON.parse(String((await lines.next()).value)) : told).toEqual(ids);
    other.stdin.end();
    expect(await ended).toEqual([0, null]);
  });
});

test('without the package the error says what to install', async () => {
  await expect(loadIroh('@number0/iroh-that-is-not-there')).rejects.toMatchObject({ code: 'iroh_missing', hint: expect.stringContaining('npm install @number0/iroh') as unknown });
});
