// The sync engine: when commits are sent, what failures cost, and what a restart remembers.
import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryEntryBackend } from '../../../../src/client/eidetica/entry-backend.js';
import { EideticaSync } from '../../../../src/client/eidetica/eidetica-sync.js';
import type { EideticaSyncOptions } from '../../../../src/client/eidetica/eidetica-sync.js';
import { entryId } from '../../../../src/client/eidetica/entry.js';
import type { Entry } from '../../../../src/client/eidetica/entry.js';
import { HISTORY_MAX, QUEUED_IDS_MAX } from '../../../../src/client/eidetica/limits.js';
import type { ClientError } from '../../../../src/client/client-error.js';
import { MemoryJournal } from '../../../../src/client/store/journal.js';
import { child, history } from '../../../conformance/eidetica/client.js';
import { ADDRESS, PeerDouble, settled, TestClock } from './peer-double.js';

const SEED = new Uint8Array(32).fill(5);

/** An app with one tree, and a peer. */
class App {
  readonly clock: TestClock;
  readonly backend: MemoryEntryBackend;
  readonly journal: MemoryJournal;
  readonly peer: PeerDouble;
  readonly tree: string;
  sync!: EideticaSync;
  #last: string;

  private constructor(peer: PeerDouble, clock: TestClock, backend: MemoryEntryBackend, journal: MemoryJournal, tree: string) {
    [this.peer, this.clock, this.backend, this.journal, this.tree, this.#last] = [peer, clock, backend, journal, tree, tree];
  }

  static async create(options: Partial<EideticaSyncOptions> = {}): Promise<App> {
    const { tree, entries } = history('b', 1);
    const app = new App(await PeerDouble.create(), new TestClock(), new MemoryEntryBackend(), new MemoryJournal(), tree);
    await app.backend.put(tree, [{ id: tree, entry: entries[0]! }]);
    await app.open(options);
    await app.sync.connectToPeer(ADDRESS);
    await app.sync.addTreeSync(app.key, tree);
    await app.clock.pass(1000);
    app.peer.requests.length = 0;
    return app;
  }

  get key(): string {
    return this.peer.identity.publicKey;
  }

  async open(options: Partial<EideticaSyncOptions> = {}): Promise<void> {
    this.sync = await EideticaSync.open({ backend: this.backend, seed: SEED, journal: this.journal, transports: [this.peer], environment: this.clock, pullIntervalSecs: 0, ...options });
  }

  /** Stores an entry behind the last one and runs the hooks. */
  async commit(data: string): Promise<string> {
    const entry = child('b', this.tree, [this.#last], data);
    this.#last = entryId(entry, 'b');
    await this.backend.put(this.tree, [{ id: this.#last, entry }]);
    this.sync.hooks.run({ tree: this.tree, id: this.#last });
    return this.#last;
  }

  async commits(count: number): Promise<string> {
    for (let n = 1; n < count; n += 1) await this.commit(String(n));
    return this.commit('last');
  }

  peerHas(id: string): Promise<boolean> {
    return this.peer.backend.get(id).then((entry) => entry !== undefined);
  }
}

describe('sending', () => {
  test('a commit is sent once it is old enough, or at once when enough of them wait', async () => {
    const app = await App.create({ queue: { maxQueueSize: 10, maxQueueAgeSecs: 5, batchSize: 4 } });
    const first = await app.commit('alone');
    await app.clock.pass(4000);
    expect(app.peer.sends).toHaveLength(0);
    await app.clock.pass(2000);
    expect(await app.peerHas(first)).toBe(true);
    const last = await app.commits(10);
    await app.clock.pass(0);
    expect(await app.peerHas(last)).toBe(true);
    expect(app.peer.sends.map((entries) => entries.length)).toEqual([1, 4, 4, 2]);
  });

  test('flush sends now, and nothing is sent without it where the worker is off', async () => {
    const app = await App.create({ flush: { enabled: false } });
    const id = await app.commit('x');
    await app.clock.pass(60_000, 5000);
    expect(app.peer.requests).toHaveLength(0);
    const flushed = app.sync.flush();
    await app.clock.pass(0);
    expect((await flushed).map(({ error }) => error)).toEqual([null]);
    expect(await app.peerHas(id)).toBe(true);
    expect(app.sync.statistics().waiting).toBe(0);
  });

  test('a hook that fails fails neither the commit nor the engine', async () => {
    const heard: unknown[] = [];
    const app = await App.create({ failed: (cause) => heard.push(cause) });
    app.sync.hooks.add(() => {
      throw new Error('a hook of the app');
    });
    const seen: string[] = [];
    app.sync.hooks.add(({ id }) => seen.push(id));
    const id = await app.commit('x');
    await app.clock.pass(6000);
    expect([seen, heard.length, await app.peerHas(id)]).toEqual([[id], 1, true]);
    // Also once the engine is closed.
    await app.sync.close();
    await app.commit('after the end');
    expect((heard.at(1) as Error).message).toBe('the sync engine is closed');
  });

  test('what does not fit into the queue is found by a comparison', async () => {
    const app = await App.create({ queue: { maxQueueSize: 10_000, maxQueueAgeSecs: 1 } });
    app.peer.mood = 'away';
    const last = await app.commits(QUEUED_IDS_MAX + 5);
    await app.clock.pass(0);
    expect(app.sync.statistics().waiting).toBe(1);
    app.peer.mood = 'well';
    await app.clock.pass(15_000);
    expect(await app.peerHas(last)).toBe(true);
    expect(app.peer.backend.size).toBe(app.backend.size);
  });

  test('a tree that is no longer synced is left alone', async () => {
    const app = await App.create();
    await app.sync.removeTreeSync(app.key, app.tree);
    await app.commit('x');
    await app.clock.pass(10_000);
    expect(app.peer.requests).toHaveLength(0);
    await app.sync.removePeer(app.key);
    expect([app.sync.peers(), app.sync.statistics().relationships]).toEqual([[], 0]);
  });
});

describe('failures', () => {
  test('attempts wait 2, 4, 8 … 64 seconds, and nothing is lost', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 0 }, attemptsMax: 100 });
    app.peer.mood = { refuses: 'not now' };
    const attempts: number[] = [];
    app.sync.on('exchanged', () => attempts.push(app.clock.now()));
    const id = await app.commit('x');
    await app.clock.pass(260_000);
    const waits = attempts.slice(1).map((at, index) => Math.floor((at - attempts[index]!) / 1000));
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 64, 64]);
    app.peer.mood = 'well';
    await app.clock.pass(65_000);
    expect(await app.peerHas(id)).toBe(true);
  });

  test('after a network that was away for long, sending goes on within half a minute', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 0 } });
    const reachable: boolean[] = [];
    app.sync.on('reachable', ({ isReachable }) => reachable.push(isReachable));
    app.peer.mood = 'away';
    const id = await app.commit('x');
    await app.clock.pass(600_000, 1000);
    app.peer.mood = 'well';
    await app.clock.pass(12_000);
    expect([await app.peerHas(id), reachable]).toEqual([true, [false, true]]);
  });

  test('a peer that refuses for ever is left alone, said so, and tried again with something new', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 0 }, attemptsMax: 3 });
    const gaveUp: ClientError[] = [];
    app.sync.on('gaveUp', ({ error }) => gaveUp.push(error));
    app.peer.mood = { refuses: 'the storage quota is exceeded' };
    const first = await app.commit('x');
    await app.clock.pass(300_000, 1000);
    expect(gaveUp.map(({ code, message }) => [code, message])).toEqual([['peer_refused', 'the peer refused: the storage quota is exceeded']]);
    app.peer.mood = 'well';
    await app.clock.pass(300_000, 1000);
    expect(await app.peerHas(first)).toBe(false);
    const second = await app.commit('y');
    await app.clock.pass(2000);
    expect([await app.peerHas(first), await app.peerHas(second)]).toEqual([true, true]);
  });

  test('an acknowledgement of less than was sent is none', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 0 } });
    app.peer.twist = (answer, request) => ('SendEntries' in request && request.SendEntries.length > 1 ? { Count: request.SendEntries.length - 1 } : answer);
    await app.commits(3);
    await app.clock.pass(1000);
    expect(app.sync.statisticsOf(app.key)).toMatchObject({ failures: 1, lastError: 'peer_refused' });
    expect(app.sync.statistics().waiting).toBe(3);
  });
});

