// A network for direct ways in memory: everybody under one name is connected with everybody, until it is cut or falls silent.
import type { DirectNetwork, DirectStream, DirectStreamEvents } from '../../src/client/plures/direct-network.js';

interface Member {
  readonly found: (stream: DirectStream) => void;
}

export class DirectDouble implements DirectNetwork {
  readonly joins: string[] = [];
  readonly #places = new Map<string, Member[]>();
  readonly #ends: Half[] = [];
  /** Nobody is found while it is off. */
  isOn = true;
  /** What is written arrives nowhere, and nobody is told. */
  isSilent = false;

  async join(name: Uint8Array, found: (stream: DirectStream) => void): Promise<{ close(): Promise<void> }> {
    const place = Buffer.from(name).toString('hex');
    this.joins.push(place);
    const me: Member = { found };
    const others = this.#places.get(place) ?? [];
    this.#places.set(place, [...others, me]);
    if (this.isOn) for (const other of others) this.#connect(me, other);
    return { close: async () => void this.#places.set(place, (this.#places.get(place) ?? []).filter((member) => member !== me)) };
  }

  /** Those who were not found so far find each other. */
  turnOn(): void {
    this.isOn = true;
    for (const members of this.#places.values()) members.forEach((member, at) => members.slice(at + 1).forEach((other) => this.#connect(member, other)));
  }

  /** Every stream ends, and what is on its way is lost. */
  cut(): void {
    for (const half of this.#ends.splice(0)) half.lose();
  }

  /** A stream whose other end a test holds. */
  stranger(name: Uint8Array): Half | undefined {
    const [member] = this.#places.get(Buffer.from(name).toString('hex')) ?? [];
    if (member === undefined) return undefined;
    const [mine, theirs] = this.#pair();
    member.found(theirs);
    return mine;
  }

  #connect(a: Member, b: Member): void {
    const [one, two] = this.#pair();
    a.found(one);
    b.found(two);
  }

  #pair(): [Half, Half] {
    const binding = new Uint8Array(32).fill(this.#ends.length + 1);
    const one = new Half(true, binding, () => this.isSilent);
    const two = new Half(false, binding, () => this.isSilent);
    one.other = two;
    two.other = one;
    this.#ends.push(one, two);
    return [one, two];
  }
}

export class Half implements DirectStream {
  readonly isInitiator: boolean;
  readonly binding: Uint8Array;
  other: Half | null = null;
  isClosed = false;
  isPaused = false;
  readonly #isSilent: () => boolean;
  #events: DirectStreamEvents | null = null;
  #waiting: Uint8Array[] = [];
  #isLost = false;

  constructor(isInitiator: boolean, binding: Uint8Array, isSilent: () => boolean) {
    this.isInitiator = isInitiator;
    this.binding = binding;
    this.#isSilent = isSilent;
  }

  listen(events: DirectStreamEvents): void {
    this.#events = events;
    this.#deliver();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.isClosed || this.#isSilent()) return;
    const copy = Uint8Array.from(bytes);
    queueMicrotask(() => this.other?.arrive(copy));
  }

  arrive(bytes: Uint8Array): void {
    if (this.#isLost) return;
    this.#waiting.push(bytes);
    this.#deliver();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#deliver();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    queueMicrotask(() => queueMicrotask(() => this.other?.lose()));
  }

  lose(): void {
    this.#isLost = true;
    this.#waiting = [];
    if (this.isClosed && this.#events === null) return;
    this.isClosed = true;
    this.#events?.closed();
    this.#events = null;
  }

  #deliver(): void {
    while (!this.isPaused && this.#events !== null && this.#waiting.length > 0) this.#events.data(this.#waiting.shift()!);
  }
}
