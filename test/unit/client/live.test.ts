// What a client refuses of live frames: a lying relay, or a member that pretends to be another one.
import { describe, expect, it } from 'vitest';
import { LIVE_SEALER, LiveCrypto } from '../../../src/client/live/live-crypto.js';
import type { SealedLive } from '../../../src/client/live/live-crypto.js';
import { EphemeralFrames } from '../../../src/client/live/ephemeral.js';
import { SpaceTopics } from '../../../src/client/live/topics.js';
import type { Topic } from '../../../src/client/live/topic.js';
import { Emitter } from '../../../src/client/emitter.js';
import type { DeviceSecret } from '../../../src/client/crypto/keys.js';
import type { SpaceContext } from '../../../src/client/space/space-context.js';
import type { SpaceEvents } from '../../../src/client/space/space-events.js';
import type { ClientFrame } from '../../../src/protocol/client-frame.js';
import { ZEROS } from '../../../src/protocol/hash.js';
import { ManualClock } from '../../support/manual-clock.js';
import { until } from '../../support/test-space.js';
import { bytes32, device, ed25519, namedRandom, text } from '../crypto/fixtures.js';

const ada = await device('ada');
const bob = await device('bob');
const eve = await device('eve');
const START = 1_750_000_000_000;
const EPHEMERAL = { purpose: 'ephemeral', topic: ZEROS, to: ZEROS } as const;

/** A device with everything live frames need of a space. */
class Party {
  readonly device: DeviceSecret;
  readonly crypto: LiveCrypto;
  readonly ephemeral: EphemeralFrames;
  readonly topics: SpaceTopics;
  readonly clock = new ManualClock();
  readonly sent: ClientFrame[] = [];
  readonly rejected: string[] = [];
  readonly log = { newest: { time: START } };
  readonly link = { features: 3n, send: (frame: ClientFrame) => void this.sent.push(frame), writable: async () => undefined, reconnect: () => undefined };

  constructor(secret: DeviceSecret, members = [ada, bob], keys = new Map([[1, bytes32('epoch one')]])) {
    this.device = secret;
    const events = new Emitter<SpaceEvents>((cause) => {
      throw cause;
    });
    events.on('live-rejected', ({ reason }) => this.rejected.push(reason));
    events.on('error', ({ message }) => this.rejected.push(message));
    const { clock } = this;
    const environment = { now: clock.now, random: clock.random, randomBytes: namedRandom(`party ${secret.key[0]}`), after: (ms: number, call: () => void) => clock.after(ms, call) };
    const known = { keyEpoch: Math.max(...keys.keys()), devices: members.map(({ key }) => ({ key })) };
    const context = { environment, ed25519, identity: { space: bytes32('space'), logId: bytes32('log') }, device: secret, roster: { known, keys }, log: this.log, events };
    this.crypto = new LiveCrypto(context as unknown as SpaceContext, LIVE_SEALER);
    this.ephemeral = new EphemeralFrames(context as unknown as SpaceContext, this.crypto);
    this.topics = new SpaceTopics(context as unknown as SpaceContext, this.crypto);
    this.crypto.begin(START);
    this.ephemeral.up(this.link);
    this.topics.up(this.link);
  }

  async seal(payload: string): Promise<SealedLive> {
    return (await this.crypto.seal(EPHEMERAL, 0, text(payload)))!;
  }
}

const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 20);
  });

function listening(party: Party): string[] {
  const heard: string[] = [];
  party.ephemeral.subscribe(({ payload }) => heard.push(new TextDecoder().decode(payload)));
  return heard;
}

describe('ephemeral frames', () => {
  it('are handed on once, in the order of the sender, and never again', async () => {
    const [from, to] = [new Party(ada), new Party(bob)];
    const heard = listening(to);
    const [one, two, three] = [await from.seal('1'), await from.seal('2'), await from.seal('3')];
    for (const frame of [one, three, two, one, three]) await to.ephemeral.take({ type: 'Ephemeral', device: ada.key, ...frame });
    expect(heard).toEqual(['1', '3']);
    expect(to.rejected).toEqual(['replayed', 'replayed', 'replayed']);
  });

  it('of an earlier session are refused once a later one was heard, also those never shown', async () => {
    const [from, to] = [new Party(ada), new Party(bob)];
    const heard = listening(to);
    const hidden = await from.seal('hidden');
    from.crypto.begin(START + 1000);
    await to.ephemeral.take({ type: 'Ephemeral', device: ada.key, ...(await from.seal('new')) });
    await to.ephemeral.take({ type: 'Ephemeral', device: ada.key, ...hidden });
    expect([heard, to.rejected]).toEqual([['new'], ['replayed']]);
  });

  it('of yesterday are refused by who never heard them, by the log’s own clock', async () => {
    const [from, to] = [new Party(ada), new Party(bob)];
    const heard = listening(to);
    const old = await from.seal('old');
    to.log.newest.time = START + 5 * 60_000;
    await to.ephemeral.take({ type: 'Ephemeral', device: ada.key, ...old });
    to.log.newest.time += 1;
    await to.ephemeral.take({ type: 'Ephemeral', device: ada.key, ...(await new Party(ada).seal('older')) });
    expect([heard, to.rejected]).toEqual([['old'], ['stale']]);
  });

  it('of strangers, under foreign keys, or shown as another device’s are refused', async () => {
    const to = new Party(bob);
    const heard = listening(to);
    const ofEve = await new Party(eve).seal('x');
    await to.ephemeral.take({ type: 'Ephemeral', device: eve.key, ...ofEve });
    await to.ephemeral.take({ type: 'Ephemeral', device: ada.key, ...ofEve });
    const later = new Party(ada, [ada, bob], new Map([[2, bytes32('epoch two')]]));
    await to.ephemeral.take({ type: 'Ephemeral', device: ada.key, ...(await later.seal('x')) });
    expect([heard, to.rejected]).toEqual([[], ['unknown_device', 'content', 'unknown_key_epoch']]);
  });
});

