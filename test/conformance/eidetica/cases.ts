// What peers of Eidetica expect of a relay, in every dialect, and what a relay must not lose although the original does.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { nobleEd25519 } from '../../../src/client/crypto/ed25519-noble.js';
import { entryId } from '../../../src/client/eidetica/entry.js';
import type { Dialect, Entry } from '../../../src/client/eidetica/entry.js';
import { publicKeyBytes } from '../../../src/client/eidetica/keys.js';
import type { Case } from '../target.js';
import { child, Device, hello, history, NOBODY, Peer, root, syncTree } from './client.js';

const DIALECTS: readonly Dialect[] = ['a', 'b', 'c'];
/** Those whose peers ask for trees by `SyncTree`. */
const SYNC_DIALECTS: readonly Dialect[] = ['b', 'c'];

const HANDSHAKES: readonly Case[] = [
  {
    name: 'a handshake is answered in its own version, with a signature of its challenge',
    async check(url) {
      const peer = new Peer(url);
      const ed25519 = nobleEd25519();
      for (const version of [0, 1]) {
        const challenge = randomBytes(32);
        const { public_key, device_id, protocol_version, challenge_response, new_challenge, available_trees } = await peer.handshake(version, challenge);
        assert.deepEqual([protocol_version, device_id], [version, public_key]);
        assert.ok(await ed25519.verify(publicKeyBytes(public_key)!, challenge, Uint8Array.from(challenge_response)));
        assert.equal(new_challenge.length, 32);
        assert.equal(Array.isArray(available_trees), version === 0);
      }
    },
  },
  {
    name: 'another version is refused in the words of the original',
    async check(url) {
      assert.equal(await new Peer(url).error(hello(7, randomBytes(32))), 'Protocol version mismatch: expected 0, got 7');
    },
  },
  {
    name: 'fields that only the design has are read over',
    async check(url) {
      await new Peer(url).handshake(0, randomBytes(32), { signature: [1, 2, 3] });
    },
  },
  {
    name: 'the key of the relay stays the same',
    async check(url) {
      const keys = await Promise.all(Array.from({ length: 4 }, async () => (await new Peer(url).handshake(0)).public_key));
      assert.equal(new Set(keys).size, 1);
    },
  },
];

