// What PluresDB peers expect of a relay: topics that are joined by a message, and topics that are a path.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { type Peer, withPeers } from '../socket.js';
import type { Case } from '../target.js';

const topicName = (): string => `topic-${randomUUID()}`;
const hexTopic = (): string => createHash('sha256').update(randomUUID()).digest('hex');
const join = (topic: string, peerId?: string): object => ({ type: 'join', topic, ...(peerId === undefined ? {} : { peerId }) });
const data = (base64: string): object => ({ type: 'data', data: base64 });
const joined = (peerId: string, topic: string): object => ({ type: 'peer-joined', peerId, topic });
const left = (peerId: string, topic: string): object => ({ type: 'peer-left', peerId, topic });
const PUT = (id: string): string => JSON.stringify({ '#': id, put: { soul: { _: { '#': 'soul', '>': { a: 1 } }, a: 1 } } });

/** Joins one after the other, each seen by those before it, and takes their greetings. */
async function inTopic(topic: string, peers: readonly Peer[]): Promise<void> {
  for (const [index, peer] of peers.entries()) {
    peer.say(join(topic, `p${index}`));
    for (const other of peers.slice(0, index)) assert.deepEqual(await other.json(), joined(`p${index}`, topic));
    if (index > 0) assert.deepEqual(await peer.json(), joined('p0', topic));
    else assert.deepEqual(await peer.during(), []);
  }
}

const JOINED: readonly Case[] = [
  {
    name: 'a lone joiner hears nothing; the second hears of exactly one, and the first of it',
    check: (url) =>
      withPeers(url, ['/', '/'], async (a, b) => {
        const topic = topicName();
        a!.say(join(topic));
        assert.deepEqual(await a!.during(), []);
        b!.say(join(topic, 'peer-b'));
        assert.deepEqual(await a!.json(), joined('peer-b', topic));
        const { peerId } = (await b!.json()) as { peerId: string };
        assert.match(peerId, /^peer-\d+-[0-9a-z]{9}$/);
        assert.deepEqual(await b!.during(), []);
      }),
  },
  {
    name: 'messages are byte for byte those of the stock relay',
    check: (url) =>
      withPeers(url, ['/', '/'], async (a, b) => {
        const topic = topicName();
        a!.say(join(topic, 'peer-a'));
        await a!.during();
        b!.say(join(topic, 'peer-b'));
        assert.equal(await a!.next(), `{"type":"peer-joined","peerId":"peer-b","topic":"${topic}"}`);
        assert.equal(await b!.next(), `{"type":"peer-joined","peerId":"peer-a","topic":"${topic}"}`);
        b!.say(data('AQID/w=='));
        assert.equal(await a!.next(), '{"type":"data","peerId":"peer-b","data":"AQID/w=="}');
        assert.deepEqual(await b!.during(), []);
      }),
  },
  {
    name: 'three peers: data goes to both others in order, never back',
    check: (url) =>
      withPeers(url, ['/', '/', '/'], async (...peers) => {
        await inTopic(topicName(), peers);
        for (let n = 0; n < 100; n += 1) peers[1]!.say(data(Buffer.from(String(n)).toString('base64')));
        for (const peer of [peers[0]!, peers[2]!]) {
          for (let n = 0; n < 100; n += 1) assert.deepEqual(await peer.json(), { type: 'data', peerId: 'p1', data: Buffer.from(String(n)).toString('base64') });
        }
        assert.deepEqual(await peers[1]!.during(), []);
      }),
  },
  {
    name: 'topics are apart',
    check: (url) =>
      withPeers(url, ['/', '/'], async (a, b) => {
        a!.say(join(topicName()));
        b!.say(join(topicName()));
        a!.say(data('AA=='));
        assert.deepEqual(await b!.during(), []);
      }),
  },
  {
    name: 'a second join leaves the old topic first',
    check: (url) =>
      withPeers(url, ['/', '/', '/'], async (mover, stayer, other) => {
        const [from, to] = [topicName(), topicName()];
        await inTopic(from, [stayer!, mover!]);
        other!.say(join(to, 'other'));
        await other!.during();
        mover!.say(join(to, 'p1'));
        assert.deepEqual(await stayer!.json(), left('p1', from));
        assert.deepEqual(await mover!.json(), joined('other', to));
        stayer!.say(data('AA=='));
        assert.deepEqual(await mover!.during(), []);
      }),
  },
  {
    name: 'a join without a topic is an error, and the socket stays open',
    check: (url) =>
      withPeers(url, ['/'], async (a) => {
        a!.say({ type: 'join' });
        assert.deepEqual(await a!.json(), { type: 'error', payload: 'Topic is required for join' });
        a!.say({ type: 'join', topic: '' });
        assert.deepEqual(await a!.json(), { type: 'error', payload: 'Topic is required for join' });
      }),
  },
  {
    name: 'what means nothing is ignored: data before a join, empty data, other types, garbage, bytes',
    check: (url) =>
      withPeers(url, ['/', '/'], async (a, b) => {
        const topic = topicName();
        a!.say(join(topic, 'a'));
        await a!.during();
        b!.say(data('AA=='));
        b!.say(join(topic, 'b'));
        assert.deepEqual(await a!.json(), joined('b', topic));
        await b!.json();
        for (const nothing of [data(''), { type: 'offer', payload: 1 }, 'garbage', Buffer.from([1, 2, 3])]) b!.say(nothing);
        b!.say(data('AQ=='));
        assert.deepEqual(await a!.json(), { type: 'data', peerId: 'b', data: 'AQ==' });
      }),
  },
  {
    name: 'a peer that goes without a word has left, also one of two with the same id',
    check: (url) =>
      withPeers(url, ['/', '/', '/'], async (a, b, c) => {
        const topic = topicName();
        a!.say(join(topic, 'a'));
        await a!.during();
        for (const peer of [b!, c!]) {
          peer.say(join(topic, 'twin'));
          assert.deepEqual(await peer.json(), joined('a', topic));
          assert.deepEqual(await a!.json(), joined('twin', topic));
        }
        b!.close();
        assert.deepEqual(await a!.json(), left('twin', topic));
        a!.say(data('AA=='));
        assert.deepEqual([await c!.json(), await c!.json()], [left('twin', topic), { type: 'data', peerId: 'a', data: 'AA==' }]);
      }),
  },
  {
    name: 'the path is ignored',
    check: (url) =>
      withPeers(url, ['/', '/any/where?x=1'], async (a, b) => {
        const topic = topicName();
        a!.say(join(topic, 'a'));
        await a!.during();
        b!.say(join(topic, 'b'));
        assert.deepEqual(await b!.json(), joined('a', topic));
      }),
  },
  {
    name: 'ten megabytes in one message',
    check: (url) =>
      withPeers(url, ['/', '/'], async (...peers) => {
        await inTopic(topicName(), peers);
        const large = Buffer.alloc(10 * 1024 * 1024, 7).toString('base64');
        peers[0]!.say(data(large));
        const said = (await peers[1]!.json()) as { data: string };
        assert.equal(said.data.length, large.length);
        assert.ok(said.data === large);
      }),
  },
  {
    name: 'fifty peers in one topic',
    check: (url) =>
      withPeers(url, Array.from({ length: 50 }, () => '/'), async (...peers) => {
        const topic = topicName();
        for (const [index, peer] of peers.entries()) {
          peer.say(join(topic, `p${index}`));
          if (index > 0) await peer.json();
          else await peer.during();
        }
        for (const peer of peers) await peer.during(1);
        peers[7]!.say(data('AQ=='));
        for (const [index, peer] of peers.entries()) {
          if (index === 7) continue;
          let said = (await peer.json()) as { type: string };
          while (said.type === 'peer-joined') said = (await peer.json()) as { type: string };
          assert.deepEqual(said, { type: 'data', peerId: 'p7', data: 'AQ==' });
        }
      }),
  },
  {
    name: 'a receiver that does not read loses nothing once it does',
    check: (url) =>
      withPeers(url, ['/', '/'], async (...peers) => {
        const [sender, receiver] = [peers[0]!, peers[1]!];
        await inTopic(topicName(), peers);
        receiver.socket.pause();
        const megabyte = Buffer.alloc(1 << 20, 1).toString('base64');
        for (let n = 0; n < 24; n += 1) sender.say({ type: 'data', data: `${n}:${megabyte}` });
        await new Promise((resolve) => setTimeout(resolve, 500));
        receiver.socket.resume();
        for (let n = 0; n < 24; n += 1) assert.ok(((await receiver.json()) as { data: string }).data.startsWith(`${n}:`), `message ${n}`);
      }),
  },
];

