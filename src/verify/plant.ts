// Puts canaries as plaintext into every field a client has, through the SDK, and waits until all of it arrived elsewhere.
import type { EphemeralMessage } from '../client/live/ephemeral.js';
import { NodeWebSocket } from '../client/node.js';
import type { Internals } from '../client/space/assemble.js';
import { createSpaceWith, openSpaceWith } from '../client/space/open.js';
import type { Space } from '../client/space/space.js';
import { MemoryDeviceStore } from '../client/store/device-store.js';
import { RelayError } from '../errors.js';

/** The fields of clients, and the share of the canaries that goes into each. */
const SHARES = {
  'entry item': 0.5,
  'device name': 0.1,
  'snapshot state': 0.15,
  'ephemeral frame': 0.15,
  'topic message': 0.08,
  'topic name': 0.02,
} as const;

export type Field = keyof typeof SHARES;
export const FIELDS = Object.keys(SHARES) as Field[];

const ARRIVAL_MS_MAX = 60_000;
/** Frames sent in a row before a rest, so that the relay's rate takes all of them. */
const FRAMES_IN_A_ROW = 64;
const REST_MS = 50;
const TOPICS_AT_ONCE = 8;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** How many canaries each field gets; at least one. */
export function shareOut(canaries: number): Record<Field, number> {
  const shares = FIELDS.map((field) => [field, Math.max(1, Math.floor(canaries * SHARES[field]))] as const);
  const counts = Object.fromEntries(shares) as Record<Field, number>;
  const given = Object.values(counts).reduce((sum, count) => sum + count, 0);
  counts['entry item'] = Math.max(1, counts['entry item'] + canaries - given);
  return counts;
}

/** A space with three devices, which stay online until they are closed. */
export class Planter {
  readonly #relay: string;
  readonly #internals: Internals;
  readonly #spaces: Space[] = [];
  readonly #stores: MemoryDeviceStore[] = [];

  /** `internals` is what a control passes to leave something unsealed. */
  constructor(relay: string, internals: Internals) {
    this.#relay = relay;
    this.#internals = internals;
  }

  async plant(canaries: Readonly<Record<Field, readonly string[]>>): Promise<void> {
    const state = bytes(canaries['snapshot state'].join('\n'));
    const a = await createSpaceWith({ ...this.#base(), relay: this.#relay, snapshot: { create: () => state, load: () => undefined } }, this.#internals);
    this.#spaces.push(a);
    await a.whenSynced();
    const b = await this.#open(a);
    await this.#entries(a, b, canaries);
    await this.#ephemeral(a, b, canaries['ephemeral frame']);
    await this.#topics(a, b, canaries);
    await a.snapshot();
    let loaded: Uint8Array = new Uint8Array();
    const c = await this.#open(a, (read) => {
      loaded = read;
    });
    await arrived('the snapshot', () => loaded.length === state.length);
    await c.whenSynced();
  }

  /** Private keys of all devices, and the root secret. */
  async secrets(): Promise<Uint8Array[]> {
    const states = await Promise.all(this.#stores.map((store) => store.load()));
    return states.flatMap((state) => {
      if (state === null) return [];
      const keys = [state.deviceSecret.slice(1, 33), state.deviceSecret.slice(65, 97)];
      return state.rootSecret === null ? keys : [...keys, state.rootSecret];
    });
  }

  async close(): Promise<void> {
    for (const space of this.#spaces.splice(0)) await space.close();
  }

  #base(): { readonly storage: MemoryDeviceStore; readonly webSocket: typeof NodeWebSocket; readonly batchWindowMs: number } {
    const storage = new MemoryDeviceStore();
    this.#stores.push(storage);
    return { storage, webSocket: NodeWebSocket, batchWindowMs: 5 };
  }

  async #open(first: Space, load?: (state: Uint8Array) => void): Promise<Space> {
    const snapshot = load === undefined ? {} : { snapshot: { create: () => new Uint8Array(), load } };
    const space = await openSpaceWith({ ...this.#base(), ...snapshot, link: first.link ?? '' }, this.#internals);
    this.#spaces.push(space);
    return space;
  }

  async #entries(a: Space, b: Space, canaries: Readonly<Record<Field, readonly string[]>>): Promise<void> {
    let read = 0;
    b.subscribe(({ items }) => {
      read += items.length;
    });
    const names = canaries['device name'].map((name) => JSON.stringify({ device: a.device, name }));
    const items = [...canaries['entry item'], ...names];
    for (const item of items) {
      await a.whenWritable();
      a.push(bytes(item));
      // Some alone, some together in one entry.
      if (item.charCodeAt(0) % 4 === 0) a.flush();
    }
    await a.whenSynced();
    await arrived('the entries', () => read === items.length);
  }

  async #ephemeral(a: Space, b: Space, frames: readonly string[]): Promise<void> {
    const heard = new Set<string>();
    const stop = b.ephemeral.subscribe(({ payload }: EphemeralMessage) => heard.add(new TextDecoder().decode(payload)));
    await sleep(REST_MS);
    for (const [at, frame] of frames.entries()) {
      a.ephemeral.send(bytes(frame));
      if (at % FRAMES_IN_A_ROW === FRAMES_IN_A_ROW - 1) await sleep(REST_MS);
    }
    await arrived('the ephemeral frames', () => heard.size === frames.length);
    stop();
  }

  async #topics(a: Space, b: Space, canaries: Readonly<Record<Field, readonly string[]>>): Promise<void> {
    const names = canaries['topic name'];
    const messages = [...canaries['topic message']];
    const each = Math.ceil(messages.length / names.length);
    for (let at = 0; at < names.length; at += TOPICS_AT_ONCE) {
      await Promise.all(names.slice(at, at + TOPICS_AT_ONCE).map((name) => this.#topic(a, b, name, messages.splice(0, each))));
    }
  }

  async #topic(a: Space, b: Space, name: string, messages: readonly string[]): Promise<void> {
    const [from, to] = [a.topic(name), b.topic(name)];
    let got = 0;
    to.receive(() => {
      got += 1;
    });
    await arrived('a peer', () => from.peers().length === 1);
    await Promise.all(messages.map((message) => from.send(bytes(message))));
    await arrived('the messages of a topic', () => got === messages.length);
    from.leave();
    to.leave();
  }
}

async function arrived(what: string, reached: () => boolean): Promise<void> {
  const end = Date.now() + ARRIVAL_MS_MAX;
  while (!reached()) {
    if (Date.now() > end) throw new RelayError('verify_failed', `${what} did not arrive`);
    await sleep(5);
  }
}
