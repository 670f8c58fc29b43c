// How a device comes to a room of Yjs: while the relay is away, with a token, by a code instead of a link, and with what an app of y-websocket has in its hands.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import * as Y from 'yjs';
import { FileDeviceStore, MemoryDeviceStore, createSpace, roomLinkOf } from '../../src/client/node.js';
import { platformEnvironment } from '../../src/client/environment.js';
import { joinSpace, offerPairing } from '../../src/client/pairing/node.js';
import { ENROLL_TIMEOUT_MS } from '../../src/client/space/open.js';
import { HASTY } from '../../src/testing/fake-clock.js';
import { WebsocketProvider } from '../../src/yjs/node.js';
import type { ProviderOptions } from '../../src/yjs/node.js';
import { inviteToken } from '../support/invite-token.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { until } from '../support/test-space.js';

const platform = platformEnvironment();
/** Comes back soon, and takes a relay for away after a moment. */
const IMPATIENT = { ...HASTY, after: (delayMs: number, call: () => void) => platform.after(delayMs === ENROLL_TIMEOUT_MS ? 200 : delayMs, call) };

describe.skipIf(!productBuilt())('a room of Yjs (skipped unless the product is built)', () => {
  let dir: string;
  let place: { readonly dataDir: string; readonly port: number; readonly env: Readonly<Record<string, string>> };
  let relay: RelayProcess;
  let link: string;
  let token: string;
  const open: WebsocketProvider[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-yjs-rooms-'));
    place = { dataDir: join(dir, 'data'), port: await freePort(), env: { RELAY_ADMISSION: 'invite' } };
    relay = await startRelay(place);
    token = inviteToken(place.dataDir, '--uses', '10');
    const home = await createSpace({ relay: relay.address });
    link = home.link ?? '';
    await home.close();
  });
  afterEach(() => {
    for (const provider of open.splice(0)) provider.destroy();
  });
  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function provide(at: string | null, room: string, options: ProviderOptions = {}): WebsocketProvider {
    const provider = new WebsocketProvider(at, room, new Y.Doc(), { storage: null, batchWindowMs: 0, environment: IMPATIENT, admission: { token }, ...options });
    open.push(provider);
    return provider;
  }

  const text = ({ doc }: WebsocketProvider): string => doc.getText('t').toString();

  test('a relay that asks for a token is given it by who makes the room; without one that is said', async () => {
    const reported: unknown[] = [];
    vi.stubGlobal('reportError', (cause: unknown) => reported.push(cause));
    const refused = new WebsocketProvider(link, 'asked', new Y.Doc(), { storage: null });
    await expect(refused.space).rejects.toMatchObject({ code: 'admission_required' });
    // Nobody listens to `connection-error`.
    expect(reported).toEqual([expect.objectContaining({ code: 'admission_required' })]);
    vi.unstubAllGlobals();
    refused.destroy();
    const made = provide(link, 'asked');
    await until('it is made', () => made.synced);
  });

  test('a relay that is away when a device comes first is waited for, and what is typed meanwhile outlives the program', async () => {
    const home = join(dir, 'device');
    const store = await FileDeviceStore.open(home);
    await relay.stop();
    const told: string[] = [];
    const first = provide(link, 'away', { storage: store });
    first.on('connection-error', ({ code, temporary }) => told.push(`${code} ${temporary}`));
    first.doc.getText('t').insert(0, 'typed');
    await until('it is told', () => told.length > 0);
    first.doc.getText('t').insert(5, ' far from everybody');
    expect([told, first.hasUnsyncedChanges, first.synced]).toEqual([['relay_unreachable true'], true, false]);
    await vi.waitUntil(async () => (await store.journal.load()).length === 2);
    first.destroy();
    await expect(first.space).rejects.toMatchObject({ code: 'closed' });
    await store.close();

    const again = await FileDeviceStore.open(home);
    const second = provide(link, 'away', { storage: again });
    await until('what was typed is there', () => text(second) === 'typed far from everybody');
    second.doc.getText('t').insert(0, 'I ');
    relay = await startRelay(place);
    await until('the relay has it', () => second.synced);
    const other = provide(link, 'away');
    await until('the others have it', () => text(other) === 'I typed far from everybody');
    await (await second.space).close();
    second.destroy();
    await again.close();
  }, 120_000);

  test('who is told of `sync` has all that the relay holds, at the first time and after each loss of the connection', async () => {
    const author = provide(link, 'full');
    const words = (count: number): void => {
      for (let at = 0; at < count; at += 1) author.doc.getText('t').insert(text(author).length, 'word ');
    };
    words(200);
    await until('it is stored', () => author.synced);
    const reader = provide(link, 'full');
    const had: number[] = [];
    reader.on('sync', (isSynced) => isSynced && had.push(text(reader).length));
    await until('it is told', () => had.length === 1);
    reader.disconnect();
    words(200);
    await until('it is stored', () => author.synced);
    reader.connect();
    await until('it is told again', () => had.length === 2);
    expect(had).toEqual([1000, 2000]);
  });

  test('a device that joined by a code needs no link', async () => {
    const laptop = provide(link, 'paired');
    laptop.doc.getText('t').insert(0, 'hello');
    await until('it is there', () => laptop.synced);
    const offer = offerPairing({ space: await laptop.members });
    await offer.offer();
    const storage = new MemoryDeviceStore();
    const joined = await joinSpace({ code: offer.getSnapshot().code ?? '', relay: relay.address, storage, deviceName: 'Phone' });
    expect([joined.link, joined.id]).toEqual([null, (await laptop.space).id]);
    await joined.close();
    const phone = provide(null, 'paired', { storage });
    await until('it reads', () => text(phone) === 'hello');
    phone.doc.getText('t').insert(5, ' there');
    await until('it writes', () => text(laptop) === 'hello there');
    expect(() => provide(null, 'paired')).toThrow('needs the storage');
  });

  test('what an app gives y-websocket, and listens to there, does here; an address of a server is refused at once', async () => {
    const made: string[] = [];
    class Polyfill extends WebSocket {
      constructor(url: string) {
        super(url);
        made.push(url);
      }
    }
    const provider = provide(link, 'moved', { WebSocketPolyfill: Polyfill, params: { user: 'ada' }, protocols: [], resyncInterval: -1, maxBackoffTime: 2500, disableBc: false });
    const told: string[] = [];
    provider.on('status', ({ status }) => told.push(status));
    provider.on('synced', (isSynced) => told.push(`synced ${isSynced}`));
    provider.on('sync', (isSynced) => told.push(`sync ${isSynced}`));
    provider.on('connection-close', (event, from) => told.push(`closed ${event} ${from === provider}`));
    await until('it is synced', () => provider.synced);
    provider.disconnect();
    await until('it is closed', () => !provider.wsconnected);
    expect(told).toEqual(['connecting', 'connected', 'synced true', 'sync true', 'disconnected', 'closed null true', 'synced false', 'sync false']);
    expect(made.length).toBeGreaterThan(0);
    expect(made.join()).not.toContain('ada');
    expect(() => provide('wss://demos.yjs.dev/ws', 'moved')).toThrow('that is the address of a server');
    expect(() => provide('sealrelay://nowhere', 'moved')).toThrow(expect.objectContaining({ code: 'bad_link' }));
    expect(roomLinkOf(link, 'moved')).not.toBe(link);
  });
});
