// Tabs of one origin in a world with seeded orderings: messages of different tabs overtake each other, storage is slow, and a tab can end at any
// moment without a word, with its last messages still on their way.
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Environment } from '../../src/client/environment.js';
import { live } from '../../src/client/live/index.js';
import type { OutboxEntry } from '../../src/client/outbox/outbox-store.js';
import { TabFailover, failover } from '../../src/client/region/index.js';
import { openSpaceWith } from '../../src/client/space/open.js';
import type { OpenSpaceOptions } from '../../src/client/space/open.js';
import type { Space } from '../../src/client/space/space.js';
import { MemoryDeviceStore } from '../../src/client/store/device-store.js';
import type { DeviceState, DeviceStore } from '../../src/client/store/device-store.js';
import type { TabChannel, TabGround } from '../../src/client/tabs/tab-channel.js';
import { TabSpace } from '../../src/client/tabs/tab-space.js';
import type { OpenTransport } from '../../src/client/transport/transport.js';
import { HonestRelay } from './honest-relay.js';
import { createDevice } from './test-space.js';

/** Turns of the event loop that a message or a write may take. */
const TURNS_MAX = 12;
/** Of so many one takes this many times as long. */
const STALLS_ONE_OF = 12;
const STALL_FACTOR = 25;
const NEVER = new Promise<never>(() => undefined);
/** Shorter than an app's by as much as everything else here is. */
const FAILOVER = { returnAfterMs: 100, timing: { probeMs: 30, othersMs: 30, timeoutMs: 500, againMs: 5 } };
const PORT = 8080;

type Listener = (message: unknown) => void;

/** A generator of numbers from 0 to 1 that repeats with its seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One tab, as the browser sees it. */
class TabProcess implements TabGround {
  alive = true;
  listener: Listener | undefined;
  /** Per receiver: what is on its way, in the order it was sent. */
  readonly ways = new Map<TabProcess, Promise<void>>();
  readonly #world: TabWorld;
  release: () => void = () => undefined;

  constructor(world: TabWorld) {
    this.#world = world;
  }

  readonly locks: TabGround['locks'] = {
    request: async (_name, { signal }, held) => {
      await this.#world.granted(this, signal);
      const dead = new Promise<void>((resolve) => {
        this.release = resolve;
      });
      try {
        await Promise.race([held(), dead]);
      } finally {
        this.#world.released(this);
      }
    },
  };

  channel<M>(): TabChannel<M> {
    return {
      post: (message) => {
        if (this.alive) this.#world.post(this, structuredClone(message));
      },
      listen: (listener) => {
        this.listener = listener as Listener;
      },
      close: () => {
        this.listener = undefined;
      },
    };
  }

  storage(disk: MemoryDeviceStore): DeviceStore & { close(): void } {
    let isOpen = true;
    const slowly = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!isOpen) throw new Error('the storage is closed');
      await this.#world.while();
      // What was not done when the process ended is never done.
      return this.alive ? work() : NEVER;
    };
    return {
      load: () => slowly(() => disk.load()),
      save: (state: DeviceState) => slowly(() => disk.save(structuredClone(state))),
      outbox: {
        load: () => slowly(() => disk.outbox.load()),
        put: (entries: readonly OutboxEntry[]) => slowly(() => disk.outbox.put(entries)),
        remove: (upTo: number) => slowly(() => disk.outbox.remove(upTo)),
      },
      close: () => {
        isOpen = false;
      },
    };
  }

  transport(relay: HonestRelay): OpenTransport {
    const open = relay.transport();
    return (url, events) => {
      if (!this.alive) return { bufferedBytes: 0, send: () => undefined, close: () => undefined };
      let isCut = false;
      const guard = <A extends readonly unknown[]>(told: (...args: A) => void) => (...args: A) => this.alive && !isCut && told(...args);
      this.#world.onDeath(relay, () => {
        guard(() => events.closed({ code: 1006, reason: '' }))();
        isCut = true;
      });
      const transport = open(url, { opened: guard(() => events.opened()), message: guard((bytes: Uint8Array) => events.message(bytes)), closed: guard((closure: { code: number; reason: string }) => events.closed(closure)) });
      this.ends.add(() => transport.close(1006, ''));
      return { bufferedBytes: 0, send: (message) => this.alive && transport.send(message), close: (code, reason) => transport.close(code, reason) };
    };
  }

  readonly ends = new Set<() => void>();
  /** Asks a relay whether it is well. */
  readonly fetch = (async (url: string) => {
    await this.#world.while();
    if (!this.alive) return NEVER;
    if (!this.#world.relays[Number(new URL(url).port) - PORT]?.up) throw new TypeError('no answer');
    return new Response(null);
  }) as typeof globalThis.fetch;

  readonly environment: Pick<Environment, 'after' | 'random'> = {
    random: () => 0.02,
    after: (delayMs, call) => {
      const handle = setTimeout(() => this.alive && call(), delayMs);
      return { cancel: () => clearTimeout(handle) };
    },
  };
}

export interface WorldTab {
  readonly space: TabSpace;
  readonly texts: string[];
  readonly told: string[];
  /** Undefined in a world with one relay. */
  readonly regions: TabFailover | undefined;
  /** Ends the process. */
  readonly kill: () => void;
}

