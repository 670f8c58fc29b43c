// What GUN peers expect of a relay, and what the stock relay gets wrong.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Case } from '../target.js';
import { type Graph, type GraphPeer, newId, newSoul, node, type Value, withGraphs } from './graph.js';

/** States lie in the past, so that no clock is asked. */
export const STATE = 1_700_000_000_000;

async function subscribed(peer: GraphPeer, soul: string, key?: string): Promise<void> {
  await peer.answerTo(peer.get(key === undefined ? { '#': soul } : { '#': soul, '.': key }));
}

const wide = (soul: string, keys: number): Graph => node(soul, Object.fromEntries(Array.from({ length: keys }, (_, n) => [`key${n}`, `value ${n}`])), STATE);

const BASICS: readonly Case[] = [
  {
    name: 'who asks who the relay is is told, and who answers is not',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const id = newId();
        peer.say({ dam: '?', pid: newId(), '#': id });
        const answer = await peer.answerTo(id);
        assert.equal(answer.dam, '?');
        assert.match(answer.pid ?? '', /^\w{4,}$/);
      }),
  },
  {
    name: 'a put is acknowledged and read by another peer, every type of value',
    check: (url) =>
      withGraphs(url, 2, async (a, b) => {
        const soul = newSoul();
        const values = { text: 'x "\\\n\u0007', astral: '😀', number: 42.5, small: 1e-7, yes: true, gone: null, link: { '#': newSoul() }, 10: 'ten', 2: 'two' };
        await a!.stored(node(soul, values, STATE + 0.001));
        assert.deepEqual(await b!.read({ '#': soul }, Object.keys(values).length), { [soul]: values });
      }),
  },
  {
    name: 'one property is read alone',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const soul = newSoul();
        await peer!.stored(node(soul, { a: 1, b: 2 }, STATE));
        assert.deepEqual(await peer!.read({ '#': soul, '.': 'b' }, 1), { [soul]: { b: 2 } });
      }),
  },
  {
    name: 'what is not there is said promptly',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const since = Date.now();
        const answer = await peer!.answerTo(peer!.get({ '#': newSoul() }));
        assert.equal(answer.put, undefined);
        assert.ok(Date.now() - since < 2000);
      }),
  },
  {
    name: 'a batch of a thousand puts is acknowledged one by one',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const [soul, ids] = [newSoul(), Array.from({ length: 1000 }, () => newId())];
        peer!.say(ids.map((id, n) => ({ '#': id, put: node(soul, { [`k${n}`]: n }, STATE) })));
        for (const id of ids) assert.ok((await peer!.answerTo(id)).ok);
        assert.equal(Object.keys((await peer!.read({ '#': soul }, 1000))[soul] ?? {}).length, 1000);
      }),
  },
  {
    name: 'heartbeats, greetings, unknown words, bytes and a get without a soul are borne in silence',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        for (const said of [[], {}, { dam: 'hi', '#': newId() }, { dam: 'unheard of', '#': newId() }, { get: { '.': 'a' }, '#': newId() }, Buffer.from('{"#":"x"}')]) peer!.say(said);
        assert.deepEqual(await peer!.during(), []);
        await peer!.stored(node(newSoul(), { a: 1 }, STATE));
      }),
  },
];

const MERGING: readonly Case[] = [
  {
    name: 'the higher state wins, whatever comes first; what is stale or the same is acknowledged',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const soul = newSoul();
        for (const [value, state] of [['new', STATE + 2], ['old', STATE], ['new', STATE + 2]] as const) await peer!.stored(node(soul, { a: value }, state));
        assert.deepEqual(await peer!.read({ '#': soul }, 1), { [soul]: { a: 'new' } });
      }),
  },
  {
    name: 'of equal states the greater text wins, in either order',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const pairs: readonly (readonly [winner: Value, loser: Value])[] = [[9, 1], [1, 'a'], [true, 1], [null, 'a'], [{ '#': 'x' }, true], ['\uffff', '😀']];
        for (const [winner, loser] of pairs) {
          for (const order of [[winner, loser], [loser, winner]]) {
            const soul = newSoul();
            for (const value of order) await peer!.stored(node(soul, { a: value }, STATE));
            assert.deepEqual(await peer!.read({ '#': soul }, 1), { [soul]: { a: winner } });
          }
        }
      }),
  },
  {
    name: 'a put that is not one is refused',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const soul = newSoul();
        const wrong: readonly unknown[] = [
          { [soul]: { _: { '#': 'other', '>': { a: STATE } }, a: 1 } },
          { [soul]: { _: { '#': soul }, a: 1 } },
          { [soul]: { _: { '#': soul, '>': { a: STATE } }, a: [1] } },
          { [soul]: { _: { '#': soul, '>': { a: STATE } }, a: { b: 1 } } },
        ];
        for (const put of wrong) assert.ok((await peer!.answerTo(peer!.put(put as Graph))).err);
        assert.deepEqual(await peer!.read({ '#': soul }, 1), {});
      }),
  },
  {
    name: 'a state that is still to come is told when it has come',
    check: (url) =>
      withGraphs(url, 2, async (a, b) => {
        const soul = newSoul();
        await subscribed(b!, soul);
        const due = Date.now() + 1500;
        const id = a!.put(node(soul, { a: 1 }, due));
        assert.deepEqual(await b!.read({ '#': soul }, 1), {});
        assert.ok((await a!.answerTo(id)).ok);
        await b!.first(({ put }) => put?.[soul] !== undefined);
        assert.ok(Date.now() >= due - 200);
      }),
  },
];

