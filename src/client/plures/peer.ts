// One other peer of a topic: whether it is at the relay, the direct way to it, and its messages in their order over both.
import type { Environment, Timer } from '../environment.js';
import type { StreamMark } from './direct-frame.js';
import type { DirectLink } from './direct-link.js';
import { MARKS_HELD_MAX, MESSAGE_OVERHEAD_BYTES, RECEIVE_BYTES_HIGH, SWITCH_WAIT_MS } from './limits.js';
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
  /** What came directly and follows upon something that is still on its way by the relay: messages, and marks before them. */
  #held: (StreamMark | Uint8Array)[] = [];
  #heldBytes = 0;
  #heldMarks = 0;
  #delivered: (() => void) | null = null;
  #timer: Timer | undefined;

  constructor(id: string, environment: Environment, deliver: (bytes: Uint8Array) => void) {
    this.id = id;
    this.#environment = environment;
    this.#deliver = deliver;
  }

  get isLinked(): boolean {
    return this.link?.isReady === true;
  }

  /** Direct messages from here on follow upon that. */
  marked(mark: StreamMark | null): void {
    if (mark === null) return;
    // What is not confirmed comes again by the relay, so this loses nothing.
    if (this.#heldMarks >= MARKS_HELD_MAX) return this.link?.close();
    this.#hold(mark);
    this.#release();
  }

  fromRelay(bytes: Uint8Array): void {
    this.#deliver(bytes);
    this.#relayed.note(bytes, this.#environment.now());
    this.#release();
  }

  fromLink(bytes: Uint8Array): void {
    this.#hold(bytes);
    this.#release();
    if (this.#heldBytes > RECEIVE_BYTES_HIGH) this.link?.pause(this);
  }

  /** Calls once nothing waits for the relay any more. */
  whenDelivered(call: () => void): void {
    this.#delivered = call;
    this.#release();
  }

  /** Nothing can come by the relay any more. */
  relayGone(): void {
    this.atRelay = 0;
    // It was for a mark that goes now.
    this.#timer?.cancel();
    this.#timer = undefined;
    const held = this.#held;
    [this.#held, this.#heldBytes, this.#heldMarks] = [[], 0, 0];
    for (const item of held) if (item instanceof Uint8Array) this.#hold(item);
    this.#release();
  }

  #hold(item: StreamMark | Uint8Array): void {
    this.#held.push(item);
    this.#heldBytes += sizeOf(item);
    if (!(item instanceof Uint8Array)) this.#heldMarks += 1;
  }

  /** Takes the first away. */
  #drop(): void {
    const item = this.#held.shift();
    if (item === undefined) return;
    this.#heldBytes -= sizeOf(item);
    if (!(item instanceof Uint8Array)) this.#heldMarks -= 1;
  }

  /** Delivers up to the first mark that the relay has not passed. What a relay lost never comes, so that waits for a time only. */
  #release(): void {
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      if (next instanceof Uint8Array) this.#deliver(next);
      else if (!this.#relayed.hasPassed(next) && next.ageMs < SWITCH_WAIT_MS) return this.#wait(next);
      this.#drop();
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    this.link?.resume(this);
    const delivered = this.#delivered;
    this.#delivered = null;
    delivered?.();
  }

  #wait(mark: StreamMark): void {
    this.#timer ??= this.#environment.after(SWITCH_WAIT_MS - mark.ageMs, () => {
      this.#drop();
      this.#timer = undefined;
      this.#release();
    });
  }
}

/** Bytes that an item counts as; a mark is its digest and as much beside it as a message has. */
function sizeOf(item: StreamMark | Uint8Array): number {
  return (item instanceof Uint8Array ? item : item.digest).length + MESSAGE_OVERHEAD_BYTES;
}
