// One other peer of a topic: whether it is at the relay, the direct way to it, and its messages in their order over both.
import type { Environment, Timer } from '../environment.js';
import type { StreamMark } from './direct-frame.js';
import type { DirectLink } from './direct-link.js';
import { SWITCH_WAIT_MS } from './limits.js';
import { StreamEnd } from './stream-end.js';

export class Peer {
  readonly id: string;
  /** Sockets at the relay that show this id. */
  atRelay = 0;
  link: DirectLink | null = null;
  /** What this peer was sent by the relay. */
  readonly sent = new StreamEnd();
  readonly #environment: Environment;
  readonly #deliver: (bytes: Uint8Array) => void;
  readonly #relayed = new StreamEnd();
  /** What came directly and follows upon something that is still on its way by the relay. */
  #held: Uint8Array[] = [];
  #awaited: StreamMark | null = null;
  #timer: Timer | undefined;

  constructor(id: string, environment: Environment, deliver: (bytes: Uint8Array) => void) {
    this.id = id;
    this.#environment = environment;
    this.#deliver = deliver;
  }

  get isLinked(): boolean {
    return this.link?.isReady === true;
  }

  /** Direct messages follow upon that one. What was sent before this peer joined never comes, so the wait is short. */
  marked(mark: StreamMark | null): void {
    this.#release();
    if (mark === null || this.#relayed.isAt(mark) || mark.ageMs >= SWITCH_WAIT_MS) return;
    this.#awaited = mark;
    this.#timer = this.#environment.after(SWITCH_WAIT_MS - mark.ageMs, () => this.#release());
  }

  fromRelay(bytes: Uint8Array): void {
    this.#deliver(bytes);
    this.#relayed.note(bytes, this.#environment.now());
    if (this.#awaited !== null && this.#relayed.isAt(this.#awaited)) this.#release();
  }

  fromLink(bytes: Uint8Array): void {
    if (this.#awaited === null) this.#deliver(bytes);
    else this.#held.push(bytes);
  }

  #release(): void {
    this.#timer?.cancel();
    this.#awaited = null;
    for (const bytes of this.#held.splice(0)) this.#deliver(bytes);
  }
}
