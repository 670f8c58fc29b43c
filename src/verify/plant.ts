// Puts canaries as plaintext into every field a client has, through the SDK, and waits until all of it arrived elsewhere.
import type { EphemeralMessage } from '../client/live/ephemeral.js';
import { NodeWebSocket } from '../client/node.js';
import type { Internals } from '../client/space/internals.js';
import { blobs } from '../client/blobs/index.js';
import type { BlobCalls } from '../client/blobs/index.js';
import { live } from '../client/live/index.js';
import type { LiveSpace } from '../client/live/index.js';
import { snapshots } from '../client/snapshots/index.js';
import type { SnapshotHandler } from '../client/snapshots/index.js';
import { createSpaceWith, openSpaceWith } from '../client/space/open.js';
import { MemoryDeviceStore } from '../client/store/device-store.js';
import type { OpenTransport } from '../client/transport/transport.js';
import { RelayError } from '../errors.js';
import { httpTransport } from './http-transport.js';

/** The fields of clients, and the share of the canaries that goes into each. */
const SHARES = {
  'entry item': 0.35,
  'entry item over HTTP': 0.1,
  'device name': 0.1,
  'snapshot state': 0.1,
  'snapshot state over HTTP': 0.05,
  'blob content': 0.1,
  'ephemeral frame': 0.1,
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
/** Between the canaries of a blob of several chunks. */
const BLOB_PADDING_BYTES = 2 * 1024 * 1024;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** A snapshot that is this state. */
const saving = (state: Uint8Array): SnapshotHandler => ({ create: () => state, load: () => undefined });
const partsWith = (handler: SnapshotHandler) => [live, blobs, snapshots(handler)] as const;
type Planted = LiveSpace & BlobCalls;

/** How many canaries each field gets; at least one. */
export function shareOut(canaries: number): Record<Field, number> {
  const shares = FIELDS.map((field) => [field, Math.max(1, Math.floor(canaries * SHARES[field]))] as const);
  const counts = Object.fromEntries(shares) as Record<Field, number>;
  const given = Object.values(counts).reduce((sum, count) => sum + count, 0);
  counts['entry item'] = Math.max(1, counts['entry item'] + canaries - given);
  return counts;
}

/** A space with five devices, two of them over HTTP alone, which stay online until they are closed. */
export class Planter {
  readonly #relay: string;
  readonly #internals: Internals;
  readonly #spaces: Planted[] = [];
  readonly #stores: MemoryDeviceStore[] = [];

  /** `internals` is what a control passes to leave something unsealed. */
  constructor(relay: string, internals: Internals) {
    this.#relay = relay;
    this.#internals = internals;
  }

  async plant(canaries: Readonly<Record<Field, readonly string[]>>): Promise<void> {
    const state = bytes(canaries['snapshot state'].join('\n'));
    const a = await createSpaceWith({ ...this.#base(), relay: this.#relay, parts: partsWith(saving(state)) }, this.#internals);
    this.#spaces.push(a);
    await a.whenSynced();
    const b = await this.#open(a);
    await this.#entries(a, b, canaries['entry item']);
    await this.#names(a, b, canaries['device name']);
    await this.#ephemeral(a, b, canaries['ephemeral frame']);
    await this.#topics(a, b, canaries);
    await a.snapshot();
    let loaded: Uint8Array = new Uint8Array();
    const c = await this.#open(a, (read) => {
      loaded = read;
    });
    await arrived('the snapshot', () => loaded.length === state.length);
    await c.whenSynced();
    await this.#overHttp(a, b, canaries);
  }

  /** A device that speaks HTTP and nothing else. */
  async #overHttp(a: Planted, b: Planted, canaries: Readonly<Record<Field, readonly string[]>>): Promise<void> {
    const state = bytes(canaries['snapshot state over HTTP'].join('\n'));
    const options = { ...this.#base(), parts: partsWith(saving(state)), link: a.link ?? '' };
    const d = await openSpaceWith(options, { ...this.#internals, openTransport: httpTransport });
    this.#spaces.push(d);
    await this.#entries(d, b, canaries['entry item over HTTP']);
    await this.#blobs(d, b, canaries['blob content']);
    await d.snapshot();
    let loaded: Uint8Array = new Uint8Array();
    const read = (got: Uint8Array): void => {
      loaded = got;
    };
    await this.#open(a, read, httpTransport);
    await arrived('the snapshot over HTTP', () => loaded.length === state.length);
  }

  /** One small blob, and one of several chunks with a canary in the first and in the last. */
  async #blobs(from: Planted, to: Planted, canaries: readonly string[]): Promise<void> {
    const half = Math.ceil(canaries.length / 2);
    const [first = '', last = ''] = [canaries.slice(0, half).join('\n'), canaries.slice(half).join('\n')];
    for (const content of [bytes(first), bytes(`${first}${' '.repeat(BLOB_PADDING_BYTES)}${last}`)]) {
      const id = await from.blobs.put(content);
      const got = await to.blobs.get(id);
      if (Buffer.compare(got, content) !== 0) throw new RelayError('verify_failed', 'a blob came back with other bytes');
    }
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

  async #open(first: Planted, load?: (state: Uint8Array) => void, openTransport?: OpenTransport): Promise<Planted> {
    const parts = load === undefined ? ([live, blobs] as const) : partsWith({ create: () => new Uint8Array(), load });
    const space = await openSpaceWith({ ...this.#base(), parts, link: first.link ?? '' }, { ...this.#internals, ...(openTransport === undefined ? {} : { openTransport }) });
    this.#spaces.push(space);
    return space;
  }

  async #entries(a: Planted, b: Planted, items: readonly string[]): Promise<void> {
    const missing = new Set(items);
    b.subscribe(({ items: read }) => read.forEach((item) => missing.delete(new TextDecoder().decode(item))));
    for (const item of items) {
      await a.whenWritable();
      a.push(bytes(item));
      // Some alone, some together in one entry.
      if (item.charCodeAt(0) % 4 === 0) a.flush();
    }
    await a.whenSynced();
    await arrived('the entries', () => missing.size === 0);
  }

  /** Each name takes the place of the one before, and every one of them goes to the relay. */
  async #names(a: Planted, b: Planted, names: readonly string[]): Promise<void> {
    for (const name of names) a.nameDevice(name);
    await a.whenSynced();
    await arrived('the names', () => b.devices().some(({ name }) => name === names.at(-1)));
  }

  async #ephemeral(a: Planted, b: Planted, frames: readonly string[]): Promise<void> {
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

  async #topics(a: Planted, b: Planted, canaries: Readonly<Record<Field, readonly string[]>>): Promise<void> {
    const names = canaries['topic name'];
    const messages = [...canaries['topic message']];
    const each = Math.ceil(messages.length / names.length);
    for (let at = 0; at < names.length; at += TOPICS_AT_ONCE) {
      await Promise.all(names.slice(at, at + TOPICS_AT_ONCE).map((name) => this.#topic(a, b, name, messages.splice(0, each))));
    }
  }

  async #topic(a: Planted, b: Planted, name: string, messages: readonly string[]): Promise<void> {
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
