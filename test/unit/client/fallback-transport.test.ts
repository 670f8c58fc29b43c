// Which way a connection takes, by what became of those before it.
import { expect, test } from 'vitest';
import { FALLBACK_MS_MAX, FALLBACK_MS_MIN, FALLBACK_RELAYS_MAX, UNANSWERED_MESSAGES_MAX, WEBSOCKET_HEAD_START_MS, WEBSOCKET_OPEN_MS } from '../../../src/client/limits.js';
import { fallbackTransport } from '../../../src/client/transport/fallback-transport.js';
import type { OpenTransport, TransportEvents } from '../../../src/client/transport/transport.js';
import { WebSocketMemory } from '../../../src/client/transport/websocket-memory.js';
import { ManualClock } from '../../support/manual-clock.js';

const URL = 'ws://relay.example/v1/connect';
const CLOSURE = { code: 1006, reason: '' };
const HELLO = Uint8Array.of(1);
const ANSWER = Uint8Array.of(2);

interface Opened {
  readonly way: string;
  readonly events: TransportEvents;
  readonly sent: Uint8Array[];
  isClosed: boolean;
}

/** One network, on which any number of connections are opened. */
class World {
  readonly clock = new ManualClock();
  readonly memory = new WebSocketMemory();
  readonly opened: Opened[] = [];
  throws = false;

  get ways(): string[] {
    return this.opened.map(({ way }) => way);
  }

  get last(): Opened {
    return this.opened.at(-1)!;
  }

  /** Those that nobody closed. */
  get living(): string[] {
    return this.opened.filter(({ isClosed }) => !isClosed).map(({ way }) => way);
  }

  opener(): OpenTransport {
    const [webSockets, http] = (['webSocket', 'http'] as const).map((way): OpenTransport => (_url, told) => {
      if (this.throws && way === 'webSocket') throw new Error('blocked');
      const one: Opened = { way, sent: [], isClosed: false, events: { ...told, closed: (closure) => void ((one.isClosed = true), told.closed(closure)) } };
      this.opened.push(one);
      return { bufferedBytes: 0, send: (message) => void one.sent.push(message), close: () => void (one.isClosed = true) };
    });
    return fallbackTransport({ webSockets: webSockets!, http: http!, environment: this.clock, memory: this.memory });
  }

  /** One attempt, which says hello as soon as it may. */
  attempt(open = this.opener(), url = URL) {
    const told: string[] = [];
    const transport = open(url, {
      opened: () => {
        told.push('opened');
        transport.send(HELLO);
      },
      message: (bytes) => void told.push(`message ${bytes[0]}`),
      closed: ({ code }) => void told.push(`closed ${code}`),
    });
    return { transport, told };
  }

  /** The newest transport opens, and the relay answers over it. */
  answer(): void {
    this.last.events.opened();
    this.last.events.message(ANSWER);
  }

  /** An attempt that finds WebSockets blocked. */
  blocked(open = this.opener(), url = URL) {
    const attempt = this.attempt(open, url);
    this.last.events.closed(CLOSURE);
    this.answer();
    return attempt;
  }
}

test('a WebSocket that does not open leads to HTTP within the same attempt', () => {
  const world = new World();
  const { told } = world.blocked();
  expect(world.ways).toEqual(['webSocket', 'http']);
  expect(told).toEqual(['opened', 'message 2']);
  expect(world.last.sent).toEqual([HELLO]);
});

test('a WebSocket that opens and ends without a word leads to HTTP too, which is told what was said before', () => {
  const world = new World();
  const { told, transport } = world.attempt();
  world.last.events.opened();
  world.last.events.closed(CLOSURE);
  world.answer();
  expect(told).toEqual(['opened', 'message 2']);
  expect(world.opened.map(({ sent }) => sent)).toEqual([[HELLO], [HELLO]]);
  transport.send(Uint8Array.of(3));
  expect(world.opened.map(({ sent }) => sent.length)).toEqual([1, 2]);
});

test('a constructor that throws counts as a WebSocket that does not open', async () => {
  const world = new World();
  world.throws = true;
  const { told } = world.attempt();
  expect(told).toEqual([]);
  await Promise.resolve();
  world.answer();
  expect([world.ways, told]).toEqual([['http'], ['opened', 'message 2']]);
});

