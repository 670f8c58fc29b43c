// A session over HTTP looks now and then whether WebSockets open again, beside the session, so that one that does not open costs it nothing.
import type { Environment, Timer } from '../environment.js';
import { WEBSOCKET_OPEN_MS } from '../limits.js';
import type { OpenTransport, Transport } from './transport.js';
import type { WebSocketMemory } from './websocket-memory.js';

export interface WayBackOptions {
  readonly environment: Pick<Environment, 'now' | 'after'>;
  readonly memory: WebSocketMemory;
  readonly webSockets: OpenTransport;
  readonly url: string;
  readonly origin: string;
  /** One opened, here or for another session; called once. */
  readonly opened: () => void;
}

export class WayBack {
  readonly #options: WayBackOptions;
  readonly #unwatch: () => void;
  #timer: Timer | undefined;
  #trial: Transport | undefined;
  #isOver = false;

  constructor(options: WayBackOptions) {
    this.#options = options;
    this.#unwatch = options.memory.watch(options.origin, () => {
      if (this.#isOver) return;
      this.end();
      options.opened();
    });
    this.#wait();
  }

  end(): void {
    this.#isOver = true;
    this.#unwatch();
    this.#giveUp();
  }

  /** Looks at once: the network may be another one. */
  look(): void {
    this.#giveUp();
    if (!this.#isOver) this.#try();
  }

  #wait(): void {
    const { environment, memory, origin } = this.#options;
    // Whoever looked meanwhile has put it off for all.
    this.#timer = environment.after(memory.blockedMs(origin, environment.now()), () => (memory.blockedMs(origin, environment.now()) > 0 ? this.#wait() : this.#try()));
  }

  #try(): void {
    const { environment, memory, webSockets, url, origin } = this.#options;
    memory.blocked(origin, environment.now());
    const failed = (): void => {
      if (this.#isOver || this.#timer !== deadline) return;
      this.#giveUp();
      this.#wait();
    };
    const deadline = environment.after(WEBSOCKET_OPEN_MS, failed);
    this.#timer = deadline;
    const opened = (): void => {
      if (!this.#isOver && this.#timer === deadline) memory.opened(origin, environment.now());
    };
    try {
      this.#trial = webSockets(url, { opened, message: () => undefined, closed: failed });
    } catch {
      failed();
    }
  }

  #giveUp(): void {
    const trial = this.#trial;
    this.#trial = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    trial?.close(1000, '');
  }
}
