// What one tab pushed: held until a leader has it in the storage, handed to each new leader, and watched from then on.
import { ClientError } from '../client-error.js';
import type { LiveSpace } from '../live/index.js';
import type { Write } from '../sync/writes.js';
import { HeldItems } from './held-items.js';
import type { HeldItem } from './held-items.js';
import type { SpaceLeader } from './space-leader.js';
import { TabWrite } from './tab-write.js';
import { WatchedWrites } from './watched-writes.js';

/** The term of a leader that tells no more. */
const MOVED = '';

export interface TabPushesParts {
  /** To the tab that leads, when there is one. */
  readonly send: (number: number, item: Uint8Array) => void;
  /** A write came further. */
  readonly changed: (write: TabWrite) => void;
  /** What is held became more or less. */
  readonly moved: () => void;
}

export class TabPushes {
  readonly #parts: TabPushesParts;
  readonly #held = new HeldItems();
  readonly #watched = new WatchedWrites();
  /** Writes of this tab while it leads, by what its space made of them. */
  readonly #own = new WeakMap<Write, TabWrite>();
  #over: ClientError | undefined;

  constructor(parts: TabPushesParts) {
    this.#parts = parts;
  }

  get anyHeld(): boolean {
    return this.#held.any;
  }

  /** `space` and `leader` when this tab leads. */
  push(item: Uint8Array, space: LiveSpace | undefined, leader: SpaceLeader | undefined): TabWrite {
    if (space !== undefined && !this.#held.any) {
      const write = new TabWrite();
      this.#follow(write, space.push(item));
      return write;
    }
    const { number, ...held } = this.#held.add(item);
    this.#hand(number, held, leader);
    this.#parts.moved();
    return held.write;
  }

  /** To a new leader: this tab, or another one. */
  handOver(leader: SpaceLeader | undefined): void {
    for (const { number, ...held } of this.#held.all()) this.#hand(number, held, leader);
  }

  /** The tab of that term has it in the storage. */
  kept(number: number, term: string | undefined): void {
    const write = this.#held.drop(number);
    if (write === undefined) return;
    this.#watched.watch(number, write, term);
    this.#wentOn(write, { state: 'queued', seenBy: [] });
    this.#parts.moved();
  }

  refused(number: number, error: ClientError): void {
    this.#held.drop(number)?.fail(error);
    this.#parts.moved();
  }

  /** The tab that leads says how far it came. */
  told(number: number, how: Pick<Write, 'state' | 'seenBy'>): void {
    this.#wentOn(this.#watched.get(number) ?? this.#held.get(number)?.write, how);
  }

  /** A write of the space of this tab, which leads. */
  ownMoved(write: Write): void {
    this.#wentOn(this.#own.get(write), write);
  }

  settle(leader: string | undefined): void {
    this.#watched.settle(leader, this.#parts.changed);
  }

  fail(cause: ClientError): void {
    this.#over = cause;
    this.#watched.fail(cause);
    for (const { write } of this.#held.all()) write.fail(cause);
  }

  #hand(number: number, { item, write }: HeldItem, leader: SpaceLeader | undefined): void {
    if (leader === undefined) {
      this.#parts.send(number, item);
      return;
    }
    const pushed = (own: Write): void => {
      this.#held.drop(number);
      this.#follow(write, own);
      this.#parts.moved();
    };
    leader.push(item, pushed, (error) => this.refused(number, error));
  }

  #follow(write: TabWrite, own: Write): void {
    this.#own.set(own, write);
    write.follow(own, (cause) => this.#lost(write, cause));
  }

  // It is sealed in the storage, so the next space pushes it, and settles it as the next leader does those of other tabs.
  #lost(write: TabWrite, cause: unknown): void {
    const goesOn = cause instanceof ClientError && cause.code === 'closed' && this.#over === undefined;
    if (goesOn) this.#watched.watch(Symbol(), write, MOVED);
    else write.fail(this.#over ?? cause);
  }

  #wentOn(write: TabWrite | undefined, { state, seenBy }: Pick<Write, 'state' | 'seenBy'>): void {
    if (write === undefined) return;
    write.become(state, seenBy);
    this.#parts.changed(write);
  }
}