describe('a peer that was given up', () => {
  test('is still pulled from, so a tree that somebody brings later comes', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 0 }, attemptsMax: 3, pullIntervalSecs: 30 });
    const { tree, entries } = history('b', 1);
    let gaveUp = 0;
    app.sync.on('gaveUp', () => (gaveUp += 1));
    await app.sync.addTreeSync(app.key, tree);
    await app.clock.pass(300_000, 1000);
    expect([gaveUp, await app.backend.get(tree)]).toEqual([1, undefined]);
    await app.peer.backend.put(tree, [{ id: tree, entry: entries[0]! }]);
    await app.clock.pass(31_000, 1000);
    expect(await app.backend.get(tree)).toEqual(entries[0]);
    expect(app.sync.statistics().waiting).toBe(0);
  });

  test('is asked at the interval of pulls, and not more often', async () => {
    const app = await App.create({ attemptsMax: 1, pullIntervalSecs: 30 });
    await app.sync.removeTreeSync(app.key, app.tree);
    await app.sync.addTreeSync(app.key, history('b', 1).tree);
    await app.clock.pass(10_000, 1000);
    app.peer.requests.length = 0;
    await app.clock.pass(300_000, 1000);
    expect(app.peer.requests.length).toBeGreaterThanOrEqual(9);
    expect(app.peer.requests.length).toBeLessThanOrEqual(10);
  });
});