describe('a topic', () => {
  /** Two parties in one topic; what ada sends is handed to bob by hand. */
  async function pair(): Promise<{ from: Party; to: Party; sent: () => ClientFrame[]; atBob: string[]; left: string[]; topic: Topic }> {
    const [from, to] = [new Party(ada), new Party(bob)];
    const [ta, tb] = [from.topics.join('call'), to.topics.join('call')];
    const join = from.sent.find((frame) => frame.type === 'TopicJoin');
    if (join?.type !== 'TopicJoin') throw new Error('no TopicJoin');
    expect(to.sent).toContainEqual(join);
    from.topics.joined({ type: 'TopicJoined', topic: join.topic, number: 5, peer: 1 });
    to.topics.joined({ type: 'TopicJoined', topic: join.topic, number: 5, peer: 2 });
    from.topics.route({ type: 'TopicPeer', number: 5, peer: 2, device: bob.key, present: true });
    to.topics.route({ type: 'TopicPeer', number: 5, peer: 1, device: ada.key, present: true });
    const [atBob, left]: [string[], string[]] = [[], []];
    tb.receive(({ payload }) => void atBob.push(new TextDecoder().decode(payload)));
    tb.on('left', ({ device: gone }) => left.push(gone));
    return { from, to, sent: () => from.sent.filter((frame) => frame.type === 'TopicSend'), atBob, left, topic: ta };
  }

  const deliver = (to: Party, frame: ClientFrame | undefined): void => {
    if (frame?.type !== 'TopicSend') throw new Error('no TopicSend');
    to.topics.route({ type: 'TopicData', number: 5, peer: 1, toAll: frame.toAll, keyEpoch: frame.keyEpoch, sealed: frame.sealed });
  };

  it('hands on what holds and credits it; a gap ends that peer’s pipe', async () => {
    const { to, sent, atBob, left, topic } = await pair();
    for (const said of ['1', '2', '3']) await topic.send(text(said), { to: 2 });
    deliver(to, sent()[0]);
    await until('the credit', () => to.sent.at(-1)?.type === 'TopicCredit');
    expect(to.sent.at(-1)).toEqual({ type: 'TopicCredit', number: 5, peer: 1, bytes: 256 + 64 });
    deliver(to, sent()[2]);
    deliver(to, sent()[1]);
    await until('the gap is seen', () => to.rejected.length > 0);
    await settled();
    expect([atBob, left.length, to.rejected]).toEqual([['1'], 1, ['gap']]);
    expect(to.sent.filter(({ type }) => type === 'TopicCredit')).toHaveLength(1);
  });

  it('refuses a repeated message, and one that was meant for all shown as meant for one', async () => {
    for (const second of [0, 1]) {
      const { to, sent, atBob, topic } = await pair();
      await topic.send(text('one'), { to: 2 });
      await topic.send(text('all'));
      deliver(to, sent()[0]);
      const again = sent()[second];
      if (again?.type !== 'TopicSend') throw new Error('no TopicSend');
      deliver(to, { ...again, toAll: false });
      await until('it is refused', () => to.rejected.length > 0);
      expect([atBob, to.rejected]).toEqual([['one'], [second === 0 ? 'replayed' : 'content']]);
    }
  });

  it('lets a sender wait for credit, and gives up after half a minute with a named error', async () => {
    const { from, sent, topic } = await pair();
    const message = new Uint8Array(60_000);
    const waits = Array.from({ length: 6 }, () => topic.send(message, { to: 2 }));
    const outcome = Promise.allSettled(waits);
    await until('the window is full', () => sent().length === 4);
    await settled();
    expect(sent()).toHaveLength(4);
    from.topics.route({ type: 'TopicCredit', number: 5, peer: 2, bytes: 61_440 + 64 });
    await until('there is room for one', () => sent().length === 5);
    await settled();
    expect(sent()).toHaveLength(5);
    from.clock.advance(30_000);
    expect((await outcome).map(({ status }) => status)).toEqual([...Array.from({ length: 5 }, () => 'fulfilled'), 'rejected']);
    await expect(waits[5]).rejects.toMatchObject({ code: 'topic_stalled', temporary: true });
  });

  it('is closed by name when the relay takes the session out', async () => {
    const { from, topic } = await pair();
    const closed: string[] = [];
    topic.on('closed', ({ code }) => closed.push(code));
    const error = { code: 'topic_overrun' } as never;
    from.topics.refused({ name: 'topic_overrun', error, closes: false, context: 0, retryAfterMs: 0, detail: new Uint8Array() });
    expect([closed, topic.peers()]).toEqual([['topic_overrun'], []]);
    await expect(topic.send(text('x'))).rejects.toMatchObject({ code: 'topic_overrun' });
    expect(from.topics.join('call')).not.toBe(topic);
  });
});
