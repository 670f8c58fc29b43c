// The worker: it alone owns what waits and who is at work. Everybody else puts commands into its queue, which costs nothing, and it turns
// them into exchanges, one for each peer at a time.
import { ClientError } from '../client-error.js';
import { Emitter } from '../emitter.js';
import type { Timer } from '../environment.js';
import { COMMITS_WAITING_MAX, PROBE_SECS, REQUESTS_MAX } from './limits.js';
import { hasWay, runRelation, wayTo } from './relation-job.js';
import type { EngineParts, Exchanged, Task } from './relation-job.js';
import { Relation } from './relation.js';
import type { Greeted, Served } from './serve/sync-handler.js';

/** What the engine tells. */
export interface SyncEvents {
  /** An exchange ended, well or not. */
  exchanged: Exchanged;
  /** A peer refused so often that it is left alone, but for pulls, until something new is to be sent to it. */
  gaveUp: { readonly peer: string; readonly tree: string; readonly error: ClientError };
  /** A peer cannot be reached, or can be again. */
  reachable: { readonly peer: string; readonly isReachable: boolean };
  /** A peer that asks this device proved its key. */
  greeted: Greeted;
  /** A peer asked this device for a tree, or sent entries of it. */
  served: Served;
  /** The engine's state could not be kept; what is lost of it is found again by comparing trees. */
  storageFailed: unknown;
}

/** What the worker is told. */
export type Command =
  | { readonly kind: 'queue-entry'; readonly tree: string; readonly id: string }
  | { readonly kind: 'create-relationship' | 'remove-relationship'; readonly peer: string; readonly tree: string }
  | { readonly kind: 'remove-peer' | 'peer-moved'; readonly peer: string }
  | { readonly kind: 'entries-came'; readonly tree: string; readonly from: string | null }
  | { readonly kind: 'sync-tree'; readonly peer: string; readonly tree: string; readonly done: (exchanged: Exchanged) => void }
  | { readonly kind: 'send-entries'; readonly peer: string; readonly tree: string; readonly ids: readonly string[]; readonly done: (exchanged: Exchanged) => void }
  | { readonly kind: 'flush'; readonly done: (exchanged: readonly Exchanged[]) => void };

/** What waits for a peer, of one tree. */
export interface PendingSync {
  readonly peer: string;
  readonly tree: string;
  /** Ids that wait to be sent. */
  readonly waiting: number;
  /** Whether the whole tree is to be compared. */
  readonly isCompared: boolean;
  /** Attempts that failed in a row. */
  readonly attempts: number;
  /** Unix milliseconds before which nothing is tried; null when nothing is until there is something new. */
  readonly dueAt: number | null;
}

/** `incoming`: there is no way to it, it comes by itself; `reachable` is what the last exchange says. */
export type PeerState = 'reachable' | 'unreachable' | 'incoming';

/** An exchange that somebody waits for. */
interface Job {
  readonly relation: Relation;
  readonly task: Task;
  readonly done: (exchanged: Exchanged) => void;
}

const nobody = (): void => undefined;

export class BackgroundSync {
  readonly events: Emitter<SyncEvents>;
  readonly #parts: EngineParts;
  readonly #commands: Command[] = [];
  readonly #relations = new Map<string, Map<string, Relation>>();
  /** Peers of a tree. */
  readonly #byTree = new Map<string, Set<Relation>>();
  readonly #jobs: Job[] = [];
  readonly #busy = new Set<string>();
  readonly #unreachable = new Set<string>();
  /** Trees with commits that found the queue full. */
  readonly #missed = new Set<string>();
  readonly #comparedAt = new Map<Relation, number>();
  #turn: Timer | null = null;
  #check: Timer | null = null;
  #probe: Timer | null = null;
  #unlisten: () => void = nobody;
  #isStopped = false;
  #idle: (() => void) | null = null;
  #stopping: Promise<void> | null = null;

