// The transport over a WebSocket whose constructor is passed in: the platform's own, or `ws` on Node.
import { ClientError } from '../client-error.js';
import { SEND_BUFFER_BYTES_MAX } from '../limits.js';
import type { OpenTransport, Transport, TransportEvents } from './transport.js';

/** The part of a WebSocket that is used. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

/** Constructs a WebSocket; browsers, workers, Deno and Bun have one, Node gets it from `ws`. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

const CONNECTING = 0;
const OPEN = 1;
const TEXT_FRAME = 1003;

/** Opens transports over this kind of WebSocket. */
export function webSocketTransport(constructor: WebSocketConstructor): OpenTransport {
  return (url, events) => new WebSocketTransport(new constructor(url), events);
}

class WebSocketTransport implements Transport {
  readonly #socket: WebSocketLike;
  #ended = false;

  constructor(socket: WebSocketLike, events: TransportEvents) {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      if (!this.#ended) events.opened();
    });
    socket.addEventListener('message', ({ data }) => {
      if (this.#ended) return;
      if (data instanceof ArrayBuffer) events.message(new Uint8Array(data));
      else this.close(TEXT_FRAME, 'binary messages only');
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#ended) return;
      this.#ended = true;
      events.closed({ code, reason });
    });
    // A close event follows every error event; without a listener Node would end the process.
    socket.addEventListener('error', () => undefined);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    // It is closing: what is sent now is lost as it would be on the way, and the close event is to come.
    if (this.#socket.readyState !== OPEN) return;
    if (this.bufferedBytes + message.length > SEND_BUFFER_BYTES_MAX) {
      throw new ClientError('offline', 'the send buffer is full', { temporary: true, hint: 'The network is slower than the app writes.' });
    }
    this.#socket.send(message);
  }

  close(code: number, reason: string): void {
    if (this.#socket.readyState === CONNECTING || this.#socket.readyState === OPEN) this.#socket.close(code, reason);
  }
}