describe('a commit whose entry is not stored yet', () => {
  test('is sent by a later attempt, and what is stored goes at once', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 0 } });
    const entry = child('b', app.tree, [app.tree], 'late');
    const late = entryId(entry, 'b');
    app.sync.queueEntry({ tree: app.tree, id: late });
    const stored = await app.commit('stored');
    await app.clock.pass(1000);
    expect([await app.peerHas(stored), await app.peerHas(late)]).toEqual([true, false]);
    expect([app.sync.statistics().waiting, app.sync.statisticsOf(app.key).lastError]).toEqual([1, 'entry_missing']);
    await app.backend.put(app.tree, [{ id: late, entry }]);
    await app.clock.pass(5000);
    expect([await app.peerHas(late), app.sync.statistics().waiting]).toEqual([true, 0]);
  });

  test('is given up after as many attempts as a peer that refuses', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 0 }, attemptsMax: 3 });
    const gaveUp: string[] = [];
    app.sync.on('gaveUp', ({ error }) => gaveUp.push(error.code));
    app.sync.queueEntry({ tree: app.tree, id: entryId(child('b', app.tree, [app.tree], 'never'), 'b') });
    await app.clock.pass(300_000, 1000);
    expect([gaveUp, app.sync.statisticsOf(app.key).failures]).toEqual([['entry_missing'], 3]);
  });
});

describe('a restart', () => {
  test('sends what was committed and not sent, and what failed', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 1 } });
    app.peer.mood = 'away';
    const failed = await app.commit('tried');
    await app.clock.pass(3000);
    const waiting = await app.commit('not tried');
    // Not closed: the program was killed.
    app.peer.mood = 'well';
    await app.open();
    await app.clock.pass(5000);
    expect([await app.peerHas(failed), await app.peerHas(waiting)]).toEqual([true, true]);
  });

  test('knows peers, relationships, cursors, statistics and history', async () => {
    const app = await App.create({ queue: { maxQueueAgeSecs: 0 } });
    const id = await app.commit('x');
    await app.clock.pass(1000);
    await app.sync.close();
    await app.open();
    expect(app.sync.peers().map(({ publicKey, displayName, addresses, isMutual }) => [publicKey, displayName, addresses, isMutual])).toEqual([[app.key, 'double', [ADDRESS], true]]);
    expect([app.sync.treesOf(app.key), app.sync.peersOf(app.tree)]).toEqual([[app.tree], [app.key]]);
    expect(app.sync.statisticsOf(app.key)).toMatchObject({ exchanges: 2, failures: 0, entriesSent: 2 });
    expect(app.sync.history().map(({ sent, error }) => [sent, error])).toEqual([[1, null], [1, null]]);
    // The cursor says that the peer has everything, so nothing is asked.
    app.peer.requests.length = 0;
    await app.clock.pass(5000);
    expect([app.peer.requests, await app.peerHas(id)]).toEqual([[], true]);
  });

  test('has the token of an address from the journal, which holds it in clear', async () => {
    const app = await App.create();
    await app.sync.connectToPeer({ ...ADDRESS, address: 'a-secret-token@peer' });
    await app.sync.close();
    expect((await app.journal.load()).some((record) => new TextDecoder().decode(record).includes('a-secret-token@peer'))).toBe(true);
    await app.open();
    expect(app.sync.peers()[0]!.addresses[0]!.address).toBe('a-secret-token@peer');
  });

  test('a journal with a torn record costs that record alone', async () => {
    const app = await App.create();
    await app.journal.append([new TextEncoder().encode('[["peer x",'), new Uint8Array([0xff])]);
    await app.open();
    expect(app.sync.peers()).toHaveLength(1);
  });

  test('history is bounded, and so is the journal', async () => {
    const app = await App.create();
    for (let n = 0; n < HISTORY_MAX + 50; n += 1) {
      const exchanged = app.sync.syncTree(app.key, app.tree);
      app.clock.advance(0);
      await exchanged;
    }
    const numbers = app.sync.history().map(({ number }) => number);
    expect([numbers.length, numbers.at(-1)! - numbers[0]!]).toEqual([HISTORY_MAX, HISTORY_MAX - 1]);
    await app.sync.close();
    await app.open();
    expect(app.sync.history()).toHaveLength(HISTORY_MAX);
  });
});

