import { describe, expect, test } from 'vitest';
import { ClientError } from '../../../../src/client/client-error.js';
import { createTransport } from '../../../../src/client/plures/create-transport.js';
import { DIRECT_SILENCE_MS, DIRECT_TIMEOUT_MS, MEET_AGAIN_MS, PEERS_MAX, SENDS_WAITING_MAX, SWITCH_WAIT_MS } from '../../../../src/client/plures/limits.js';
import { MessageSeal } from '../../../../src/client/plures/message-seal.js';
import type { SyncConnection, SyncTransport, TransportConfig } from '../../../../src/client/plures/transport.js';
import { DirectDouble } from '../../../support/direct-double.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { HubDouble } from '../../../support/plures-hub.js';
import { runClock } from '../../../support/run-clock.js';

const AZURE = 'wss://azure.example/';
const VERCEL = 'wss://vercel.example/';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function scene() {
  const clock = new ManualClock();
  const hub = new HubDouble();
  const direct = new DirectDouble();
  let ids = 0;
  const environment = { now: clock.now, random: clock.random, after: clock.after.bind(clock), randomBytes: (length: number) => new Uint8Array(length).fill((ids += 1)) };
  const events: string[] = [];
  const made = (config: Partial<TransportConfig> = {}): SyncTransport =>
    createTransport({ mode: 'auto', azureRelayUrl: AZURE, vercelRelayUrl: VERCEL, topic: 't', direct, webSocket: hub.webSocket, environment, ...config });
  const watched = (config: Partial<TransportConfig> = {}): SyncTransport =>
    made({ ...config, observe: (event) => events.push(event.type === 'attempt' ? `${event.transport} ${event.outcome}` : event.type === 'path' ? `by ${event.path}` : event.type) });
  const run = <T>(work: Promise<T>): Promise<T> => runClock(clock, work, 10);
  /** Sealing takes real time, so some of that goes by too. */
  const rest = async (ms: number): Promise<void> => {
    for (let step = 0; step < 20; step += 1) {
      clock.advance(ms / 20);
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { clock, hub, direct, made, watched, run, rest, events };
}

/** What a connection gave so far; `end`, or the code of the error, is the last. */
function collected(connection: SyncConnection): string[] {
  const got: string[] = [];
  void (async () => {
    try {
      for await (const message of connection.receive()) got.push(new TextDecoder().decode(message));
      got.push('end');
    } catch (cause) {
      got.push((cause as ClientError).code);
    }
  })();
  return got;
}

async function pair(of: ReturnType<typeof scene>, config: Partial<TransportConfig> = {}) {
  const heard: string[][] = [];
  const accepted: SyncConnection[] = [];
  const listening = of.watched(config);
  await of.run(listening.listen((connection) => {
    accepted.push(connection);
    heard.push(collected(connection));
  }));
  const connecting = of.made(config);
  const connection = await of.run(connecting.connect('peer-a'));
  const got = collected(connection);
  await of.rest(20);
  return { listening, connecting, connection, got, heard, accepted };
}

describe('the order of the ways', () => {
  test('directly, then one relay, then the other, each for its own time', async () => {
    const of = scene();
    of.direct.isOn = false;
    await of.run(of.made({ mode: 'vercel-relay' }).listen(() => undefined));
    const before = of.clock.now();
    await of.run(of.watched({ connectionTimeoutMs: 2000, directTimeoutMs: 500 }).connect('peer-a'));
    expect(of.events).toEqual(['direct failed', 'azure-relay failed', 'by relay', 'vercel-relay connected']);
    expect(of.clock.now() - before).toBeGreaterThanOrEqual(2500);
    expect(of.clock.now() - before).toBeLessThan(2700);
  });

  test('a relay that cannot be reached costs no time, and a direct way that there is none for is skipped', async () => {
    const of = scene();
    of.hub.down.add(AZURE);
    await of.run(of.made({ mode: 'vercel-relay' }).listen(() => undefined));
    const before = of.clock.now();
    const config: Partial<TransportConfig> = { observe: (event) => of.events.push(event.type === 'attempt' ? `${event.transport} ${event.outcome}` : '') };
    const transport = createTransport({ mode: 'auto', azureRelayUrl: AZURE, vercelRelayUrl: VERCEL, topic: 't', webSocket: of.hub.webSocket, ...config });
    await of.run(transport.connect('peer-a'));
    expect(of.events.filter((event) => event !== '')).toEqual(['direct skipped', 'azure-relay failed', 'vercel-relay connected']);
    expect(of.clock.now() - before).toBeLessThan(200);
  });

  test('when none leads anywhere, the error names all of them', async () => {
    const of = scene();
    of.hub.down.add(AZURE);
    const error = await of.run(of.made().connect('peer-a').catch((cause: unknown) => cause));
    expect(error).toMatchObject({ code: 'all_transports_failed', temporary: true });
    expect((error as Error).message).toMatch(/direct.*relay could not be reached.*vercel-relay/);
    expect(of.hub.sockets.every(({ isClosed }) => isClosed)).toBe(true);
    of.hub.down.add(VERCEL);
    await expect(of.run(of.made({ mode: 'vercel-relay' }).connect('a'))).rejects.toMatchObject({ code: 'relay_unreachable' });
    await expect(of.run(of.made({ mode: 'azure-relay' }).listen(() => undefined))).rejects.toMatchObject({ code: 'all_transports_failed' });
  });

  test('with the corporate profile no direct way is looked for', async () => {
    const of = scene();
    const config: Partial<TransportConfig> = { profile: 'corporate' };
    await of.run(of.made(config).listen(() => undefined));
    await of.run(of.watched(config).connect('peer-a'));
    expect(of.direct.joins).toEqual([]);
    expect(of.events).toEqual(['by relay', 'azure-relay connected']);
    of.events.length = 0;
    await of.run(of.watched().connect('peer-b'));
    expect(of.direct.joins.length).toBe(1);
  });

  test.each([
    { mode: 'azure-relay', azureRelayUrl: '' },
    { mode: 'vercel-relay', vercelRelayUrl: 'https://vercel.example' },
    { mode: 'direct', profile: 'corporate' },
    { mode: 'auto', profile: 'corporate', azureRelayUrl: '', vercelRelayUrl: '' },
    { mode: 'pigeon' as TransportConfig['mode'] },
    { mode: 'auto', connectionTimeoutMs: 0 },
  ] satisfies Partial<TransportConfig>[])('options that make no sense are refused: %j', (config) => {
    expect(() => scene().made(config)).toThrow(ClientError);
  });
});

describe('by the relay', () => {
  test('joins and data are those of the stock client', async () => {
    const of = scene();
    const { connection, heard } = await pair(of, { mode: 'azure-relay', token: 'let me in' });
    await of.run(connection.send(Uint8Array.of(1, 2, 3, 255)));
    expect(of.hub.seen).toEqual(['{"type":"join","topic":"t"}', '{"type":"join","topic":"t","peerId":"peer-a"}', '{"type":"data","data":"AQID/w=="}']);
    expect(of.hub.sockets.map(({ url }) => url)).toEqual([`${AZURE}?token=let+me+in`, `${AZURE}?token=let+me+in`]);
    expect(heard[0]?.length).toBe(1);
  });

  test('each peer is a connection of its own for who listens, also one that only speaks, and one of two with the same id', async () => {
    const of = scene();
    const { heard, connection, listening } = await pair(of, { mode: 'azure-relay' });
    const other = await of.run(of.made({ mode: 'azure-relay' }).connect('peer-b'));
    await of.run(connection.send(bytes('from a')));
    await of.run(other.send(bytes('from b')));
    await of.rest(10);
    expect(heard).toEqual([['from a'], ['from b']]);
    const twin = await of.run(of.made({ mode: 'azure-relay' }).connect('peer-b'));
    await of.run(other.close());
    await of.run(twin.send(bytes('from the twin')));
    await of.rest(10);
    expect(heard).toEqual([['from a'], ['from b', 'from the twin']]);
    await of.run(twin.close());
    await of.rest(10);
    expect(heard[1]?.at(-1)).toBe('end');
    await of.run(listening.close());
    expect(heard[0]?.at(-1)).toBe('end');
  });

  test('with a sync key the relay sees neither topic nor message, and who has another key meets nobody', async () => {
    const of = scene();
    const { connection, heard } = await pair(of, { mode: 'azure-relay', syncKey: 'secret', topic: 'my topic' });
    for (let n = 0; n < 2; n += 1) await of.run(connection.send(bytes('attack at dawn')));
    await expect.poll(() => heard[0]).toEqual(['attack at dawn', 'attack at dawn']);
    const [, , one, two] = of.hub.seen;
    expect(one).not.toBe(two);
    expect(of.hub.seen.join()).not.toMatch(/my topic|YXR0YWNr/);
    const wrong = of.made({ mode: 'azure-relay', syncKey: 'wrong', topic: 'my topic', connectionTimeoutMs: 100 }).connect('b');
    await expect(of.run(wrong)).rejects.toMatchObject({ code: 'request_timeout' });
    of.hub.sockets[1]!.send('{"type":"data","data":"AQID"}');
    await expect.poll(() => of.events.at(-1)).toBe('unreadable');
    await of.run(connection.send(bytes('still there')));
    await expect.poll(() => heard[0]?.at(-1)).toBe('still there');
  });

  test('an error of the relay is the caller’s, what means nothing is ignored, and a lost relay ends the connection by name', async () => {
    const of = scene();
    const { got } = await pair(of, { mode: 'azure-relay' });
    for (const nothing of ['garbage', '[]', '{"type":"data","data":"?"}', '{"type":"offer"}', '{"type":"data","peerId":7,"data":"AA=="}']) of.hub.sockets[1]!.say(nothing);
    await of.rest(10);
    expect(got).toEqual([]);
    of.hub.sockets[1]!.fail();
    await of.rest(10);
    expect(got).toEqual(['relay_unreachable']);
    of.hub.refuses = 'Topic is required for join';
    await expect(of.run(of.made({ mode: 'azure-relay' }).connect('b'))).rejects.toMatchObject({ code: 'relay_refused' });
  });

  test('more peers than the limit are not taken', async () => {
    const of = scene();
    const met: SyncConnection[] = [];
    await of.run(of.made({ mode: 'azure-relay' }).listen((connection) => met.push(connection)));
    for (let n = 0; n < PEERS_MAX + 10; n += 1) of.hub.sockets[0]!.say({ type: 'peer-joined', peerId: `p${n}` });
    expect(met.length).toBe(PEERS_MAX);
  });

  test('send() waits for a slow network, refuses too many callers, and gives up when nothing moves', async () => {
    const of = scene();
    const { connection } = await pair(of, { mode: 'azure-relay' });
    const socket = of.hub.sockets[1]!;
    socket.bufferedAmount = 100_000_000;
    const outcomes = Array.from({ length: SENDS_WAITING_MAX + 1 }, () => connection.send(bytes('x')).then(() => 'sent', (cause: ClientError) => cause.code));
    expect(await outcomes.at(-1)).toBe('send_queue_full');
    await of.rest(500);
    expect(of.hub.seen.length).toBe(2);
    socket.bufferedAmount = 0;
    await of.rest(500);
    expect(await Promise.all(outcomes.slice(0, -1))).toEqual(Array.from({ length: SENDS_WAITING_MAX }, () => 'sent'));
    socket.bufferedAmount = 100_000_000;
    await expect(runClock(of.clock, connection.send(bytes('x')), 100)).rejects.toMatchObject({ code: 'send_stalled' });
  });
});

describe('directly', () => {
  test('two peers need no relay, and an orderly close ends both sides', async () => {
    const of = scene();
    const { connection, heard, got, accepted } = await pair(of, { mode: 'direct' });
    await of.run(connection.send(bytes('hello')));
    await of.run(accepted[0]!.send(bytes('welcome')));
    await of.rest(10);
    expect([heard, got, of.hub.sockets.length]).toEqual([[['hello']], ['welcome'], 0]);
    await of.run(connection.close());
    await of.rest(10);
    expect([heard, got]).toEqual([[['hello', 'end']], ['welcome', 'end']]);
    await expect(of.run(connection.send(bytes('x')))).rejects.toMatchObject({ code: 'closed' });
  });

  test.each([
    ['a proof that is none', (seal: MessageSeal, binding: Uint8Array) => ({ kind: 'hello' as const, peerId: 'x', proof: seal.proof(binding, false) })],
    ['words before the proof', () => ({ kind: 'data' as const, number: 1, bytes: bytes('x') })],
  ])('%s ends the way before anything is told of it', async (_, frameOf) => {
    const of = scene();
    const met: SyncConnection[] = [];
    await of.run(of.made({ mode: 'direct' }).listen((connection) => met.push(connection)));
    const seal = new MessageSeal('t', undefined, (length) => new Uint8Array(length));
    const stranger = of.direct.stranger(seal.directName)!;
    stranger.listen({ data: () => undefined, closed: () => undefined });
    const { encodeFrame } = await import('../../../../src/client/plures/direct-frame.js');
    await stranger.write(encodeFrame(frameOf(seal, stranger.binding)));
    await of.rest(10);
    expect([met.length, stranger.isClosed]).toEqual([0, true]);
  });

  test('a stranger who says nothing, or something that is no frame, is let go', async () => {
    const of = scene();
    await of.run(of.made({ mode: 'direct' }).listen(() => undefined));
    const name = new MessageSeal('t', undefined, (length) => new Uint8Array(length)).directName;
    const [silent, garbled] = [of.direct.stranger(name)!, of.direct.stranger(name)!];
    for (const one of [silent, garbled]) one.listen({ data: () => undefined, closed: () => undefined });
    await garbled.write(Uint8Array.of(255, 255, 255, 255, 0));
    await of.rest(100);
    expect([garbled.isClosed, silent.isClosed]).toEqual([true, false]);
    await of.rest(DIRECT_TIMEOUT_MS * 3);
    expect(silent.isClosed).toBe(true);
  });
});

describe('from one way to the other', () => {
  test('directly as soon as there is a way, behind what is still on its way by the relay', async () => {
    const of = scene();
    of.direct.isOn = false;
    const { connection, heard } = await pair(of, { directTimeoutMs: 10 });
    await of.run(connection.send(bytes('1')));
    of.hub.held = [];
    await of.run(connection.send(bytes('2')));
    await of.run(connection.send(bytes('2')));
    of.direct.turnOn();
    await of.rest(20);
    await of.run(connection.send(bytes('3')));
    await of.run(connection.send(bytes('4')));
    await of.rest(20);
    expect(heard).toEqual([['1']]);
    of.hub.held[0]!();
    await of.rest(10);
    expect(heard).toEqual([['1', '2']]);
    of.hub.held.shift();
    of.hub.release();
    await of.rest(10);
    expect(heard).toEqual([['1', '2', '2', '3', '4']]);
    expect(of.events.filter((event) => event.startsWith('by'))).toEqual(['by relay', 'by direct']);
    expect(of.hub.seen.filter((text) => text.includes('"data"')).length).toBe(3);
  });

  test('what never comes by the relay is not waited for longer than its time', async () => {
    const of = scene();
    of.direct.isOn = false;
    const { connection, heard } = await pair(of, { directTimeoutMs: 10 });
    of.hub.held = [];
    await of.run(connection.send(bytes('lost')));
    of.direct.turnOn();
    await of.rest(20);
    await of.run(connection.send(bytes('next')));
    await of.rest(SWITCH_WAIT_MS - 2000);
    expect(heard).toEqual([[]]);
    await of.rest(4000);
    expect(heard).toEqual([['next']]);
  });

  test('what waits for the relay holds its sender up', async () => {
    const of = scene();
    of.direct.isOn = false;
    const { connection, heard } = await pair(of, { directTimeoutMs: 10 });
    of.hub.held = [];
    await of.run(connection.send(bytes('1')));
    of.direct.turnOn();
    await of.rest(20);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 12; sent += 1) await connection.send(new Uint8Array(8 * 1024 * 1024));
    })();
    await of.rest(100);
    expect(sent).toBeLessThan(10);
    of.hub.release();
    await of.run(sending);
    await of.rest(100);
    expect(heard[0]?.length).toBe(13);
  });

  test('an orderly close waits for what is still on its way by the relay', async () => {
    const of = scene();
    of.direct.isOn = false;
    const { connection, heard } = await pair(of, { directTimeoutMs: 10 });
    of.hub.held = [];
    await of.run(connection.send(bytes('1')));
    of.direct.turnOn();
    await of.rest(20);
    await of.run(connection.send(bytes('2')));
    await of.run(connection.close());
    await of.rest(20);
    expect(heard).toEqual([[]]);
    of.hub.release();
    await of.rest(20);
    expect(heard).toEqual([['1', '2', 'end']]);
  });

  test('nor than there is a relay', async () => {
    const of = scene();
    of.direct.isOn = false;
    const { connection, heard } = await pair(of, { directTimeoutMs: 10 });
    of.hub.held = [];
    await of.run(connection.send(bytes('lost')));
    of.direct.turnOn();
    await of.rest(20);
    await of.run(connection.send(bytes('next')));
    await of.rest(20);
    of.hub.sockets[0]!.fail();
    await of.rest(20);
    expect(heard).toEqual([['next']]);
  });

  test.each(['cut', 'silent'] as const)('by the relay again when the direct way dies (%s): first what was not confirmed, then the rest', async (how) => {
    const of = scene();
    const { connection, heard, accepted, got } = await pair(of);
    await of.run(connection.send(bytes('1')));
    of.direct.isSilent = true;
    of.direct.isOn = false;
    await of.run(connection.send(bytes('2')));
    await of.run(connection.send(bytes('3')));
    await of.run(accepted[0]!.send(bytes('a')));
    if (how === 'cut') of.direct.cut();
    else await of.rest(DIRECT_SILENCE_MS + 1000);
    await of.rest(200);
    await of.run(connection.send(bytes('4')));
    await of.run(accepted[0]!.send(bytes('b')));
    await of.rest(200);
    expect([heard, got]).toEqual([[['1', '2', '3', '4']], ['a', 'b']]);
    expect(of.events.filter((event) => event.startsWith('by'))).toEqual(['by direct', 'by none', 'by relay']);
  });

  test('a peer that does not come back by the relay is gone, by name', async () => {
    const of = scene();
    const { connection, got, listening } = await pair(of);
    of.direct.isSilent = true;
    await of.run(connection.send(bytes('1')));
    await of.run(listening.close());
    of.direct.cut();
    await of.rest(MEET_AGAIN_MS + 2000);
    expect(got).toEqual(['peer_gone']);
    await expect(of.run(connection.send(bytes('2')))).rejects.toMatchObject({ code: 'closed' });
  });

  test('without a relay the death of the direct way is the end, by name', async () => {
    const of = scene();
    const { got, heard } = await pair(of, { mode: 'direct' });
    of.direct.cut();
    await of.rest(20);
    expect([got, heard[0]]).toEqual([['relay_unreachable'], ['relay_unreachable']]);
  });

  test('with a third peer that can only be reached by the relay everything goes by the relay', async () => {
    const of = scene();
    const { connection, heard } = await pair(of, { directTimeoutMs: 10 });
    const third = await of.run(of.made({ mode: 'azure-relay' }).listen(() => undefined).then(() => 'there'));
    expect(third).toBe('there');
    const other = await of.run(of.made({ mode: 'auto', directTimeoutMs: 10 }).connect('peer-b'));
    await of.run(other.send(bytes('x')));
    await of.run(connection.send(bytes('y')));
    await of.rest(20);
    expect(heard.flat().toSorted()).toEqual(['x', 'y']);
  });
});

test('a closed transport does nothing more', async () => {
  const of = scene();
  const { connecting, listening, got, heard } = await pair(of, { mode: 'azure-relay' });
  await of.run(connecting.close());
  await of.run(listening.close());
  expect([got, heard]).toEqual([['end'], [['end']]]);
  expect(of.hub.sockets.every(({ isClosed }) => isClosed)).toBe(true);
  await expect(of.run(connecting.connect('x'))).rejects.toMatchObject({ code: 'closed' });
  await expect(of.run(listening.listen(() => undefined))).rejects.toMatchObject({ code: 'closed' });
});