const TREES: readonly Case[] = [
  {
    name: 'a tree that nobody brought is asked for whole, and then given to others without its root among the rest',
    async check(url) {
      for (const dialect of SYNC_DIALECTS) {
        const peer = new Peer(url);
        const { tree, entries, ids } = history(dialect, 4);
        assert.equal(await peer.error(syncTree(tree, [])), `Tree not found: ${tree}`);
        assert.deepEqual(await peer.incremental(tree, [ids[3]!]), { tree_id: tree, their_tips: [], missing_entries: [] });
        assert.deepEqual(await peer.send(entries), { Count: 4 });
        const whole = await peer.bootstrap(tree);
        assert.deepEqual([whole.root_entry, whole.all_entries, whole.key_approved], [entries[0], entries.slice(1), false]);
      }
    },
  },
  {
    name: 'who has something gets what is lacking, and the tips',
    async check(url) {
      for (const dialect of SYNC_DIALECTS) {
        const peer = new Peer(url);
        const { tree, entries, ids } = history(dialect, 4);
        await peer.send(entries);
        assert.deepEqual(await peer.incremental(tree, [ids[1]!]), { tree_id: tree, their_tips: [ids[3]], missing_entries: entries.slice(2) });
        assert.deepEqual((await peer.incremental(tree, [ids[3]!])).missing_entries, []);
      }
    },
  },
  {
    name: 'one entry is acknowledged by a bare text and more by their count, also when they come again',
    async check(url) {
      for (const dialect of DIALECTS) {
        const peer = new Peer(url);
        const { entries } = history(dialect, 3);
        assert.equal(await peer.send([]), 'Ack');
        for (let times = 0; times < 2; times += 1) {
          assert.deepEqual(await peer.send(entries), { Count: 3 });
          assert.equal(await peer.send(entries.slice(1, 2)), 'Ack');
        }
      }
    },
  },
  {
    name: 'children before parents are kept until those come, in one request and in several',
    async check(url) {
      for (const dialect of DIALECTS) {
        const peer = new Peer(url);
        const one = history(dialect, 5);
        await peer.send([...one.entries].reverse());
        assert.deepEqual(await peer.tips(one.tree), [one.ids[4]]);
        const several = history(dialect, 5);
        for (const entry of several.entries.slice(1).reverse()) assert.equal(await peer.send([entry]), 'Ack');
        assert.deepEqual(await peer.tips(several.tree), [], 'nobody sees what lacks a parent');
        await peer.send(several.entries.slice(0, 2));
        assert.deepEqual(await peer.tips(several.tree), [several.ids[4]]);
      }
    },
  },
  {
    name: 'a fork has two tips until a merge',
    async check(url) {
      for (const dialect of SYNC_DIALECTS) {
        const peer = new Peer(url);
        const { tree, entries, ids } = history(dialect, 2);
        await peer.send(entries);
        const fork = [child(dialect, tree, [ids[1]!], 'left', 2), child(dialect, tree, [ids[1]!], 'right', 2)];
        const [left, right] = fork.map((entry) => entryId(entry, dialect));
        await peer.send(fork);
        assert.deepEqual([...(await peer.tips(tree))].sort(), [left, right].sort());
        assert.deepEqual((await peer.incremental(tree, [left!])).missing_entries, [fork[1]]);
        const merge = child(dialect, tree, [left!, right!], 'merge', 3);
        await peer.send([merge]);
        assert.deepEqual(await peer.tips(tree), [entryId(merge, dialect)]);
        assert.deepEqual((await peer.incremental(tree, [left!])).missing_entries, [fork[1], merge]);
      }
    },
  },
  {
    name: 'catching up over three generations in dialect A brings the ancestors first',
    async check(url) {
      const peer = new Peer(url);
      const { tree, entries, ids } = history('a', 4);
      await peer.send(entries);
      assert.deepEqual(await peer.tips(tree), [ids[3]]);
      assert.deepEqual(await peer.entries([ids[3]!]), entries);
      assert.equal(await peer.error({ GetEntries: { entry_ids: ['nowhere'] } }), 'Entry not found: nowhere');
      assert.deepEqual(await peer.tips(randomUUID()), []);
    },
  },
  {
    name: 'more than two megabytes are one request',
    async check(url) {
      const peer = new Peer(url);
      const { tree, entries } = history('b', 6, () => 'x'.repeat(500_000));
      assert.deepEqual(await peer.send(entries), { Count: 6 });
      assert.equal((await peer.bootstrap(tree)).all_entries.length, 5);
    },
  },
];

const BAD: readonly Case[] = [
  {
    name: 'a forged signature is refused by name, and the rest is kept',
    async check(url) {
      const device = await Device.create();
      for (const dialect of SYNC_DIALECTS) {
        const peer = new Peer(url);
        const { tree, entries, ids } = history(dialect, 2);
        await peer.send(entries);
        const good = await device.signed(child(dialect, tree, [ids[1]!], 'good', 2));
        const signed = await device.signed(child(dialect, tree, [ids[1]!], 'forged', 2));
        const forged = { ...signed, subtrees: child(dialect, tree, [], 'other').subtrees } as Entry;
        assert.match(await peer.error({ SendEntries: [forged, good] }), /^1 of 2 entries refused, the others are stored; .*signature/);
        assert.deepEqual(await peer.tips(tree), [entryId(good, dialect)]);
      }
    },
  },
  {
    name: 'an entry that was moved to another tree is refused',
    async check(url) {
      for (const dialect of SYNC_DIALECTS) {
        const peer = new Peer(url);
        const [ours, theirs] = [history(dialect, 2), history(dialect, 1)];
        await peer.send(ours.entries);
        await peer.send(theirs.entries);
        assert.match(await peer.error({ SendEntries: [child(dialect, theirs.tree, [ours.ids[1]!], 'moved')] }), /another tree/);
      }
    },
  },
  {
    name: 'entries that no receiver would take are refused',
    async check(url) {
      const peer = new Peer(url);
      const { tree, ids } = history('b', 2);
      const good = child('b', tree, [ids[0]!], 'x');
      for (const bad of [
        { ...good, tree: { ...good.tree, parents: [] } },
        { ...good, tree: { ...good.tree, parents: [''] } },
        { ...good, subtrees: [{ name: '', parents: [], data: '' }] },
        { ...good, subtrees: [{ name: '_root', parents: [], data: '' }] },
      ]) {
        assert.match(await peer.error({ SendEntries: [bad] }), /refused/);
      }
      const unknownField = await peer.raw(JSON.stringify({ SendEntries: [{ ...good, later: 1 }] }));
      assert.equal(unknownField.status, 422, 'its id would be computed without it');
    },
  },
  {
    name: 'what is no request has a status of its own',
    async check(url) {
      const peer = new Peer(url);
      assert.equal((await peer.raw('{}', { 'content-type': 'text/plain' })).status, 415);
      assert.equal((await peer.raw('{"SendEntries":[')).status, 400);
      assert.equal((await peer.raw('{"Nothing":{}}')).status, 422);
      assert.equal((await peer.raw('', {}, 'GET')).status, 405);
    },
  },
];