const PATHS: readonly Case[] = [
  {
    name: 'the path is the topic: bytes go on as text, verbatim, and nothing comes back or from the relay',
    check: async (url) => {
      const topic = hexTopic();
      await withPeers(url, [`/gun/${topic}`, `/${topic}`, `/gun/${topic}`, `/gun/${hexTopic()}`], async (...peers) => {
        peers[0]!.say(Buffer.from(PUT('1')));
        for (const peer of [peers[1]!, peers[2]!]) assert.equal(await peer.next(), PUT('1'));
        assert.deepEqual(await peers[0]!.during(), []);
        assert.deepEqual(await peers[3]!.during(), []);
      });
    },
  },
  {
    name: 'what is not text stays bytes, and order is kept',
    check: async (url) => {
      const topic = hexTopic();
      await withPeers(url, [`/${topic}`, `/${topic}`], async (a, b) => {
        const opaque = Buffer.from([0xff, 0, 0xfe]);
        a!.say(Buffer.from('first'));
        a!.say(opaque);
        a!.say('third');
        assert.equal(await b!.next(), 'first');
        assert.deepEqual(await b!.next(), opaque);
        assert.equal(await b!.next(), 'third');
      });
    },
  },
  {
    name: 'on the bare path who begins with bytes is in one topic with the others who did, without a greeting',
    check: (url) =>
      withPeers(url, ['/gun', '/gun'], async (a, b) => {
        b!.say(Buffer.from(PUT('b')));
        assert.deepEqual(await b!.during(), []);
        a!.say(Buffer.from(PUT('a')));
        assert.equal(await b!.next(), PUT('a'));
        b!.say(Buffer.from(PUT('c')));
        assert.equal(await a!.next(), PUT('c'));
      }),
  },
];

export const CASES: readonly Case[] = [...JOINED, ...PATHS];