const LIVE: readonly Case[] = [
  {
    name: 'a get is a subscription, to a soul or to one property of it',
    check: (url) =>
      withGraphs(url, 4, async (writer, whole, key, other) => {
        const soul = newSoul();
        await subscribed(whole!, soul);
        await subscribed(key!, soul, 'a');
        await subscribed(other!, newSoul());
        await writer!.stored(node(soul, { b: 1 }, STATE));
        assert.deepEqual((await whole!.first(({ put }) => put !== undefined)).put, node(soul, { b: 1 }, STATE));
        await writer!.stored(node(soul, { a: 2 }, STATE));
        for (const peer of [whole!, key!]) assert.deepEqual((await peer.first(({ put }) => put !== undefined)).put, node(soul, { a: 2 }, STATE));
        assert.deepEqual(await other!.during(), []);
      }),
  },
  {
    name: 'ids that continue each other are ids of their own',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const [start, soul] = [newId(), newSoul()];
        const ids = Array.from({ length: 300 }, (_, n) => `${start}${n}`);
        for (const [n, id] of ids.entries()) peer!.put(node(soul, { [`a${n}`]: n, [`b${n}`]: n }, STATE), id);
        for (const id of ids) assert.ok((await peer!.answerTo(id)).ok);
      }),
  },
  {
    name: 'an id that was heard is not heard again',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const [id, soul] = [newId(), newSoul()];
        assert.ok((await peer!.answerTo(peer!.put(node(soul, { a: 1 }, STATE), id))).ok);
        peer!.put(node(soul, { b: 1 }, STATE), id);
        assert.deepEqual(await peer!.read({ '#': soul }, 1), { [soul]: { a: 1 } });
      }),
  },
  {
    name: 'a node of five thousand properties, or of fifty thousand, is lost in no part',
    check: (url) =>
      withGraphs(url, 2, async (a, b) => {
        for (const keys of [5000, 50_000]) {
          const soul = newSoul();
          await a!.stored(wide(soul, keys));
          const { _: _meta, ...expected } = wide(soul, keys)[soul]!;
          assert.deepEqual(await b!.read({ '#': soul }, keys), { [soul]: expected });
        }
      }),
  },
  {
    name: 'a value of five megabytes',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const [soul, large] = [newSoul(), 'x'.repeat(5_000_000)];
        await peer!.stored(node(soul, { a: large }, STATE));
        assert.ok((await peer!.read({ '#': soul }, 1))[soul]?.['a'] === large);
      }),
  },
];

const ASKING: readonly Case[] = [
  {
    name: 'what only another peer has is asked of it, given to who waits for it once, and kept',
    check: (url) =>
      withGraphs(url, 3, async (asker, holder, late) => {
        // A relay may look at what a connection says first before it takes it for a peer; stock clients greet at once.
        holder!.say({ '#': newId(), dam: 'hi' });
        await holder!.first(({ dam }) => dam === '?');
        const soul = newSoul();
        const id = asker!.get({ '#': soul });
        const question = await holder!.first(({ get }) => get?.['#'] === soul);
        holder!.say({ '#': newId(), '@': question['#'], put: node(soul, { a: 'theirs' }, STATE) });
        const given = await asker!.first(({ put }) => put?.[soul] !== undefined);
        assert.equal(given['@'], id);
        assert.deepEqual(await asker!.during(), []);
        assert.deepEqual(await late!.read({ '#': soul }, 1), { [soul]: { a: 'theirs' } });
      }),
  },
];

