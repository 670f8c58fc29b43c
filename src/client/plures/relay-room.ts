// A topic at one relay, over one WebSocket: who is there, what they say, and what is said to all of them.
import type { Environment } from '../environment.js';
import { sleep } from '../environment.js';
import { SEND_BUFFER_POLL_MS } from '../limits.js';
import { TextSocket } from '../transport/text-socket.js';
import type { TextWebSocketConstructor } from '../transport/text-socket.js';
import { SEND_BUFFER_BYTES_HIGH, SEND_STALL_MS } from './limits.js';
import { dataMessage, joinMessage, parseRelayMessage } from './relay-message.js';
import { closed, relayError, relayLost, sendStalled } from './transport-errors.js';
import { Turns } from './turns.js';

export interface RoomEvents {
  joined(peerId: string): void;
  left(peerId: string): void;
  data(peerId: string, bytes: Uint8Array): void;
  /** Comes once, after the room was entered. */
  closed(error: Error): void;
}

export interface RoomOptions {
  readonly url: string;
  readonly topic: string;
  /** Null: the relay makes one. */
  readonly peerId: string | null;
  readonly webSocket: TextWebSocketConstructor;
  readonly environment: Environment;
  readonly openMs: number;
}

export class RelayRoom {
  readonly #socket: TextSocket;
  readonly #environment: Environment;
  readonly #turns = new Turns();
  readonly #pausing = new Set<object>();
  readonly #gone = new AbortController();

  private constructor(socket: TextSocket, environment: Environment, gone: AbortController) {
    this.#socket = socket;
    this.#environment = environment;
    this.#gone = gone;
  }

  /** Resolves when the relay was told; rejects when it cannot be reached in time. */
  static enter({ url, topic, peerId, webSocket, environment, openMs }: RoomOptions, events: RoomEvents): Promise<RelayRoom> {
    return new Promise((resolve, reject) => {
      const gone = new AbortController();
      let isEntered = false;
      let why: Error = relayLost();
      const socket = new TextSocket(webSocket, url, openMs, environment, {
        opened: () => {
          socket.send(joinMessage(topic, peerId));
          isEntered = true;
          resolve(new RelayRoom(socket, environment, gone));
        },
        text: (text) => {
          const message = parseRelayMessage(text);
          if (message?.type === 'data') events.data(message.peerId, message.bytes);
          else if (message?.type === 'error') {
            why = relayError(message.said);
            socket.close();
          } else if (message !== null) events[message.type](message.peerId);
        },
        closed: () => {
          gone.abort(why);
          if (isEntered) events.closed(why);
          else reject(why);
        },
      });
    });
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Resolves when the WebSocket took it; waits while that is full. */
  send(bytes: Uint8Array): Promise<void> {
    return this.#turns.take(async () => {
      for (let waited = 0; this.#socket.buffered > SEND_BUFFER_BYTES_HIGH; waited += SEND_BUFFER_POLL_MS) {
        if (waited >= SEND_STALL_MS) throw sendStalled();
        await sleep(this.#environment, SEND_BUFFER_POLL_MS, this.#gone.signal);
      }
      if (!this.#socket.send(dataMessage(bytes))) throw closed();
    });
  }

  /** Reads nothing more while somebody holds it up. */
  pause(by: object): void {
    this.#pausing.add(by);
    this.#socket.pause();
  }

  resume(by: object): void {
    this.#pausing.delete(by);
    if (this.#pausing.size === 0) this.#socket.resume();
  }

  close(): void {
    this.#socket.close();
  }
}
