// Hears on a WebSocket that other devices pushed; comes back by itself, also from a connection that died without a word.
import { retryDelayMs } from '../connection/backoff.js';
import type { Environment, Timer } from '../environment.js';
import { TextSocket } from '../transport/text-socket.js';
import type { TextWebSocketConstructor } from '../transport/text-socket.js';
import { SOCKET_MESSAGE_CHARS_MAX, SOCKET_OPEN_MS_MAX, SOCKET_SILENCE_MS_MAX } from './limits.js';
import { fieldsOf } from './wire.js';

export interface NewsSocketOptions {
  readonly open: TextWebSocketConstructor;
  readonly environment: Environment;
  /** Where to connect, asked anew for every attempt. */
  readonly where: () => Promise<{ readonly region: string; readonly url: string }>;
  /** That region's relay could not be reached. */
  readonly failed: (region: string) => void;
  readonly news: (source: string | null) => void;
  readonly opened: (region: string) => void;
  readonly lost: (region: string) => void;
}

export class NewsSocket {
  readonly #options: NewsSocketOptions;
  readonly #deafen: (() => void) | undefined;
  #socket: TextSocket | undefined;
  #retry: Timer | undefined;
  #silence: Timer | undefined;
  #attempt = 0;
  #closed = false;

  constructor(options: NewsSocketOptions) {
    this.#options = options;
    this.#deafen = options.environment.network?.listen((event) => {
      if (event === 'back') this.moved();
    });
    void this.#connect();
  }

  /** Another relay is in use, or the network is another: connects anew at once. */
  moved(): void {
    if (this.#closed) return;
    this.#attempt = 0;
    if (this.#socket === undefined) this.#again(0);
    else this.#socket.close();
  }

  close(): void {
    this.#closed = true;
    this.#deafen?.();
    this.#retry?.cancel();
    this.#silence?.cancel();
    this.#socket?.close();
  }

  async #connect(): Promise<void> {
    const { where, open, environment } = this.#options;
    const target = await where().catch(() => null);
    if (this.#closed || this.#socket !== undefined) return;
    if (target === null) return this.#again();
    const { region, url } = target;
    let wasOpen = false;
    this.#socket = new TextSocket(open, url, SOCKET_OPEN_MS_MAX, environment, {
      opened: () => {
        wasOpen = true;
        this.#attempt = 0;
        this.#heard();
        this.#options.opened(region);
      },
      text: (message) => this.#take(message),
      closed: () => {
        this.#socket = undefined;
        this.#silence?.cancel();
        if (wasOpen) this.#options.lost(region);
        else if (!this.#closed) this.#options.failed(region);
        this.#again();
      },
    });
  }

  #take(text: string): void {
    this.#heard();
    if (text.length > SOCKET_MESSAGE_CHARS_MAX) return;
    const message = read(text);
    if (message.get('type') === 'ping') this.#socket?.send(JSON.stringify({ type: 'pong', timestamp: this.#options.environment.now() }));
    if (message.get('type') !== 'sync_available') return;
    const source = fieldsOf(message.get('data')).get('source_device');
    this.#options.news(typeof source === 'string' ? source : null);
  }

  #heard(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.environment.after(SOCKET_SILENCE_MS_MAX, () => this.#socket?.close());
  }

  #again(delayMs?: number): void {
    if (this.#closed) return;
    const { environment } = this.#options;
    this.#retry?.cancel();
    const delay = delayMs ?? retryDelayMs({ attempt: this.#attempt, notBeforeMs: 0, spreadMs: 0 }, environment.random());
    this.#attempt += 1;
    this.#retry = environment.after(delay, () => void this.#connect());
  }
}

function read(text: string): ReadonlyMap<string, unknown> {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return new Map();
  }
}