test('a WebSocket that hangs is given a head start, and then whoever answers first has the session', () => {
  const hanging = new World();
  const slow = new World();
  const [overHttp, overWebSocket] = [hanging.attempt(), slow.attempt()];
  for (const { clock, ways, living } of [hanging, slow]) {
    clock.advance(WEBSOCKET_HEAD_START_MS - 1);
    expect(ways).toEqual(['webSocket']);
    expect(living).toEqual(['webSocket']);
    clock.advance(1);
  }
  hanging.answer();
  expect([hanging.ways, hanging.living, overHttp.told]).toEqual([['webSocket', 'http'], ['http'], ['opened', 'message 2']]);

  const [first, second] = slow.opened;
  second!.events.opened();
  first!.events.opened();
  first!.events.message(ANSWER);
  second!.events.message(ANSWER);
  second!.events.closed(CLOSURE);
  expect([slow.living, overWebSocket.told]).toEqual([['webSocket'], ['opened', 'message 2']]);
  expect(slow.opened.map(({ sent }) => sent)).toEqual([[HELLO], [HELLO]]);
  // The control: nothing is blamed on WebSockets.
  slow.attempt();
  expect(slow.last.way).toBe('webSocket');
});

test('where neither way is answered it ends once, and nothing is blamed', () => {
  const world = new World();
  const { told } = world.attempt();
  world.last.events.closed(CLOSURE);
  world.last.events.opened();
  world.last.events.closed(CLOSURE);
  expect(told).toEqual(['opened', 'closed 1006']);
  world.attempt();
  expect(world.ways).toEqual(['webSocket', 'http', 'webSocket']);
});

test('what the relay says by its close code is handed on, and no other way is tried', () => {
  const world = new World();
  const { told } = world.attempt();
  world.last.events.opened();
  world.last.events.closed({ code: 4401, reason: '' });
  expect([world.ways, told]).toEqual([['webSocket'], ['opened', 'closed 4401']]);
});

test('all connections of a program know that WebSockets are blocked, to this relay and for a while', () => {
  const world = new World();
  world.blocked().transport.close(1000, '');
  const other = world.attempt();
  world.answer();
  expect(world.ways).toEqual(['webSocket', 'http', 'http']);
  other.transport.close(1000, '');
  world.attempt(world.opener(), 'ws://other.example/v1/connect');
  expect(world.last.way).toBe('webSocket');
  world.clock.advance(FALLBACK_MS_MIN);
  world.attempt();
  expect(world.last.way).toBe('webSocket');
});

test('a session over HTTP goes on while a WebSocket is tried again after pauses that double, and ends when one opens', () => {
  const world = new World();
  const { told } = world.blocked();
  for (const pauseMs of [FALLBACK_MS_MIN, 2 * FALLBACK_MS_MIN, 4 * FALLBACK_MS_MIN]) {
    const tried = world.ways.length;
    world.clock.advance(pauseMs - 1);
    expect(world.ways.length).toBe(tried);
    world.clock.advance(1);
    expect(world.ways.length).toBe(tried + 1);
    expect([world.last.way, world.last.sent, told.length]).toEqual(['webSocket', [], 2]);
    world.last.events.closed(CLOSURE);
  }
  world.clock.advance(8 * FALLBACK_MS_MIN);
  world.last.events.opened();
  expect(told).toEqual(['opened', 'message 2', 'closed 1006']);
  expect(world.living).toEqual([]);
  // One that opened is waited for longer than one of which nothing is known.
  world.attempt();
  world.clock.advance(WEBSOCKET_OPEN_MS - 1);
  expect(world.last.way).toBe('webSocket');
  world.clock.advance(1);
  expect(world.last.way).toBe('http');
});

test('the pauses have an end, and a WebSocket that hangs when it is tried again is given up', () => {
  const world = new World();
  world.blocked();
  for (let round = 0; round < 20; round += 1) {
    const tried = world.ways.length;
    world.clock.advance(FALLBACK_MS_MAX);
    expect([world.last.way, world.ways.length]).toEqual(['webSocket', tried + 1]);
    world.clock.advance(WEBSOCKET_OPEN_MS);
    expect(world.opened[tried]?.isClosed).toBe(true);
  }
});