describe('closing', () => {
  test('whoever called in the same tick is told that the engine is closed', async () => {
    const app = await App.create();
    await app.commit('x');
    const error = expect.objectContaining({ code: 'closed' }) as unknown;
    const ended = Promise.all([app.sync.flush(), app.sync.syncWithPeer(app.key), app.sync.syncTree(app.key, app.tree).catch((cause: unknown) => cause)]);
    await settled();
    const late = Promise.all([app.sync.flush(), app.sync.syncWithPeer(app.key)]);
    await app.sync.close();
    expect(await ended).toEqual([[expect.objectContaining({ error })], [expect.objectContaining({ error })], error]);
    expect(await late).toEqual([[expect.objectContaining({ error })], [expect.objectContaining({ error })]]);
    expect(app.peer.requests).toEqual([]);
  });

  test('may be asked for twice while an exchange is under way', async () => {
    const app = await App.create();
    let answer: (() => void) | null = null;
    app.peer.twist = (given) => new Promise((resolve) => (answer = () => resolve(given)));
    const syncing = app.sync.syncTree(app.key, app.tree);
    await app.clock.pass(0);
    const closed = Promise.all([app.sync.close(), app.sync.close()]);
    app.peer.twist = (given) => given;
    expect(answer).not.toBeNull();
    answer!();
    await Promise.all([syncing, closed]);
  });
});

describe('taking', () => {
  let app: App;
  let theirs: readonly Entry[];

  beforeEach(async () => {
    app = await App.create();
    const one = child('b', app.tree, [app.tree], 'theirs');
    theirs = [one, child('b', app.tree, [entryId(one, 'b')], 'behind it')];
  });

  const sync = async (): Promise<unknown> => {
    const exchanged = app.sync.syncTree(app.key, app.tree).then(
      ({ received }) => received,
      (error: ClientError) => error.code,
    );
    await app.clock.pass(0);
    await settled();
    return exchanged;
  };

  test('what the peer has more of is stored, parents first, and told', async () => {
    for (const entry of theirs) await app.peer.backend.put(app.tree, [{ id: entryId(entry, 'b'), entry }]);
    const told: string[] = [];
    app.sync.on('exchanged', ({ received }) => told.push(...received));
    const ids = theirs.map((entry) => entryId(entry, 'b'));
    expect([await sync(), told, await app.backend.tips(app.tree)]).toEqual([ids, ids, [ids[1]]]);
  });

  test('an interval pulls without being asked', async () => {
    await app.sync.close();
    await app.open({ pullIntervalSecs: 30 });
    for (const entry of theirs) await app.peer.backend.put(app.tree, [{ id: entryId(entry, 'b'), entry }]);
    await app.clock.pass(31_000);
    expect(await app.backend.tips(app.tree)).toEqual([entryId(theirs[1]!, 'b')]);
  });

  test.each([
    ['of another tree', (): readonly Entry[] => [child('b', history('b', 1).tree, [app.tree], 'x')]],
    ['without its parent', (): readonly Entry[] => [theirs[1]!]],
    ['with a forged signature', (): readonly Entry[] => [{ ...theirs[0]!, sig: { sig: 'A'.repeat(86) + '==', key: '*', pubkey: app.key } } as Entry]],
  ])('an entry %s is not stored, and neither is anything beside it', async (_what, entries) => {
    app.peer.twist = (answer, request) => ('SyncTree' in request ? { Incremental: { tree_id: app.tree, their_tips: [], missing_entries: entries() } } : answer);
    expect([await sync(), app.backend.size]).toEqual(['peer_misbehaved', 1]);
  });
});
