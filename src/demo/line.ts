/*
 * The line between one device and the relay: a WebSocket that is as slow and as lossy as the page is told. Loss is what TCP makes of it: a lost
 * message is sent again after a while, everything behind it waits, and after some losses in a row the connection breaks.
 */
import type { SpacePart, WebSocketConstructor, WebSocketLike } from '../client/index.js';

export interface Conditions {
  /** Added to the real round trip, milliseconds. */
  readonly roundTripMs: number;
  /** Chance that a message is lost on its way, 0 to 1. */
  readonly loss: number;
  /** True: what connects is cut at once. */
  readonly isCut: boolean;
}

/** Who looks at what passes, and may change it. */
export interface LineWatcher {
  /** A message reached the relay. */
  sent(message: Uint8Array): void;
  /** A message came from the relay; what is returned is given to the device instead. */
  received(message: Uint8Array): readonly Uint8Array[];
  /** A message set out, or was lost on the way. */
  moved(direction: 'up' | 'down', isLost: boolean): void;
}

/** A lost message is sent again after this and a round trip; each further loss doubles it. */
const RESEND_MS = 120;
/** Losses of one message in a row that break the connection. */
const LOSSES_MAX = 5;
const CUT = 1006;
const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

/** The line is the only way to the relay: HTTP would go past it. */
export const lineAlone: SpacePart = { name: 'line', transport: (webSockets) => webSockets };

export class Line {
  readonly #sockets = new Set<LineSocket>();
  /** Give it to a space or a provider as `webSocket`. */
  readonly webSocket: WebSocketConstructor;

  constructor(conditions: () => Conditions, watcher: LineWatcher) {
    const sockets = this.#sockets;
    this.webSocket = class extends LineSocket {
      constructor(url: string) {
        super(url, conditions, watcher, (socket) => void sockets.delete(socket));
        sockets.add(this);
      }
    };
  }

  /** Ends every connection without a word. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.break();
  }
}

type Listener = (event: never) => void;

class LineSocket implements WebSocketLike {
  binaryType = 'arraybuffer';
  readyState = CONNECTING;
  readonly #inner: WebSocket | null;
  readonly #conditions: () => Conditions;
  readonly #watcher: LineWatcher;
  readonly #ended: (socket: LineSocket) => void;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #free = { up: 0, down: 0 };
  readonly #underWay: Record<'up' | 'down', (() => void)[]> = { up: [], down: [] };
  #waitingBytes = 0;
  /** A message got lost for good: nothing behind it may arrive. */
  #isStuck = false;

  constructor(url: string, conditions: () => Conditions, watcher: LineWatcher, ended: (socket: LineSocket) => void) {
    this.#conditions = conditions;
    this.#watcher = watcher;
    this.#ended = ended;
    this.#inner = conditions().isCut ? null : new WebSocket(url);
    // A relay that is gone refuses at once.
    if (this.#inner === null) setTimeout(() => this.break(), 0);
    else this.#attach(this.#inner);
  }

  get bufferedAmount(): number {
    return this.#waitingBytes + (this.#inner?.bufferedAmount ?? 0);
  }

  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    const message = data.slice();
    this.#waitingBytes += message.length;
    this.#travel('up', () => {
      this.#waitingBytes -= message.length;
      if (this.#inner?.readyState !== OPEN) return;
      this.#watcher.sent(message);
      this.#inner.send(message);
    });
  }

  close(code?: number, reason?: string): void {
    if (this.#inner === null) this.break();
    else this.#inner.close(code, reason);
  }

  /** As if the other end were gone. */
  break(): void {
    this.#end(CUT, '');
    this.#inner?.close();
  }

  #deliver(message: Uint8Array): void {
    if (this.readyState === OPEN) this.#tell('message', { data: message.slice().buffer });
  }

  #attach(inner: WebSocket): void {
    inner.binaryType = 'arraybuffer';
    inner.addEventListener('open', () => setTimeout(() => this.#open(), this.#conditions().roundTripMs));
    inner.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
      for (const message of this.#watcher.received(new Uint8Array(data))) this.#travel('down', () => this.#deliver(message));
    });
    inner.addEventListener('close', ({ code, reason }) => this.#end(code, reason));
  }

  #open(): void {
    if (this.readyState !== CONNECTING || this.#inner?.readyState === CLOSED) return;
    this.readyState = OPEN;
    this.#tell('open', {});
  }

  #end(code: number, reason: string): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#ended(this);
    this.#tell('close', { code, reason });
  }

  /** Messages of one direction keep their order, so all wait for one that was lost. */
  #travel(direction: 'up' | 'down', arrive: () => void): void {
    if (this.#isStuck) return;
    const { roundTripMs, loss } = this.#conditions();
    let takesMs = roundTripMs / 2;
    let losses = 0;
    while (Math.random() < loss && losses < LOSSES_MAX) {
      takesMs += (RESEND_MS + roundTripMs) * 2 ** losses;
      losses += 1;
    }
    this.#watcher.moved(direction, losses > 0);
    if (losses === LOSSES_MAX) {
      this.#isStuck = true;
      setTimeout(() => this.break(), takesMs);
      return;
    }
    const now = performance.now();
    this.#free[direction] = Math.max(this.#free[direction], now + takesMs);
    const restMs = this.#free[direction] - now;
    const queue = this.#underWay[direction];
    if (restMs <= 0 && queue.length === 0) return arrive();
    queue.push(arrive);
    // Timers count in whole milliseconds and may overtake one another: whichever fires lets the oldest message arrive.
    setTimeout(() => queue.shift()?.(), restMs);
  }

  #tell(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) (listener as (event: object) => void)(event);
  }
}