test('of all sessions over HTTP one tries a WebSocket again, and all go back when it opens', () => {
  const world = new World();
  const told = [world.blocked().told];
  for (let more = 0; more < 2; more += 1) {
    told.push(world.attempt().told);
    world.answer();
  }
  expect(world.ways).toEqual(['webSocket', 'http', 'http', 'http']);
  world.clock.advance(FALLBACK_MS_MIN);
  expect(world.ways.slice(4)).toEqual(['webSocket']);
  expect(told.map((events) => events.at(-1))).toEqual(['message 2', 'message 2', 'message 2']);
  world.last.events.opened();
  expect(told.map((events) => events.at(-1))).toEqual(['closed 1006', 'closed 1006', 'closed 1006']);
});

test('a network that lets WebSockets open and nothing through leads back to HTTP for longer each time', () => {
  const world = new World();
  const open = world.opener();
  world.blocked(open);
  world.clock.advance(FALLBACK_MS_MIN);
  world.last.events.opened();
  const { told } = world.attempt(open);
  world.last.events.opened();
  world.clock.advance(WEBSOCKET_OPEN_MS);
  world.answer();
  expect(told).toEqual(['opened', 'message 2']);
  const tried = world.ways.length;
  world.clock.advance(4 * FALLBACK_MS_MIN - 1);
  expect(world.ways.length).toBe(tried);
  world.clock.advance(1);
  expect(world.ways.length).toBe(tried + 1);
});

test('after a change of the network nothing is believed any more, and a session over HTTP tries a WebSocket at once', () => {
  const world = new World();
  const open = world.opener();
  world.blocked(open);
  open.networkChanged?.();
  expect(world.ways).toEqual(['webSocket', 'http', 'webSocket']);
  world.last.events.opened();
  world.attempt(open).transport.close(1000, '');
  world.blocked(open).transport.close(1000, '');
  open.networkChanged?.();
  world.attempt(open);
  expect(world.last.way).toBe('webSocket');
});

test('no answer over HTTP where WebSockets were blocked forgets that', () => {
  const world = new World();
  world.blocked().transport.close(1000, '');
  const { told } = world.attempt();
  world.last.events.closed(CLOSURE);
  expect(told).toEqual(['closed 1006']);
  world.attempt();
  expect(world.last.way).toBe('webSocket');
});

test('what is closed at any moment leaves no socket and no timer, and tells nothing more', () => {
  const moments: readonly ((world: World) => void)[] = [
    () => undefined,
    (world) => world.last.events.opened(),
    (world) => world.clock.advance(WEBSOCKET_HEAD_START_MS),
    (world) => world.last.events.closed(CLOSURE),
    (world) => world.answer(),
    (world) => world.clock.advance(FALLBACK_MS_MIN),
  ];
  for (let count = 1; count <= moments.length; count += 1) {
    const world = new World();
    const { transport, told } = world.attempt();
    for (const moment of moments.slice(0, count)) moment(world);
    const before = [...told];
    transport.close(1000, '');
    expect([count, world.living]).toEqual([count, []]);
    const tried = world.ways.length;
    for (const { events } of world.opened) {
      events.opened();
      events.message(ANSWER);
      events.closed(CLOSURE);
    }
    expect([count, world.clock.waiting, world.ways.length, told]).toEqual([count, 0, tried, before]);
  }
});

test('only so much waits for an answer, and only so many relays are remembered', () => {
  const world = new World();
  const { transport } = world.attempt();
  for (let at = 0; at < UNANSWERED_MESSAGES_MAX; at += 1) transport.send(HELLO);
  expect(() => transport.send(HELLO)).toThrow(expect.objectContaining({ code: 'offline', temporary: true }));
  for (let at = 0; at <= FALLBACK_RELAYS_MAX; at += 1) world.memory.blocked(`ws://relay-${at}`, 0);
  expect([world.memory.blockedMs('ws://relay-0', 0), world.memory.blockedMs('ws://relay-1', 0)]).toEqual([0, FALLBACK_MS_MIN]);
  // A clock that was set back.
  expect(world.memory.blockedMs('ws://relay-1', -FALLBACK_MS_MAX)).toBe(0);
});
