// An engine that is asked: who gets what, what is believed, what is stored, and how much of it.
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { EideticaSync } from '../../../../src/client/eidetica/eidetica-sync.js';
import type { EideticaSyncOptions } from '../../../../src/client/eidetica/eidetica-sync.js';
import { MemoryEntryBackend } from '../../../../src/client/eidetica/entry-backend.js';
import { entryId } from '../../../../src/client/eidetica/entry.js';
import type { Dialect, Entry } from '../../../../src/client/eidetica/entry.js';
import { openTrees } from '../../../../src/client/eidetica/serve/access.js';
import { Admission } from '../../../../src/client/eidetica/serve/admission.js';
import { callerAt, callerAtSocket } from '../../../../src/client/eidetica/serve/caller-address.js';
import { Challenges } from '../../../../src/client/eidetica/serve/challenges.js';
import { AT_ONCE_MAX, BODIES_BYTES_MAX, BODY_BYTES_MAX, CALLERS_MAX, CHALLENGE_MS_MAX } from '../../../../src/client/eidetica/serve/limits.js';
import type { Served } from '../../../../src/client/eidetica/serve/sync-handler.js';
import { child, Device, history, root, syncTree } from '../../../conformance/eidetica/client.js';
import { answerOf, directAddress, DirectTransport } from './direct-transport.js';
import { TestClock } from './peer-double.js';

/** Goes on when it is told to, but for what is due at once. */
class QuickClock extends TestClock {
  override after(delayMs: number, call: () => void): { cancel(): void } {
    if (delayMs > 0) return super.after(delayMs, call);
    const immediate = setImmediate(call);
    return { cancel: () => clearImmediate(immediate) };
  }
}

/** Engines in one process that reach each other by name. */
class World {
  readonly clock = new QuickClock();
  readonly way = new DirectTransport();

