// The Yjs provider against the real relay: documents, presence, going away and coming back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import * as Y from 'yjs';
import { FileDeviceStore, MemoryDeviceStore, createSpace } from '../../src/client/node.js';
import type { DeviceStore } from '../../src/client/node.js';
import { EPHEMERAL_PAYLOAD_BYTES_MAX } from '../../src/client/live/index.js';
import { WebsocketProvider } from '../../src/yjs/node.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { until } from '../support/test-space.js';

describe.skipIf(!productBuilt())('the Yjs provider (skipped unless the product is built)', () => {
  let dir: string;
  let relay: RelayProcess;
  let link: string;
  const open: WebsocketProvider[] = [];
  const troubles: string[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-yjs-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    const home = await createSpace({ relay: relay.address });
    link = home.link!;
    await home.close();
  });

  afterEach(async () => {
    const closing = open.splice(0).map(async (provider) => {
      const space = await provider.space;
      provider.destroy();
      await until('the space is closed', () => space.status.status === 'closed');
    });
    await Promise.all(closing);
    expect(troubles.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function provide(room: string, doc = new Y.Doc(), storage: DeviceStore | null = null, connect = true): WebsocketProvider {
    const provider = new WebsocketProvider(link, room, doc, { storage, connect, batchWindowMs: 0 });
    provider.on('connection-error', ({ code }) => troubles.push(code));
    open.push(provider);
    return provider;
  }

  const text = (provider: WebsocketProvider): string => provider.doc.getText('t').toString();
  const type = (provider: WebsocketProvider, at: number, what: string): void => provider.doc.getText('t').insert(at, what);

  test('two documents of one room become equal, and say when they are synced', async () => {
    const a = provide('equal');
    const b = provide('equal');
    const told: boolean[] = [];
    b.on('sync', (isSynced) => told.push(isSynced));
    type(a, 0, 'hello');
    await until('b reads', () => text(b) === 'hello');
    type(b, 5, ' world');
    await until('a reads', () => text(a) === 'hello world');
    await until('both are synced', () => a.synced && b.synced);
    expect(told).toContain(true);
    expect(a.hasUnsyncedChanges).toBe(false);
  });

  test('what the documents held before they met is merged', async () => {
    const [one, two] = [new Y.Doc(), new Y.Doc()];
    one.getMap('m').set('one', 1);
    two.getMap('m').set('two', 2);
    provide('before', one);
    provide('before', two);
    await until('both have both', () => [one, two].every((doc) => doc.getMap('m').size === 2));
  });

  test('a document that was offline comes back with what it typed', async () => {
    const a = provide('offline');
    const b = provide('offline');
    type(a, 0, 'x');
    await until('b reads', () => text(b) === 'x');
    const statuses: string[] = [];
    b.on('status', ({ status }) => statuses.push(status));
    b.disconnect();
    type(b, 1, 'y');
    type(a, 0, 'w');
    expect(b.hasUnsyncedChanges).toBe(true);
    b.connect();
    await until('both have all', () => text(a) === 'wxy' && text(b) === 'wxy');
    expect(statuses).toEqual(expect.arrayContaining(['disconnected', 'connecting', 'connected']));
  });

  test('presence is shown to others, and ends with the connection', async () => {
    const a = provide('presence');
    const b = provide('presence');
    a.awareness.setLocalStateField('name', 'Ada');
    await until('b sees Ada', () => [...b.awareness.getStates().values()].some((state) => state['name'] === 'Ada'));
    b.awareness.setLocalStateField('name', 'Bob');
    await until('a sees Bob', () => [...a.awareness.getStates().values()].some((state) => state['name'] === 'Bob'));
    a.awareness.setLocalStateField('photo', 'x'.repeat(EPHEMERAL_PAYLOAD_BYTES_MAX));
    a.awareness.setLocalStateField('name', 'still too large');
    expect(troubles.splice(0)).toEqual(['item_too_large']);
    a.awareness.setLocalState({ name: 'Ada' });
    a.disconnect();
    expect(a.awareness.getStates().size).toBe(1);
    a.connect();
    await until('a sees Bob again', () => a.awareness.getStates().size === 2);
    a.awareness.setLocalState(null);
    await until('b sees that Ada left', () => b.awareness.getStates().size === 1);
  });

  test('a document in files is there after a restart, without the relay and with what was typed offline', async () => {
    const home = join(dir, 'device');
    const store = await FileDeviceStore.open(home);
    const a = provide('files', new Y.Doc(), store);
    type(a, 0, 'kept');
    await until('a is synced', () => a.synced);
    a.disconnect();
    type(a, 4, ' here');
    const space = await a.space;
    a.destroy();
    open.splice(0);
    await until('it is closed', () => space.status.status === 'closed');
    await store.close();

    const again = await FileDeviceStore.open(home);
    const b = provide('files', new Y.Doc(), again, false);
    await b.space;
    expect(text(b)).toBe('kept here');
    const c = provide('files');
    b.connect();
    await until('the others get it', () => text(c) === 'kept here');
    expect(b.awareness.clientID).not.toBe(a.awareness.clientID);
  });

  test('a change that was stored but not sealed when the device died is pushed by its next life', async () => {
    const storage = new MemoryDeviceStore();
    const dead = new MemoryDeviceStore();
    // The journal is what survives; the outbox dies with the process before it took anything.
    const crashing: DeviceStore = { outbox: dead.outbox, journal: storage.journal, load: () => storage.load(), save: (state) => storage.save(state) };
    const a = provide('crash', new Y.Doc(), crashing);
    await until('a is synced', () => a.synced);
    a.disconnect();
    type(a, 0, 'nearly lost');
    await a.space;
    await vi.waitUntil(async () => (await storage.journal.load()).length > 0);
    const b = provide('crash', new Y.Doc(), storage);
    const c = provide('crash');
    await until('the others get it', () => text(c) === 'nearly lost');
    expect(text(b)).toBe('nearly lost');
  });
});
