// Relays of PluresDB in memory, as WebSockets by URL: topics, joins and data as the reference says. What they deliver can be held back.
import type { TextWebSocketConstructor } from '../../src/client/transport/text-socket.js';
import { TextSocketDouble } from './text-socket-double.js';

interface Message {
  readonly type: string;
  readonly topic?: string;
  readonly peerId?: string;
  readonly data?: string;
}

export class HubDouble {
  /** Relays that cannot be reached. */
  readonly down = new Set<string>();
  /** Everything a relay was sent. */
  readonly seen: string[] = [];
  readonly sockets: HubSocket[] = [];
  /** While it is set, data and partings wait here instead of being delivered. */
  held: (() => void)[] | null = null;
  /** Set: every join is answered with this error. */
  refuses: string | null = null;

  /** Constructs sockets of this hub. */
  readonly webSocket: TextWebSocketConstructor = socketsOf(this);

  /** Delivers what was held back, and from now on at once. */
  release(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const deliver of held) deliver();
  }

  members(url: string, topic: string): HubSocket[] {
    return this.sockets.filter((socket) => !socket.isClosed && socket.url === url && socket.topic === topic);
  }

  take(from: HubSocket, message: Message): void {
    if (message.type === 'join') return this.#join(from, message.topic ?? '', message.peerId ?? `peer-1-${this.sockets.indexOf(from)}`);
    const others = this.members(from.url, from.topic ?? '').filter((other) => other !== from);
    this.deliver(() => others.forEach((other) => other.say({ type: 'data', peerId: from.peerId, data: message.data })));
  }

  /** In order, also what is held back. */
  deliver(words: () => void): void {
    if (this.held === null) words();
    else this.held.push(words);
  }

  #join(from: HubSocket, topic: string, peerId: string): void {
    if (this.refuses !== null) return queueMicrotask(() => from.say({ type: 'error', payload: this.refuses }));
    const others = this.members(from.url, topic);
    [from.topic, from.peerId] = [topic, peerId];
    for (const other of others) other.say({ type: 'peer-joined', peerId, topic });
    if (others[0] !== undefined) from.say({ type: 'peer-joined', peerId: others[0].peerId, topic });
  }
}

export class HubSocket extends TextSocketDouble {
  topic: string | null = null;
  peerId = '';
  paused = false;
  readonly #hub: HubDouble;

  constructor(url: string, hub: HubDouble) {
    super(url);
    this.#hub = hub;
    hub.sockets.push(this);
    queueMicrotask(() => (hub.down.has(url) ? this.fail() : this.open()));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  override send(data: string): void {
    this.#hub.seen.push(data);
    this.#hub.take(this, JSON.parse(data) as Message);
  }

  override close(): void {
    const others = this.isClosed || this.topic === null ? [] : this.#hub.members(this.url, this.topic).filter((other) => other !== this);
    super.close();
    this.#hub.deliver(() => others.forEach((other) => other.say({ type: 'peer-left', peerId: this.peerId, topic: this.topic })));
  }
}

function socketsOf(hub: HubDouble): TextWebSocketConstructor {
  return class extends HubSocket {
    constructor(url: string) {
      super(url, hub);
    }
  };
}
