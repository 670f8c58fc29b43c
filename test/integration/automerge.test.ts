// The automerge-repo adapter against the real relay: upstream's acceptance tests, and documents that outlive every device.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Repo } from '@automerge/automerge-repo';
import type { PeerId } from '@automerge/automerge-repo';
import { runNetworkAdapterTests } from '@automerge/automerge-repo/helpers/tests/network-adapter-tests.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SealrelayNetworkAdapter } from '../../src/automerge/node.js';
import type { AdapterOptions } from '../../src/automerge/node.js';
import { FileDeviceStore, MemoryDeviceStore, createSpace, openSpace } from '../../src/client/node.js';
import { joinSpace, offerPairing } from '../../src/client/pairing/node.js';
import type { Space } from '../../src/client/node.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { until } from '../support/test-space.js';

interface Note {
  text: string;
  more?: string;
}

describe.skipIf(!productBuilt())('the automerge adapter (skipped unless the product is built)', () => {
  let dir: string;
  let relay: RelayProcess;
  const adapters: SealrelayNetworkAdapter[] = [];
  const spaces: Space[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-automerge-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  });

  afterEach(async () => {
    for (const adapter of adapters.splice(0)) await adapter.close();
    for (const space of spaces.splice(0)) await space.close();
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function newLink(): Promise<string> {
    const space = await createSpace({ relay: relay.address });
    spaces.push(space);
    await space.whenSynced();
    return space.link!;
  }

  function adapter(link: string | undefined, options: Partial<AdapterOptions> = {}): SealrelayNetworkAdapter {
    const made = new SealrelayNetworkAdapter({ ...(link === undefined ? {} : { link }), batchWindowMs: 0, storage: null, ...options });
    adapters.push(made);
    return made;
  }

  // The tests of upstream wait for the first peer and expect it to be the other repo, so the log stays out of them.
  // One of them gives peers 50 ms to meet, which a busy machine may take.
  describe('upstream', { retry: 3 }, () => {
    runNetworkAdapterTests(async () => {
      const link = await newLink();
      const three = [1, 2, 3].map(() => adapter(link, { log: false }));
      return { adapters: three as [SealrelayNetworkAdapter, SealrelayNetworkAdapter, SealrelayNetworkAdapter] };
    }, 'repos that are online at the same time');
  });

  test('a document is found by a repo that comes when no other device is there', async () => {
    const link = await newLink();
    const first = adapter(link, { live: false });
    const alice = new Repo({ network: [first], peerId: 'alice' as PeerId });
    const note = alice.create<Note>({ text: 'written alone' });
    const space = await first.space;
    await until('it is in the log', () => space.size > 0 && !space.hasUnsyncedChanges);
    await first.close();

    const bob = new Repo({ network: [adapter(link, { live: false })], peerId: 'bob' as PeerId });
    const found = await bob.find<Note>(note.url);
    expect(found.doc().text).toBe('written alone');
  });

  test('changes on both sides meet over the log alone, and over pipes and the log together', { timeout: 120_000 }, async () => {
    for (const live of [false, true]) {
      const link = await newLink();
      const alice = new Repo({ network: [adapter(link, { live })], peerId: 'alice' as PeerId });
      const bob = new Repo({ network: [adapter(link, { live })], peerId: 'bob' as PeerId });
      const atAlice = alice.create<Note>({ text: 'a' });
      const atBob = await bob.find<Note>(atAlice.url);
      atBob.change((note) => void (note.more = 'from bob'));
      await until('alice has it', () => atAlice.doc().more === 'from bob');
      atAlice.change((note) => void (note.text = 'from alice'));
      await until('bob has it', () => atBob.doc().text === 'from alice');
    }
  });

  test('documents in files are there without a relay, and what was made offline reaches the others', async () => {
    const link = await newLink();
    const home = join(dir, 'device');
    const store = await FileDeviceStore.open(home);
    const first = adapter(link, { storage: store });
    const alice = new Repo({ network: [first], peerId: 'alice' as PeerId });
    const note = alice.create<Note>({ text: 'kept' });
    const space = await first.space;
    await until('it is in the log', () => space.size > 0 && !space.hasUnsyncedChanges);
    space.goOffline();
    note.change((draft) => void (draft.more = 'offline'));
    await until('it is in the outbox', () => space.hasUnsyncedChanges);
    await first.close();
    await store.close();

    const again = await FileDeviceStore.open(home);
    const second = adapter(link, { storage: again });
    const alice2 = new Repo({ network: [second], peerId: 'alice' as PeerId });
    (await second.whenReady(), await second.space).goOffline();
    expect((await alice2.find<Note>(note.url)).doc()).toEqual({ text: 'kept', more: 'offline' });
    (await second.space).goOnline();
    const bob = new Repo({ network: [adapter(link)], peerId: 'bob' as PeerId });
    const found = await bob.find<Note>(note.url);
    await until('bob has all', () => found.doc().more === 'offline');
    await second.close();
    await again.close();
  });

  test('a repo makes the space it is given a relay for, and one that joined by a code needs no link', async () => {
    const first = adapter(undefined, { storage: new MemoryDeviceStore(), relay: relay.address, create: true });
    const alice = new Repo({ network: [first], peerId: 'alice' as PeerId });
    const note = alice.create<Note>({ text: 'for two' });
    const space = await first.space;
    await until('it is in the log', () => space.size > 0 && !space.hasUnsyncedChanges);
    const offer = offerPairing({ space });
    await offer.offer();
    const storage = new MemoryDeviceStore();
    await (await joinSpace({ code: offer.getSnapshot().code ?? '', relay: relay.address, storage })).close();
    // Nobody else: the one that made the space is its first device.
    expect(space.devices()).toHaveLength(2);
    const bob = new Repo({ network: [adapter(undefined, { storage })], peerId: 'bob' as PeerId });
    expect((await bob.find<Note>(note.url)).doc().text).toBe('for two');
    expect(() => adapter(undefined)).toThrow('needs the link');
    expect(() => adapter('wss://sync.automerge.org')).toThrow(expect.objectContaining({ code: 'bad_link' }));
    offer.cancel();
    await offer.settled();
  });

  test('a document nobody has is called unavailable', async () => {
    const link = await newLink();
    const repo = new Repo({ network: [adapter(link)], peerId: 'alice' as PeerId });
    const other = new Repo({ peerId: 'elsewhere' as PeerId });
    await expect(repo.find(other.create<Note>({ text: 'x' }).url)).rejects.toThrow(/unavailable/);
  });

  test('entries that are no documents are told of and do no harm', async () => {
    const link = await newLink();
    const errors: string[] = [];
    const repo = new Repo({ network: [adapter(link, { onError: ({ code }) => errors.push(code) })], peerId: 'alice' as PeerId });
    const stranger = await openSpace({ link });
    spaces.push(stranger);
    await stranger.push(new Uint8Array([200, 1, 2])).durable('relay');
    await until('it is told', () => errors.includes('change_rejected'));
    const note = repo.create<Note>({ text: 'still works' });
    const bob = new Repo({ network: [adapter(link)], peerId: 'bob' as PeerId });
    expect((await bob.find<Note>(note.url)).doc().text).toBe('still works');
  });
});