const PROOFS: readonly Case[] = [
  {
    name: 'a proof is good once, for one minute, for this relay, tree and tips',
    async check(url) {
      const [peer, device] = [new Peer(url), await Device.create()];
      const { public_key: relay } = await peer.handshake(0);
      const first = await device.signed(root('c'));
      const tree = entryId(first, 'c');
      await peer.send([first]);
      const proof = await device.proof(relay, tree, []);
      assert.deepEqual((await peer.bootstrap(tree, proof)).root_entry, first);
      assert.equal(await peer.error(syncTree(tree, [], proof)), 'Authentication failed: request nonce already spent');
      for (const atMs of [Date.now() - 61_000, Date.now() + 61_000]) {
        const stale = await device.proof(relay, tree, [], { atMs });
        assert.equal(await peer.error(syncTree(tree, [], stale)), 'Authentication failed: request timestamp outside the freshness window');
      }
      const elsewhere = await device.proof(device.publicKey, tree, []);
      const otherTips = await device.proof(relay, tree, [tree]);
      for (const wrong of [elsewhere, otherTips]) assert.equal(await peer.error(syncTree(tree, [], wrong)), 'Authentication failed: invalid request signature');
    },
  },
  {
    name: 'a stranger who knows a signed tree writes nothing to it, and is no reader by having tried',
    async check(url) {
      const [peer, device, stranger] = [new Peer(url), await Device.create(), await Device.create()];
      const { public_key: relay } = await peer.handshake(0);
      const first = await device.signed(root('c'));
      const tree = entryId(first, 'c');
      await peer.send([first]);
      for (const entry of [await stranger.signed(child('c', tree, [tree], 'me too')), child('c', tree, [tree], 'unsigned')]) {
        assert.match(await peer.error({ SendEntries: [entry] }), /^1 of 1 entries refused/);
      }
      await peer.send([await device.signed(child('c', tree, [tree], 'mine'))]);
      assert.equal((await peer.bootstrap(tree, await device.proof(relay, tree, []))).all_entries.length, 1);
    },
  },
  {
    name: 'tips of a proof are signed in the order of their bytes',
    async check(url) {
      const [peer, device] = [new Peer(url), await Device.create()];
      const { public_key: relay } = await peer.handshake(0);
      const first = await device.signed(root('c'));
      const tree = entryId(first, 'c');
      const forks: readonly Entry[] = await Promise.all(Array.from({ length: 16 }, (_, n) => device.signed(child('c', tree, [tree], String(n)))));
      await peer.send([first, ...forks]);
      const tips = forks.map((entry) => entryId(entry, 'c'));
      assert.deepEqual((await peer.incremental(tree, tips, await device.proof(relay, tree, tips))).missing_entries, []);
    },
  },
];

const TENANTS: readonly Case[] = [
  {
    name: 'who shows a token is apart from all others, and is told its trees',
    async check(url) {
      const [ours, theirs] = [new Peer(url, randomUUID()), new Peer(url, randomUUID())];
      const { tree, entries } = history('b', 3);
      await ours.send(entries);
      assert.deepEqual((await ours.handshake(0)).available_trees?.map(({ tree_id, entry_count }) => [tree_id, entry_count]), [[tree, 3]]);
      assert.deepEqual((await theirs.handshake(0)).available_trees, []);
      // Peers of dialect C, whose device id is their key, can read nothing but CIDs.
      const newer = history('c', 2);
      await ours.send(newer.entries);
      const { available_trees } = await ours.handshake(0, randomBytes(32), { device_id: NOBODY });
      assert.deepEqual(available_trees?.map(({ tree_id }) => tree_id), [newer.tree]);
      assert.equal(await theirs.error(syncTree(tree, [])), `Tree not found: ${tree}`);
    },
  },
];

export const CASES: readonly Case[] = [...HANDSHAKES, ...TREES, ...BAD, ...PROOFS, ...TENANTS];