  constructor(parts: EngineParts, failed: (cause: unknown) => void) {
    this.#parts = parts;
    this.events = new Emitter(failed);
  }

  /** Goes on where the last run ended: trees with tips that a peer is not known to have are compared. */
  async start(): Promise<void> {
    const { state, backend, environment } = this.#parts;
    for (const { publicKey } of state.peers()) {
      for (const tree of state.treesOf(publicKey)) {
        const relation = this.#relationOf(publicKey, tree);
        const [unsent, cursor] = [state.unsent(publicKey, tree), state.cursor(publicKey, tree)];
        const known = new Set(cursor?.theirTips);
        const hasNews = (await backend.tips(tree)).some((tip) => !known.has(tip));
        if (unsent !== undefined || hasNews) relation.restore(unsent ?? { attempts: 0, dueAt: 0 });
        this.#comparedAt.set(relation, cursor?.syncedAt ?? environment.now());
      }
    }
    this.#unlisten = environment.network?.listen((event) => event === 'back' && this.#probeNow()) ?? nobody;
    this.#checkLater();
    this.#soon();
  }

  /** Queues a command. A commit takes well under a millisecond and is never refused. */
  submit(command: Command): void {
    if (this.#isStopped) throw new ClientError('closed', 'the sync engine is closed');
    if (command.kind === 'queue-entry' && this.#commands.length >= COMMITS_WAITING_MAX) this.#missed.add(command.tree);
    else this.#commands.push(command);
    this.#soon();
  }

  /** Entries of a tree came from a peer, or from somebody who is none: others may lack them. */
  entriesCame(tree: string, from: string | null): void {
    if (!this.#isStopped) this.submit({ kind: 'entries-came', tree, from });
  }

  /** Takes no more commands and resolves when nothing is at work; so does every further call. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of [this.#turn, this.#check, this.#probe]) timer?.cancel();
    this.#unlisten();
    // Whoever called in the same tick waits as well: what the commands ask for is a job by then.
    this.#handleAll();
    for (const { relation, done } of this.#jobs.splice(0)) {
      done({ peer: relation.peer, tree: relation.tree, sent: 0, received: [], error: new ClientError('closed', 'the sync engine is closed') });
    }
    if (this.#busy.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#parts.state.save();
  }

  /** Ids that wait to be sent, over all peers; a tree that is to be compared counts as one. */
  get waiting(): number {
    let count = 0;
    for (const relation of this.#all()) if (this.#hasWay(relation)) count += relation.needsComparison ? 1 : relation.waiting;
    return count;
  }

  /** What waits, by peer and tree. */
  pending(): readonly PendingSync[] {
    const unclean = [...this.#all()].filter((relation) => !relation.isClean && this.#hasWay(relation));
    return unclean.map(({ peer, tree, waiting, wantsComparison, attempts, dueAt, isGivenUp }) => ({ peer, tree, waiting, isCompared: wantsComparison, attempts, dueAt: isGivenUp ? null : dueAt }));
  }

  /** How things are between this device and a peer. */
  stateOf(peer: string): PeerState {
    if (!hasWay(this.#parts, peer)) return 'incoming';
    return this.#unreachable.has(peer) ? 'unreachable' : 'reachable';
  }

  *#all(): Generator<Relation> {
    for (const relations of this.#relations.values()) yield* relations.values();
  }

  #soon(): void {
    this.#turn ??= this.#parts.environment.after(0, () => {
      this.#turn = null;
      this.#handleAll();
      this.#dispatch();
    });
  }

  #handleAll(): void {
    for (const command of this.#commands.splice(0)) this.#handle(command);
    for (const tree of this.#missed) for (const relation of this.#byTree.get(tree) ?? []) relation.needsComparison = true;
    this.#missed.clear();
  }

  #handle(command: Command): void {
    switch (command.kind) {
      case 'queue-entry':
        for (const relation of this.#byTree.get(command.tree) ?? []) this.#queue(relation, command.id);
        break;
      case 'create-relationship':
        this.#relationOf(command.peer, command.tree).needsComparison = true;
        break;
      case 'remove-relationship':
        this.#forget(command.peer, command.tree);
        break;
      case 'remove-peer':
        for (const tree of [...(this.#relations.get(command.peer)?.keys() ?? [])]) this.#forget(command.peer, tree);
        this.#unreachable.delete(command.peer);
        break;
      case 'sync-tree':
        this.#jobs.push({ relation: this.#relationOf(command.peer, command.tree), task: 'compare', done: command.done });
        break;
      case 'send-entries':
        this.#jobs.push({ relation: this.#relations.get(command.peer)?.get(command.tree) ?? new Relation(command.peer, command.tree), task: { ids: command.ids }, done: command.done });
        break;
      case 'entries-came':
        for (const relation of this.#byTree.get(command.tree) ?? []) if (relation.peer !== command.from && this.#hasWay(relation)) relation.hear(this.#parts.environment.now());
        break;
      case 'peer-moved':
        // What it lacks was not counted while there was no way to it.
        for (const relation of this.#relations.get(command.peer)?.values() ?? []) relation.needsComparison = true;
        break;
      case 'flush':
        this.#flush(command.done);
    }
  }

  #queue(relation: Relation, id: string): void {
    // Who only comes by itself asks for what it lacks.
    if (!this.#hasWay(relation)) return;
    // A peer that was given up gets another chance with something new.
    if (relation.isGivenUp) relation.succeeded();
    relation.add(id, this.#parts.environment.now());
  }

  #flush(done: (exchanged: readonly Exchanged[]) => void): void {
    const unclean = [...this.#all()].filter((relation) => (!relation.isClean || relation.isRunning) && this.#hasWay(relation));
    const ended: Exchanged[] = [];
    if (unclean.length === 0) return done(ended);
    const one = (exchanged: Exchanged): void => {
      ended.push(exchanged);
      if (ended.length === unclean.length) done(ended);
    };
    for (const relation of unclean) this.#jobs.push({ relation, task: 'waiting', done: one });
  }

  #relationOf(peer: string, tree: string): Relation {
    const relations = this.#relations.get(peer) ?? new Map<string, Relation>();
    this.#relations.set(peer, relations);
    const known = relations.get(tree);
    if (known !== undefined) return known;
    const relation = new Relation(peer, tree);
    relations.set(tree, relation);
    this.#byTree.set(tree, (this.#byTree.get(tree) ?? new Set()).add(relation));
    return relation;
  }

  #forget(peer: string, tree: string): void {
    const relation = this.#relations.get(peer)?.get(tree);
    if (relation === undefined) return;
    this.#relations.get(peer)?.delete(tree);
    if (this.#relations.get(peer)?.size === 0) this.#relations.delete(peer);
    this.#byTree.get(tree)?.delete(relation);
    if (this.#byTree.get(tree)?.size === 0) this.#byTree.delete(tree);
    this.#comparedAt.delete(relation);
  }

  /** Starts what is due, as far as peers and requests are free. */
  #dispatch(): void {
    if (this.#isStopped) return;
    const later: Job[] = [];
    for (const job of this.#jobs.splice(0)) {
      if (this.#busy.size >= REQUESTS_MAX || this.#busy.has(job.relation.peer)) later.push(job);
      else void this.#run(job);
    }
    this.#jobs.push(...later);
    const { environment, options } = this.#parts;
    if (!options.flush.enabled) return;
    const now = environment.now();
    for (const relation of this.#all()) {
      if (this.#busy.size >= REQUESTS_MAX) return;
      if (this.#busy.has(relation.peer) || (now < relation.dueAt && !relation.isGivenUp)) continue;
      const isDue = relation.isDue(now, options.queue.maxQueueSize, options.queue.maxQueueAgeSecs);
      const compare = !isDue && this.#isPullDue(relation, now);
      if ((isDue || compare) && this.#hasWay(relation)) void this.#run({ relation, task: compare ? 'compare' : 'waiting', done: nobody });
    }
  }

  #hasWay(relation: Relation): boolean {
    return hasWay(this.#parts, relation.peer);
  }

  #isPullDue(relation: Relation, now: number): boolean {
    const { pullIntervalSecs } = this.#parts.options;
    return pullIntervalSecs > 0 && now - (this.#comparedAt.get(relation) ?? 0) >= pullIntervalSecs * 1000;
  }

  async #run({ relation, task, done }: Job): Promise<void> {
    const { state, environment, options } = this.#parts;
    this.#busy.add(relation.peer);
    relation.isRunning = true;
    const [isComparison, wasGivenUp] = [task === 'compare' || (task === 'waiting' && relation.wantsComparison), relation.isGivenUp];
    const exchanged = await runRelation(this.#parts, relation, task);
    const { error } = exchanged;
    relation.isRunning = false;
    // It may have been taken out meanwhile.
    if (isComparison && this.#relations.get(relation.peer)?.get(relation.tree) === relation) this.#comparedAt.set(relation, environment.now());
    this.#setReachable(relation.peer, error === null || error.code !== 'peer_unreachable');
    if (error !== null && !error.temporary && relation.attempts >= options.attemptsMax) this.#giveUp(relation, error, wasGivenUp);
    await state.save().catch((cause: unknown) => this.events.emit('storageFailed', cause));
    if (exchanged.received.length > 0) this.#handle({ kind: 'entries-came', tree: relation.tree, from: relation.peer });
    this.#busy.delete(relation.peer);
    this.events.emit('exchanged', exchanged);
    done(exchanged);
    if (this.#busy.size === 0) this.#idle?.();
    this.#dispatch();
  }

  /** Told once, however often a pull is refused after it. */
  #giveUp(relation: Relation, error: ClientError, wasGivenUp: boolean): void {
    relation.giveUp();
    if (!wasGivenUp) this.events.emit('gaveUp', { peer: relation.peer, tree: relation.tree, error });
  }

  #setReachable(peer: string, isReachable: boolean): void {
    if (this.#unreachable.has(peer) !== isReachable) return;
    if (isReachable) this.#unreachable.delete(peer);
    else this.#unreachable.add(peer);
    this.events.emit('reachable', { peer, isReachable });
    // Whoever is back gets at once what failed for want of a way.
    if (isReachable) for (const relation of this.#relations.get(peer)?.values() ?? []) if (!relation.isGivenUp) relation.dueAt = 0;
    if (this.#unreachable.size > 0) this.#probeLater();
  }

  #checkLater(): void {
    const { environment, options } = this.#parts;
    if (!options.flush.enabled) return;
    this.#check = environment.after(options.flush.checkIntervalSecs * 1000, () => {
      this.#dispatch();
      this.#checkLater();
    });
  }

  #probeLater(): void {
    this.#probe ??= this.#parts.environment.after(PROBE_SECS * 1000, () => this.#probeNow());
  }

  /** Waits between attempts grow to a minute; whether there is a way at all is asked more often, with the least there is to ask. */
  #probeNow(): void {
    this.#probe?.cancel();
    this.#probe = null;
    for (const peer of this.#unreachable) if (!this.#busy.has(peer)) void this.#ask(peer);
    if (this.#unreachable.size > 0 && !this.#isStopped) this.#probeLater();
  }

  async #ask(peer: string): Promise<void> {
    try {
      const { transport, address } = wayTo(this.#parts, peer, 0);
      await transport.send(address, { SendEntries: [] });
    } catch {
      return;
    }
    if (this.#isStopped) return;
    this.#setReachable(peer, true);
    this.#dispatch();
  }
}
