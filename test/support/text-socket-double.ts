// A WebSocket of text that opens, speaks and fails when it is told to.
import type { TextWebSocketConstructor, TextWebSocketLike } from '../../src/client/transport/text-socket.js';

type Listener = (event: { readonly data: unknown; readonly code: number; readonly reason: string }) => void;

export class TextSocketDouble implements TextWebSocketLike {
  readonly url: string;
  readonly sent: string[] = [];
  readyState = 0;
  bufferedAmount = 0;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(url: string) {
    this.url = url;
  }

  /** A constructor that keeps what it constructs. */
  static collectedIn(sockets: TextSocketDouble[]): TextWebSocketConstructor {
    return class extends TextSocketDouble {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    };
  }

  get isClosed(): boolean {
    return this.readyState === 3;
  }

  addEventListener(type: string, listener: Listener | (() => void)): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener as Listener]);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  open(): void {
    this.readyState = 1;
    this.#emit('open');
  }

  say(message: unknown): void {
    this.#emit('message', typeof message === 'string' || typeof message === 'number' ? message : JSON.stringify(message));
  }

  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#emit('close');
  }

  fail(): void {
    this.#emit('error');
    this.close();
  }

  #emit(type: string, data: unknown = null): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data, code: 1006, reason: '' });
  }
}
