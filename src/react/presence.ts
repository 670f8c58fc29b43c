// Who is there and what they say of themselves, over ephemeral frames: own state on change and every 15 s, others for as long as they say something.
import type { LiveCalls } from '../client/live/index.js';
import type { AnySpace } from './provider.js';
import { eventsOf } from './space-events.js';
import type { ExternalStore } from './external-store.js';

/** How often a device says that it is still there, and how long it is believed. */
export const PRESENCE_EVERY_MS = 15_000;
export const PRESENCE_LIFE_MS = 40_000;
/** Devices kept: as many as a roster may name. */
export const PRESENT_MAX = 256;

export interface Present<T> {
  readonly device: string;
  readonly state: T;
}

type Message = { readonly kind: 'state'; readonly state: unknown } | { readonly kind: 'ask' } | { readonly kind: 'gone' };
/** Before each message, so that other users of ephemeral frames are told apart from it. */
const MARK = 0x70;

export type PresenceSpace = Pick<LiveCalls, 'ephemeral'> & Pick<AnySpace, 'on'>;

export class PresenceStore<T> implements ExternalStore<readonly Present<T>[]> {
  readonly #space: PresenceSpace;
  readonly #now: () => number;
  readonly #heard = new Map<string, { readonly state: T; readonly at: number }>();
  readonly #listeners = new Set<() => void>();
  #own = '';
  #shown: readonly Present<T>[] = [];
  #stop: (() => void) | undefined;

  constructor(space: PresenceSpace, now: () => number = () => performance.now()) {
    this.#space = space;
    this.#now = now;
  }

  readonly getSnapshot = (): readonly Present<T>[] => this.#shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    this.#stop ??= this.#start();
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  };

  /** What the others are shown. Must be JSON. */
  say(state: T): void {
    const text = JSON.stringify({ kind: 'state', state });
    if (text === this.#own) return;
    this.#own = text;
    if (this.#stop !== undefined) this.#send(text);
  }

  #start(): () => void {
    const { ephemeral } = this.#space;
    const timer = setInterval(() => {
      this.#send(this.#own);
      this.#forget(this.#now() - PRESENCE_LIFE_MS);
    }, PRESENCE_EVERY_MS);
    const stops = [
      ephemeral.subscribe(({ device, payload }) => this.#take(device, payload)),
      ephemeral.onListening(() => {
        this.#send('{"kind":"ask"}');
        this.#send(this.#own);
      }),
      // Who is cut off sees nobody.
      eventsOf(this.#space).on('status', ({ status }) => status !== 'online' && this.#forget(Number.POSITIVE_INFINITY)),
      () => clearInterval(timer),
    ];
    return () => {
      this.#send('{"kind":"gone"}');
      for (const stop of stops) stop();
      this.#forget(Number.POSITIVE_INFINITY);
    };
  }

  #send(text: string): void {
    if (text === '') return;
    const bytes = new TextEncoder().encode(` ${text}`);
    bytes[0] = MARK;
    this.#space.ephemeral.send(bytes);
  }

  #take(device: string, payload: Uint8Array): void {
    if (payload[0] !== MARK) return;
    const message = parse(payload.subarray(1));
    // Another tab of this device: one of them that goes does not take the others along.
    if (device === '') {
      if (message?.kind === 'gone') this.#send(this.#own);
      return;
    }
    if (message?.kind === 'ask') this.#send(this.#own);
    else if (message?.kind === 'gone') this.#heard.delete(device);
    else if (message?.kind === 'state' && (this.#heard.has(device) || this.#heard.size < PRESENT_MAX)) this.#heard.set(device, { state: message.state as T, at: this.#now() });
    else return;
    this.#show();
  }

  #forget(until: number): void {
    for (const [device, { at }] of this.#heard) if (at < until) this.#heard.delete(device);
    this.#show();
  }

  #show(): void {
    const shown = [...this.#heard].map(([device, { state }]) => ({ device, state }));
    if (JSON.stringify(shown) === JSON.stringify(this.#shown)) return;
    this.#shown = shown;
    for (const listener of [...this.#listeners]) listener();
  }
}

// From a device of the space, but of whatever version.
function parse(bytes: Uint8Array): Message | null {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Message | null;
  } catch {
    return null;
  }
}