  /** Lets time pass until it is so; keys are proved by threads, which no clock of ours moves. */
  async until(isSo: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 20_000; !(await isSo()); ) {
      if (Date.now() > end) throw new Error('it never came to that');
      await this.clock.pass(500);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async engine(name: string, options: Partial<EideticaSyncOptions> = {}): Promise<{ sync: EideticaSync; backend: MemoryEntryBackend }> {
    const backend = new MemoryEntryBackend();
    const sync = await EideticaSync.open({ backend, seed: randomBytes(32), transports: [this.way], environment: this.clock, pullIntervalSecs: 0, queue: { maxQueueAgeSecs: 1 }, ...options });
    this.way.engines.set(name, sync);
    return { sync, backend };
  }

  /** Two that know each other: the second asks the first. */
  async pair(options: Partial<EideticaSyncOptions> = {}) {
    const [asked, asking] = [await this.engine('asked', options), await this.engine('asking')];
    await asking.sync.connectToPeer(directAddress('asked'));
    return { asked, asking };
  }
}

async function fill(backend: MemoryEntryBackend, dialect: Dialect, count: number) {
  const made = history(dialect, count);
  await backend.put(made.tree, made.ids.map((id, at) => ({ id, entry: made.entries[at]! })));
  return made;
}

describe('two engines', () => {
  test('prove their keys to each other, over one transcript', async () => {
    const world = new World();
    const [asked, asking] = [await world.engine('asked'), await world.engine('asking')];
    const greeted: unknown[] = [];
    asked.sync.on('greeted', (event) => greeted.push(event));
    const peer = await asking.sync.connectToPeer(directAddress('asked'));
    expect(peer).toMatchObject({ publicKey: asked.sync.publicKey, isMutual: true, takesProofs: true, trees: [] });
    expect(greeted).toEqual([{ peer: asking.sync.publicKey, displayName: 'sealrelay client', transport: 'direct', listenAddresses: [] }]);
    await expect(asking.sync.connectToPeer(directAddress('asking'))).rejects.toMatchObject({ code: 'peer_is_self' });
  });

  test('who stands between them sees another way than they do, and is found out', async () => {
    const world = new World();
    await world.engine('asked');
    const { sync } = await world.engine('asking');
    world.way.channel = { ours: Uint8Array.of(1), theirs: Uint8Array.of(2) };
    await expect(sync.connectToPeer(directAddress('asked'))).rejects.toMatchObject({ code: 'peer_refused', message: /did not prove its key/ });
    world.way.channel = { ours: Uint8Array.of(1), theirs: Uint8Array.of(1) };
    expect(await sync.connectToPeer(directAddress('asked'))).toMatchObject({ isMutual: true });
  });

  test.each<Dialect>(['b', 'c'])('bring a tree of dialect %s together, both ways, and go on with every commit', async (dialect) => {
    const world = new World();
    const { asked, asking } = await world.pair();
    const { tree, ids } = await fill(asked.backend, dialect, 4);
    await asked.sync.addPeer(asking.sync.publicKey, 'the other');
    await asked.sync.addTreeSync(asking.sync.publicKey, tree);
    const served: Served[] = [];
    asked.sync.on('served', (event) => served.push(event));
    expect(await asking.sync.syncTree(asked.sync.publicKey, tree).then(({ received }) => received)).toEqual(ids);
    const entry = child(dialect, tree, [ids[3]!], 'a commit', 4);
    const id = entryId(entry, dialect);
    await asking.backend.put(tree, [{ id, entry }]);
    asking.sync.hooks.run({ tree, id });
    await world.until(async () => (await asked.backend.tips(tree))[0] === id);
    expect(served.at(-1)).toEqual({ peer: asking.sync.publicKey, tree, transport: 'direct', sent: 0, received: [id] });
    expect(asked.sync.statistics().served).toMatchObject({ refused: 0, entriesSent: 4, entriesReceived: 1 });
    await world.until(async () => asking.sync.pending().length === 0);
    expect([asking.sync.cursorOf(asked.sync.publicKey, tree)?.theirTips, asking.sync.history(asked.sync.publicKey).map(({ error }) => error), asking.sync.history('nobody')]).toEqual([[id], [null, null], []]);
    expect((await asking.sync.connectToPeer(directAddress('asked'))).trees).toEqual([{ treeId: tree, entryCount: 5 }]);
  });

  test('one that only comes by itself is not called, and waits for nothing', async () => {
    const world = new World();
    const { asked, asking } = await world.pair();
    const { tree, ids } = await fill(asked.backend, 'b', 2);
    await asked.sync.addPeer(asking.sync.publicKey);
    await asked.sync.addTreeSync(asking.sync.publicKey, tree);
    asked.sync.hooks.run({ tree, id: ids[1]! });
    await world.clock.pass(10_000);
    expect([asked.sync.stateOf(asking.sync.publicKey), asked.sync.pending(), asked.sync.statistics().waiting, await asked.sync.flush(), asked.sync.history()]).toEqual(['incoming', [], 0, [], []]);
    // Once there is a way to it, it gets what it lacks.
    await asked.sync.connectToPeer(directAddress('asking'));
    await asking.sync.addPeer(asked.sync.publicKey);
    await asking.sync.addTreeSync(asked.sync.publicKey, tree);
    await world.until(async () => (await asking.backend.tips(tree))[0] === ids[1]);
    expect(asked.sync.stateOf(asking.sync.publicKey)).toBe('reachable');
  });

  test('what comes from one peer goes on to the others, and no further than it has to', async () => {
    const world = new World();
    const [left, middle, right] = [await world.engine('left'), await world.engine('middle'), await world.engine('right')];
    const { tree, ids } = await fill(left.backend, 'b', 3);
    for (const [one, other, name] of [[left, middle, 'middle'], [middle, right, 'right']] as const) {
      await one.sync.connectToPeer(directAddress(name));
      await other.sync.addPeer(one.sync.publicKey);
      await other.sync.addTreeSync(one.sync.publicKey, tree);
      await one.sync.addTreeSync(other.sync.publicKey, tree);
    }
    await world.until(async () => (await right.backend.tips(tree))[0] === ids[2]);
    const engines = [left, middle, right].map(({ sync }) => sync);
    await world.until(async () => engines.every((sync) => sync.pending().length === 0));
    const before = world.way.requests.length;
    await world.clock.pass(20_000);
    expect(world.way.requests.length).toBe(before);
  });

  test('entries are sent to a peer on demand, whether the tree is synced with it or not', async () => {
    const world = new World();
    const { asked, asking } = await world.pair({ serving: { access: openTrees } });
    const { tree, ids } = await fill(asking.backend, 'b', 3);
    expect(await asking.sync.sendEntries(asked.sync.publicKey, tree, [ids[1]!, ids[0]!])).toMatchObject({ sent: 2, error: null });
    expect([await asked.backend.tips(tree), asking.sync.treesOf(asked.sync.publicKey)]).toEqual([[ids[1]], []]);
    await expect(asking.sync.sendEntries(asked.sync.publicKey, tree, ['nowhere'])).rejects.toMatchObject({ code: 'entry_missing' });
  });
});

describe('who gets what', () => {
  let world: World;
  let asked: EideticaSync;
  let asking: EideticaSync;
  let tree: string;
  let ids: readonly string[];

  beforeEach(async () => {
    world = new World();
    const pair = await world.pair();
    [asked, asking] = [pair.asked.sync, pair.asking.sync];
    ({ tree, ids } = await fill(pair.asked.backend, 'c', 3));
  });

  test('without a proof nothing is given, and nothing is told of what there is', async () => {
    const words = 'Authentication required: this device gives trees to peers that prove their key';
    for (const name of [tree, entryId(root('c'), 'c')]) expect(await answerOf(asked, { body: syncTree(name, []) as object })).toEqual({ Error: words });
    expect(await answerOf(asked, { body: { GetEntries: { entry_ids: [ids[0]] } } })).toEqual({ Error: `Entry not found: ${ids[0]}` });
    await expect(answerOf(asked, { body: { GetTips: { tree_id: tree } } })).resolves.toEqual({ Error: words });
    expect(await answerOf(asked, { body: { SendEntries: [child('c', tree, [tree], 'x')] } })).toMatchObject({ Error: /1 of 1 entries refused.*not open to this peer/ });
  });

  test('a peer that proves its key gets the trees that are synced with it, and no others', async () => {
    await expect(asking.syncTree(asked.publicKey, tree)).rejects.toMatchObject({ code: 'peer_refused', message: /Tree not found/ });
    await asked.addPeer(asking.publicKey);
    await asked.addTreeSync(asking.publicKey, tree);
    expect((await asking.syncTree(asked.publicKey, tree)).received).toEqual(ids);
    await asked.removeTreeSync(asking.publicKey, tree);
    await expect(asking.syncTree(asked.publicKey, tree)).rejects.toMatchObject({ code: 'peer_refused' });
  });

  test('the proof of dialect C counts as well', async () => {
    const device = await Device.create();
    await asked.addPeer(device.publicKey);
    await asked.addTreeSync(device.publicKey, tree);
    const body = syncTree(tree, [], await device.proof(asked.publicKey, tree, [], { atMs: world.clock.now() })) as object;
    expect(await answerOf(asked, { body })).toMatchObject({ Bootstrap: { tree_id: tree } });
    expect(await answerOf(asked, { body })).toEqual({ Error: 'Authentication failed: request nonce already spent' });
  });

  test('a proof is for one body, one peer, one way and one minute, and good once', async () => {
    await asked.addPeer(asking.publicKey);
    await asked.addTreeSync(asking.publicKey, tree);
    const refused = async (words: RegExp): Promise<void> => {
      await expect(asking.syncTree(asked.publicKey, tree)).rejects.toMatchObject({ code: 'peer_refused', message: words });
    };
    let used: string | null = null;
    world.way.twist = (incoming, body) => {
      used = incoming.proof;
      return { incoming, body: Uint8Array.from([...body, 32]) };
    };
    await refused(/invalid request signature/);
    world.way.twist = (incoming, body) => ({ incoming: { ...incoming, channel: Uint8Array.of(1) }, body });
    await refused(/invalid request signature/);
    world.way.twist = (incoming, body) => ({ incoming: { ...incoming, proof: 'ed25519:x 1 2 3' }, body });
    await refused(/malformed/);
    world.way.twist = (incoming, body) => {
      used = incoming.proof;
      return { incoming, body };
    };
    await asking.syncTree(asked.publicKey, tree);
    const last = new TextEncoder().encode(JSON.stringify(world.way.requests.at(-1)));
    expect(await answerOf(asked, { body: last, proof: used })).toEqual({ Error: 'Authentication failed: request nonce already spent' });
    world.clock.advance(61_000);
    expect(await answerOf(asked, { body: last, proof: used })).toEqual({ Error: 'Authentication failed: request timestamp outside the freshness window' });
  });

  test('the app decides otherwise, by key, token or tree', async () => {
    const seen: unknown[] = [];
    const { sync, backend } = await world.engine('other', {
      serving: {
        access: async (caller, name) => {
          seen.push([caller.token, caller.transport, name]);
          return caller.token === 'good' ? 'read' : 'none';
        },
      },
    });
    const other = await fill(backend, 'b', 2);
    expect(await answerOf(sync, { body: syncTree(other.tree, []) as object, token: 'good' })).toMatchObject({ Bootstrap: { tree_id: other.tree } });
    expect(await answerOf(sync, { body: syncTree(other.tree, []) as object, token: 'bad' })).toEqual({ Error: `Tree not found: ${other.tree}` });
    expect(await answerOf(sync, { body: { SendEntries: [child('b', other.tree, [other.tree], 'x')] }, token: 'good' })).toMatchObject({ Error: /not open to this peer for writing/ });
    expect(seen).toEqual([['good', 'direct', other.tree], ['bad', 'direct', other.tree], ['good', 'direct', other.tree]]);
  });
});

describe('entries', () => {
  test('the first of a tree of A or B is of the dialect whose tree is open to its sender', async () => {
    const world = new World();
    const first = root('b');
    const bare = entryId(first, 'a');
    const { sync, backend } = await world.engine('asked', { serving: { access: (_caller, tree) => (tree === bare ? 'write' : 'none') } });
    expect(await answerOf(sync, { body: { SendEntries: [first] } })).toBe('Ack');
    expect(await backend.tips(bare)).toEqual([bare]);
  });

  test('one without its parent is refused, and an acknowledgement waits for the storage of the app', async () => {
    const world = new World();
    const { sync, backend } = await world.engine('asked', { serving: { access: openTrees } });
    const { entries, tree } = history('b', 3);
    expect(await answerOf(sync, { body: { SendEntries: [entries[0], entries[2]] } })).toMatchObject({ Error: /^1 of 2 entries refused, the others are stored; .*a parent of it is not here/ });
    expect(await backend.tips(tree)).toEqual([tree]);
    backend.put = () => Promise.reject(new Error('a full disk'));
    await expect(answerOf(sync, { body: { SendEntries: entries } })).rejects.toMatchObject({ status: 503, retrySecs: 1 });
  });

  test('half a character has no bytes of its own, so an entry with one is refused', async () => {
    const world = new World();
    const { sync } = await world.engine('asked', { serving: { access: openTrees } });
    const text = JSON.stringify({ SendEntries: [root('b')] }).replace('_root","parents":[],"data":"', '_root","parents":[],"data":"\\ud800');
    await expect(answerOf(sync, { body: new TextEncoder().encode(text) })).rejects.toMatchObject({ status: 422 });
  });

  test('a tree that no answer holds comes part by part, and nothing goes back', async () => {
    const world = new World();
    const { asked, asking } = await world.pair({ serving: { access: openTrees } });
    const { tree, ids } = await fill(asked.backend, 'b', 40);
    world.way.twist = (incoming, body) => ({ incoming: { ...incoming, answerBytesMax: 2000 }, body });
    const { received, sent } = await asking.sync.syncTree(asked.sync.publicKey, tree);
    expect([received, sent, await asking.backend.tips(tree)]).toEqual([ids, 0, [ids[39]]]);
    expect(world.way.requests.filter((request) => 'SyncTree' in request).length).toBeGreaterThan(5);
    // Both have something that the other lacks.
    const mine = child('b', tree, [ids[39]!], 'mine') as Entry;
    await asking.backend.put(tree, [{ id: entryId(mine, 'b'), entry: mine }]);
    for (let n = 0, last = ids[39]!; n < 30; n += 1) {
      const entry = child('b', tree, [last], `theirs ${n}`);
      last = entryId(entry, 'b');
      await asked.backend.put(tree, [{ id: last, entry }]);
    }
    expect(await asking.sync.syncTree(asked.sync.publicKey, tree).then((moved) => [moved.received.length, moved.sent])).toEqual([30, 1]);
    expect(await asked.backend.count(tree)).toBe(71);
  });
});

describe('limits', () => {
  test('each caller has its rate, and who fills the table of callers is forgiven nothing', () => {
    let now = 1_000_000;
    const admission = new Admission(() => now, { perMinute: 60, burst: 3 });
    const comes = (from: string): void => admission.begin(from).end();
    for (let n = 0; n < 3; n += 1) comes('one');
    expect(() => comes('one')).toThrow(expect.objectContaining({ status: 429, retrySecs: 1 }));
    comes('other');
    now += 1000;
    comes('one');
    for (let n = 0; n < 3; n += 1) comes('greedy');
    for (let n = 0; n < CALLERS_MAX; n += 1) {
      try {
        comes(`filler ${n}`);
      } catch {
        // Whoever takes the place of a greedy one begins where it stood.
      }
    }
    expect(() => comes('greedy')).toThrow(expect.objectContaining({ status: 429 }));
  });

  test('an IPv6 caller is the first half of its address', () => {
    const same = ['2001:db8::1', '2001:DB8:0:0:ffff::2', '2001:db8:0:0:1:2:3:4'].map(callerAt);
    expect(new Set(same)).toEqual(new Set(['2001:db8:0:0']));
    expect(['::1', '::ffff:10.0.0.7', '10.0.0.7', '2001:db8:0:1::1'].map(callerAt)).toEqual(['0:0:0:0', '10.0.0.7', '10.0.0.7', '2001:db8:0:1']);
    expect(['[2001:db8::1]:9', '10.0.0.7:9'].map(callerAtSocket)).toEqual(['2001:db8:0:0', '10.0.0.7']);
  });

  test('bodies have a limit each and together, and so have requests at a time', () => {
    const admission = new Admission(() => 0, { perMinute: 60, burst: 10_000 });
    const one = admission.begin('us');
    expect(() => one.take(BODY_BYTES_MAX + 1)).toThrow(expect.objectContaining({ status: 413 }));
    const others = Array.from({ length: BODIES_BYTES_MAX / BODY_BYTES_MAX }, () => admission.begin('us'));
    for (const visit of others) visit.take(BODY_BYTES_MAX);
    expect(() => one.take(1)).toThrow(expect.objectContaining({ status: 503 }));
    others[0]!.end();
    one.take(1);
    while (others.length < AT_ONCE_MAX) others.push(admission.begin('us'));
    expect(() => admission.begin('us')).toThrow(expect.objectContaining({ status: 503, retrySecs: 1 }));
  });

  test('a challenge is good for a minute, for whom it was made', () => {
    const clock = new TestClock();
    const challenges = new Challenges(clock);
    const challenge = challenges.make('one');
    expect([challenges.isOwn(challenge, 'one'), challenges.isOwn(challenge, 'other'), new Challenges(clock).isOwn(challenge, 'one')]).toEqual([true, false, false]);
    clock.advance(CHALLENGE_MS_MAX + 1);
    expect(challenges.isOwn(challenge, 'one')).toBe(false);
    expect(challenges.isOwn(challenges.make('one').subarray(1), 'one')).toBe(false);
  });

  test('an engine that is closed answers nothing more', async () => {
    const world = new World();
    const { sync } = await world.engine('asked', { serving: { access: openTrees } });
    await sync.close();
    await expect(answerOf(sync, { body: { SendEntries: [] } })).rejects.toMatchObject({ status: 503 });
  });
});