export class TabWorld {
  readonly relays: readonly HonestRelay[];
  readonly link: string;
  readonly disk = new MemoryDeviceStore();
  readonly #random: () => number;
  readonly #tabs = new Set<TabProcess>();
  #queue: { readonly tab: TabProcess; readonly grant: () => void }[] = [];
  #holder: TabProcess | undefined;
  readonly #onDeath = new Map<HonestRelay, Set<() => void>>();

  private constructor(relays: readonly HonestRelay[], link: string, random: () => number) {
    this.relays = relays;
    this.link = link;
    this.#random = random;
  }

  /** With several relays, which do not copy each other, the tabs fail over. */
  static async begin(seed: number, relayCount = 1): Promise<TabWorld> {
    const relays = await Promise.all(Array.from({ length: relayCount }, () => new HonestRelay().start()));
    const [relay = expect.fail('a world has a relay')] = relays;
    const home = await createDevice(relay, { failsOver: relayCount > 1 });
    await home.space.whenSynced();
    const link = home.space.link ?? '';
    await home.space.close();
    return new TabWorld(relays, link, seeded(seed));
  }

  /** `used`: with a failover that there is. */
  async open(used?: TabFailover): Promise<WorldTab> {
    const tab = new TabProcess(this);
    this.#tabs.add(tab);
    const list = this.relays.map((relay, at) => ({ id: String(at), relay: relay.address(PORT + at) }));
    const regions = used ?? (list.length < 2 ? undefined : new TabFailover({ regions: list, ...FAILOVER, fetch: tab.fetch, environment: tab.environment }));
    const relayOf = ({ relay }: OpenSpaceOptions): HonestRelay => this.relays[list.findIndex((region) => region.relay === relay)] ?? this.relays[0] ?? expect.fail('a world has a relay');
    const space = await TabSpace.open(
      { link: this.link, batchWindowMs: 0, environment: tab.environment, ...(regions === undefined ? {} : { regions }) },
      {
        ground: tab,
        open: (options) => openSpaceWith({ ...options, parts: [...(options.parts ?? []), live] }, { openTransport: tab.transport(relayOf(options)) }),
        openStorage: async () => tab.storage(this.disk),
      },
    );
    const opened: WorldTab = { space, texts: [], told: [], regions, kill: () => this.#kill(tab) };
    space.subscribe(({ items }) => opened.texts.push(...items.map((item) => new TextDecoder().decode(item))));
    space.on('error', ({ code, message }) => tab.alive && opened.told.push(`${code}: ${message}`));
    space.on('misbehaviour', ({ kind, detail }) => tab.alive && opened.told.push(`${kind}: ${detail}`));
    return opened;
  }

  /** A few turns, as many as the seed says. */
  async while(): Promise<void> {
    const factor = this.#random() * STALLS_ONE_OF < 1 ? STALL_FACTOR : 1;
    for (let turns = Math.floor(this.#random() * TURNS_MAX * factor); turns > 0; turns -= 1) await turn();
  }

  /** A device of its own that reads what a relay holds. */
  far(at = 0): Promise<Space> {
    const relay = this.relays[at] ?? expect.fail('there is no such relay');
    const parts = this.relays.length > 1 ? [failover] : [];
    return openSpaceWith({ link: this.link, relay: relay.address(PORT + at), batchWindowMs: 0, parts }, { openTransport: relay.transport() });
  }

  /** The relay ends, and all connections to it. */
  die(at: number): void {
    const relay = this.relays[at] ?? expect.fail('there is no such relay');
    relay.up = false;
    for (const cut of this.#onDeath.get(relay) ?? []) cut();
    this.#onDeath.delete(relay);
  }

  revive(at: number): void {
    const relay = this.relays[at] ?? expect.fail('there is no such relay');
    relay.up = true;
  }

  onDeath(relay: HonestRelay, cut: () => void): void {
    const cuts = this.#onDeath.get(relay) ?? new Set();
    this.#onDeath.set(relay, cuts.add(cut));
  }

  post(from: TabProcess, message: unknown): void {
    for (const to of this.#tabs) {
      if (to === from) continue;
      const way = (from.ways.get(to) ?? Promise.resolve()).then(() => this.while()).then(() => {
        if (to.alive) to.listener?.(message);
      });
      from.ways.set(to, way);
    }
  }

  granted(tab: TabProcess, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { tab, grant: resolve };
      this.#queue.push(waiting);
      signal.addEventListener('abort', () => {
        this.#queue = this.#queue.filter((other) => other !== waiting);
        reject(signal.reason as Error);
      });
      this.#grant();
    });
  }

  released(tab: TabProcess): void {
    if (this.#holder !== tab) return;
    this.#holder = undefined;
    this.#grant();
  }

  #grant(): void {
    const next = this.#holder === undefined ? this.#queue.shift() : undefined;
    if (next === undefined) return;
    this.#holder = next.tab;
    next.grant();
  }

  #kill(tab: TabProcess): void {
    tab.alive = false;
    this.#tabs.delete(tab);
    for (const end of tab.ends) end();
    this.#queue = this.#queue.filter((waiting) => waiting.tab !== tab);
    tab.release();
    this.released(tab);
  }
}