const LEX: readonly Case[] = [
  {
    name: 'keys by prefix and by range, also of a soul that is in use',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const soul = newSoul();
        await peer!.stored(node(soul, { '2024-01': 1, '2024-02': 2, '2025-01': 3 }, STATE));
        await subscribed(peer!, soul);
        const all = { '%': 50_000 };
        assert.deepEqual(await peer!.read({ '#': soul, '.': { '*': '2024' } }, 2, all), { [soul]: { '2024-01': 1, '2024-02': 2 } });
        assert.deepEqual(await peer!.read({ '#': soul, '.': { '>': '2024-02', '<': '2025-01' } }, 2, all), { [soul]: { '2024-02': 2, '2025-01': 3 } });
        assert.deepEqual(await peer!.read({ '#': soul, '.': { '*': '1999' } }, 1, all), {});
      }),
  },
  {
    name: 'souls by prefix',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const start = newSoul();
        for (const end of ['/a', '/b']) await peer!.stored(node(start + end, { k: end }, STATE));
        assert.deepEqual(await peer!.read({ '#': { '*': `${start}/` } }, 2, { '%': 50_000 }), { [`${start}/a`]: { k: '/a' }, [`${start}/b`]: { k: '/b' } });
      }),
  },
];

interface User {
  readonly pub: string;
  readonly key: KeyObject;
}

export function newUser(): User {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  return { pub: `${x}.${y}`, key: privateKey };
}

function signedText(user: User, text: string): string {
  return sign('sha256', createHash('sha256').update(text).digest(), { key: user.key, dsaEncoding: 'ieee-p1363' }).toString('base64');
}

export function signed(user: User, soul: string, key: string, value: unknown, more: object = {}): string {
  const signature = signedText(user, JSON.stringify({ '#': soul, '.': key, ':': value, '>': STATE }));
  return JSON.stringify({ ':': value, '~': signature, ...more });
}

const SIGNED: readonly Case[] = [
  {
    name: 'the graph of a user takes what the user signed',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const user = newUser();
        const soul = `~${user.pub}`;
        await peer!.stored(node(soul, { pub: user.pub }, STATE));
        await peer!.stored(node(soul, { name: signed(user, soul, 'name', 'Alice') }, STATE));
        await peer!.stored(node(`${soul}/list`, { a: signed(user, `${soul}/list`, 'a', { b: [1, 'x'], a: null }) }, STATE));
      }),
  },
  {
    name: 'and nothing else: not what is unsigned, signed for another place, or by another key, also when that key is named',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const [user, thief] = [newUser(), newUser()];
        const soul = `~${user.pub}/list`;
        const wrong = ['open', signed(user, soul, 'b', 1), signed(thief, soul, 'a', 1), signed(thief, soul, 'a', 1, { '*': thief.pub })];
        for (const value of wrong) assert.ok((await peer!.answerTo(peer!.put(node(soul, { a: value }, STATE)))).err, value);
        assert.deepEqual(await peer!.read({ '#': soul }, 1), {});
      }),
  },
  {
    name: 'who has a certificate writes, until the owner puts it into the list of those who may not',
    check: (url) =>
      withGraphs(url, 1, async (peer) => {
        const [owner, writer] = [newUser(), newUser()];
        const [inbox, list] = [`~${owner.pub}/inbox`, `~${owner.pub}/blocked`];
        const terms = JSON.stringify({ c: '*', w: { '*': 'inbox' }, wb: list });
        const more = { '*': writer.pub, '+': { m: terms, s: signedText(owner, terms) } };
        await peer!.stored(node(inbox, { a: signed(writer, inbox, 'a', 'before', more) }, STATE));
        await peer!.stored(node(list, { [writer.pub]: signed(owner, list, writer.pub, true) }, STATE));
        assert.ok((await peer!.answerTo(peer!.put(node(inbox, { b: signed(writer, inbox, 'b', 'after', more) }, STATE)))).err);
        await peer!.stored(node(inbox, { c: signed(owner, inbox, 'c', 'own') }, STATE));
      }),
  },
];

export const CASES: readonly Case[] = [...BASICS, ...MERGING, ...LIVE, ...ASKING, ...LEX, ...SIGNED];
