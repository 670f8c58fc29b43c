// The relays of a topic: enters at one of them, and comes back where that is wanted.
import { retryDelayMs } from '../connection/backoff.js';
import type { Environment, Timer } from '../environment.js';
import type { TextWebSocketConstructor } from '../transport/text-socket.js';
import { RelayRoom } from './relay-room.js';
import type { RoomEvents } from './relay-room.js';
import type { TransportEvent } from './transport.js';
import { allFailed, closed } from './transport-errors.js';

export interface Relay {
  readonly name: string;
  readonly url: string;
}

export interface RelaySideOptions {
  readonly relays: readonly Relay[];
  readonly topic: string;
  readonly peerId: string | null;
  readonly webSocket: TextWebSocketConstructor;
  readonly environment: Environment;
  readonly openMs: number;
  readonly observe: (event: TransportEvent) => void;
}

export class RelaySide {
  readonly #options: RelaySideOptions;
  readonly #events: RoomEvents;
  readonly #pausing = new Set<object>();
  #room: RelayRoom | null = null;
  #opening: Promise<void> | null = null;
  #retry: Timer | undefined;
  #attempt = 0;
  #comesBack = false;
  #isClosed = false;

  constructor(options: RelaySideOptions, events: RoomEvents) {
    this.#options = options;
    this.#events = events;
  }

  get relays(): readonly Relay[] {
    return this.#options.relays;
  }

  get isOpen(): boolean {
    return this.#room !== null;
  }

  /** Enters at that relay. */
  async enter({ url }: Relay): Promise<void> {
    const { topic, peerId, webSocket, environment, openMs } = this.#options;
    let early: Error | null = null;
    const ended = (error: Error): void => {
      if (this.#room === null) early = error;
      else this.#lost(error);
    };
    const room = await RelayRoom.enter({ url, topic, peerId, webSocket, environment, openMs }, { ...this.#events, closed: ended });
    if (this.#isClosed) room.close();
    if (this.#isClosed || early !== null) throw early ?? closed();
    this.#room = room;
    for (const by of this.#pausing) room.pause(by);
  }

  /** Enters at the first relay that can be reached, unless it is in one. */
  open(): Promise<void> {
    if (this.#room !== null) return Promise.resolve();
    this.#opening ??= this.#openFirst().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** From now on it comes back by itself. */
  comeBack(): void {
    this.#comesBack = true;
    if (this.#room === null) this.#again();
  }

  leave(): void {
    const room = this.#room;
    this.#room = null;
    room?.close();
  }

  send(bytes: Uint8Array): Promise<void> {
    return this.#room === null ? Promise.reject(closed()) : this.#room.send(bytes);
  }

  pause(by: object): void {
    this.#pausing.add(by);
    this.#room?.pause(by);
  }

  resume(by: object): void {
    this.#pausing.delete(by);
    this.#room?.resume(by);
  }

  close(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
    this.leave();
  }

  async #openFirst(): Promise<void> {
    const errors: Error[] = [];
    for (const relay of this.#options.relays) {
      try {
        await this.enter(relay);
        this.#attempt = 0;
        this.#options.observe({ type: 'attempt', transport: relay.name, outcome: 'connected', error: null });
        return;
      } catch (cause) {
        errors.push(cause as Error);
        this.#options.observe({ type: 'attempt', transport: relay.name, outcome: 'failed', error: cause as Error });
      }
    }
    throw allFailed(errors);
  }

  #lost(error: Error): void {
    if (this.#room === null) return;
    this.#room = null;
    this.#events.closed(error);
    if (this.#comesBack) this.#again();
  }

  #again(): void {
    if (this.#isClosed || this.#options.relays.length === 0) return;
    const { environment } = this.#options;
    const delayMs = retryDelayMs({ attempt: this.#attempt, notBeforeMs: 0, spreadMs: 0 }, environment.random());
    this.#attempt += 1;
    this.#retry?.cancel();
    this.#retry = environment.after(delayMs, () => this.open().catch(() => this.#again()));
  }
}
