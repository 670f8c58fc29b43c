// A WebSocket of foreign protocols: they speak text, and its constructor is passed in like that of the transport.
import type { Environment, Timer } from '../environment.js';

/** The part of a WebSocket that is used. */
export interface TextWebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  /** Stops reading from the network; browsers cannot. */
  pause?(): void;
  resume?(): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

/** Constructs a WebSocket; browsers, workers, Deno, Bun and Node from 22 have one. */
export type TextWebSocketConstructor = new (url: string) => TextWebSocketLike;

export interface TextSocketEvents {
  opened(): void;
  text(message: string): void;
  /** Comes once, whatever happened. */
  closed(): void;
}

const OPEN = 1;

/** One WebSocket that opens in time or not at all. */
export class TextSocket {
  readonly #socket: TextWebSocketLike;
  readonly #timer: Timer;
  readonly #events: TextSocketEvents;
  #ended = false;

  constructor(open: TextWebSocketConstructor, url: string, openMs: number, environment: Pick<Environment, 'after'>, events: TextSocketEvents) {
    this.#events = events;
    this.#socket = new open(url);
    this.#timer = environment.after(openMs, () => this.close());
    this.#socket.addEventListener('open', () => {
      this.#timer.cancel();
      if (!this.#ended) events.opened();
    });
    this.#socket.addEventListener('message', ({ data }) => {
      if (!this.#ended && typeof data === 'string') events.text(data);
    });
    this.#socket.addEventListener('close', () => this.#end());
    // A close event follows every error event; without a listener Node would end the process.
    this.#socket.addEventListener('error', () => undefined);
  }

  get isOpen(): boolean {
    return !this.#ended && this.#socket.readyState === OPEN;
  }

  /** Characters and bytes that are not on their way yet. */
  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  /** Whether it can stop reading, so that who sends has to wait. */
  get canPause(): boolean {
    return this.#socket.pause !== undefined && this.#socket.resume !== undefined;
  }

  pause(): void {
    if (this.isOpen) this.#socket.pause?.();
  }

  resume(): void {
    if (this.isOpen) this.#socket.resume?.();
  }

  /** False: it is not open, and nothing was sent. */
  send(message: string): boolean {
    if (!this.isOpen) return false;
    this.#socket.send(message);
    return true;
  }

  /** Closes it; who waits for the other side to agree may wait long, so it counts as closed at once. */
  close(): void {
    this.#socket.close();
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer.cancel();
    this.#events.closed();
  }
}
