/*
 * WebSockets where they get through, HTTP where they do not, within one and the same attempt.
 *
 * Invariants: F1 whoever answers first has the session, and the other way is closed before the answer is handed on, so no session is
 * opened twice; F2 what was sent before any answer is sent on each way that opens, so no frame is lost; F3 `opened` and `closed` are told once each;
 * F4 when it is over, no timer, no socket and no watcher is left.
 */
import { ClientError } from '../client-error.js';
import type { Environment, Timer } from '../environment.js';
import { UNANSWERED_MESSAGES_MAX } from '../limits.js';
import type { Closure, OpenTransport, Transport, TransportEvents } from './transport.js';
import { WayBack } from './way-back.js';
import type { WebSocketMemory } from './websocket-memory.js';

const ABNORMALLY: Closure = { code: 1006, reason: '' };
/** Close codes from here on are the relay's own words (docs/protocol.md section 7): it was reached. */
const CLOSE_OF_RELAY_MIN = 4000;

export interface FallbackOptions {
  readonly webSockets: OpenTransport;
  readonly http: OpenTransport;
  readonly environment: Pick<Environment, 'now' | 'after'>;
  /** Shared by all connections of a program. */
  readonly memory: WebSocketMemory;
}

/** Opens a WebSocket, or a session over HTTP when that ends, or has no answer for a while, and the relay answers over HTTP. */
export function fallbackTransport(options: FallbackOptions): OpenTransport {
  let latest: TwoWays | undefined;
  const open = (url: string, events: TransportEvents): Transport => (latest = new TwoWays(options, url, events));
  const networkChanged = (): void => {
    options.memory.forgetAll();
    latest?.networkChanged();
  };
  return Object.assign(open, { networkChanged });
}

type Way = 'webSockets' | 'http';

/** One way of an attempt, from its beginning until it ended. */
interface Leg {
  readonly way: Way;
  transport: Transport | undefined;
  isOpen: boolean;
  isOver: boolean;
}

class TwoWays implements Transport {
  readonly #options: FallbackOptions;
  readonly #url: string;
  readonly #origin: string;
  readonly #events: TransportEvents;
  readonly #legs: Leg[] = [];
  readonly #tried = new Set<Way>();
  readonly #unanswered: Uint8Array<ArrayBuffer>[] = [];
  /** The way that was answered. */
  #chosen: Leg | undefined;
  #headStart: Timer | undefined;
  #wayBack: WayBack | undefined;
  #toldOpened = false;
  #isOver = false;

  constructor(options: FallbackOptions, url: string, events: TransportEvents) {
    const { environment, memory } = options;
    this.#options = options;
    this.#url = url;
    this.#origin = new URL(url).origin;
    this.#events = events;
    const now = environment.now();
    if (memory.blockedMs(this.#origin, now) > 0) {
      this.#begin('http');
    } else {
      this.#headStart = environment.after(memory.headStartMs(this.#origin, now), () => this.#begin('http'));
      this.#begin('webSockets');
    }
  }

  get bufferedBytes(): number {
    return Math.max(0, ...this.#legs.map(({ transport }) => transport?.bufferedBytes ?? 0));
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (this.#chosen === undefined) {
      if (this.#unanswered.length >= UNANSWERED_MESSAGES_MAX) throw new ClientError('offline', 'the relay has not answered yet', { temporary: true });
      this.#unanswered.push(message);
    }
    for (const { transport, isOpen } of this.#legs) if (isOpen) transport?.send(message);
  }

  close(code: number, reason: string): void {
    this.#end();
    this.#dropAll(code, reason);
  }

  networkChanged(): void {
    this.#wayBack?.look();
  }

  #begin(way: Way): void {
    this.#tried.add(way);
    const leg: Leg = { way, transport: undefined, isOpen: false, isOver: false };
    this.#legs.push(leg);
    try {
      leg.transport = this.#options[way](this.#url, {
        opened: () => leg.isOver || this.#opened(leg),
        message: (bytes) => leg.isOver || this.#answered(leg, bytes),
        closed: (closure) => leg.isOver || this.#closed(leg, closure),
      });
    } catch {
      // Told later: nobody has this transport yet.
      queueMicrotask(() => leg.isOver || this.#closed(leg, ABNORMALLY));
    }
  }

  #opened(leg: Leg): void {
    leg.isOpen = true;
    for (const message of this.#unanswered) leg.transport?.send(message);
    if (this.#toldOpened) return;
    this.#toldOpened = true;
    this.#events.opened();
  }

  #answered(leg: Leg, bytes: Uint8Array): void {
    if (this.#chosen === undefined) this.#choose(leg);
    this.#events.message(bytes);
  }

  #choose(leg: Leg): void {
    this.#chosen = leg;
    this.#headStart?.cancel();
    this.#unanswered.length = 0;
    this.#legs.splice(this.#legs.indexOf(leg), 1);
    this.#dropAll(1000, '');
    this.#legs.push(leg);
    const { environment, memory, webSockets } = this.#options;
    const now = environment.now();
    if (leg.way === 'webSockets') return memory.answered(this.#origin, now);
    if (this.#tried.has('webSockets')) memory.blocked(this.#origin, now);
    const opened = (): void => this.#over(ABNORMALLY);
    this.#wayBack = new WayBack({ environment, memory, webSockets, url: this.#url, origin: this.#origin, opened });
  }

  #closed(leg: Leg, closure: Closure): void {
    leg.isOver = true;
    this.#legs.splice(this.#legs.indexOf(leg), 1);
    if (leg === this.#chosen || closure.code >= CLOSE_OF_RELAY_MIN) return this.#over(closure);
    if (leg.way === 'http') this.#options.memory.forget(this.#origin);
    this.#headStart?.cancel();
    if (!this.#tried.has('http')) this.#begin('http');
    if (this.#legs.length === 0) this.#over(closure);
  }

  /** The session is over; what goes on elsewhere goes on from its cursor. */
  #over(closure: Closure): void {
    if (this.#isOver) return;
    this.#end();
    this.#dropAll(1000, '');
    this.#events.closed(closure);
  }

  #end(): void {
    this.#isOver = true;
    this.#headStart?.cancel();
    this.#wayBack?.end();
  }

  #dropAll(code: number, reason: string): void {
    for (const leg of this.#legs.splice(0)) {
      leg.isOver = true;
      leg.transport?.close(code, reason);
    }
  }
}
