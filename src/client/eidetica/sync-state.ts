// What the engine remembers over restarts: peers, relationships, cursors, history, statistics, and which trees a peer may lack something of.
// Names and values in memory, changes in the app's journal: each record is a batch that is whole or not there.
import type { Journal } from '../store/journal.js';
import { HISTORY_MAX } from './limits.js';
import type { Address } from './wire.js';

/** A peer that proved its key. */
export interface PeerInfo {
  readonly publicKey: string;
  readonly displayName: string | null;
  readonly addresses: readonly Address[];
  /** Whether both sides proved their keys over one transcript. */
  readonly isMutual: boolean;
  /** Whether it takes proofs of requests. */
  readonly takesProofs?: boolean;
  readonly addedAt: number;
  readonly seenAt: number;
}

/** How far a tree and a peer have come. */
export interface SyncCursor {
  readonly theirTips: readonly string[];
  readonly syncedAt: number;
}

/** What a peer cost and brought. */
export interface PeerStatistics {
  readonly exchanges: number;
  readonly failures: number;
  readonly entriesSent: number;
  readonly entriesReceived: number;
  /** Mean time of an exchange, in milliseconds, newer ones counting more. */
  readonly meanMs: number;
  readonly lastError: string | null;
}

/** One exchange with a peer. */
export interface SyncHistoryEntry {
  readonly number: number;
  readonly peer: string;
  readonly tree: string;
  readonly at: number;
  readonly tookMs: number;
  readonly sent: number;
  readonly received: number;
  readonly error: string | null;
}

/** A tree that a peer may lack something of; `attempts` failed in a row. */
export interface Unsent {
  readonly attempts: number;
  /** Unix milliseconds of the next attempt. */
  readonly dueAt: number;
}

/** A name and its new value; null takes it out. */
type Change = readonly [name: string, value: unknown];

/** Records in the journal are written anew when there are this many more than names. */
const RECORDS_SPARE = 2000;
const NO_STATISTICS: PeerStatistics = { exchanges: 0, failures: 0, entriesSent: 0, entriesReceived: 0, meanMs: 0, lastError: null };

export class SyncState {
  readonly #journal: Journal;
  readonly #values = new Map<string, unknown>();
  /** The same by kind, so that nothing is looked for among everything. */
  readonly #trees = new Map<string, Set<string>>();
  #changes: Change[] = [];
  #writing: Promise<void> | null = null;
  #records = 0;
  #historyFirst = 0;
  #historyNext = 0;

  private constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Reads what the journal holds. A record that cannot be read is left out: what was lost is asked of the peers again. */
  static async open(journal: Journal): Promise<SyncState> {
    const state = new SyncState(journal);
    for (const record of await journal.load()) {
      state.#records += 1;
      for (const [name, value] of readRecord(record)) state.#apply(name, value);
    }
    const numbers = state.history().map(({ number }) => number);
    state.#historyFirst = numbers[0] ?? 0;
    state.#historyNext = (numbers.at(-1) ?? -1) + 1;
    return state;
  }

  peers(): readonly PeerInfo[] {
    return this.#all<PeerInfo>('peer ');
  }

  peer(publicKey: string): PeerInfo | undefined {
    return this.#get(`peer ${publicKey}`);
  }

  putPeer(peer: PeerInfo): void {
    this.#set(`peer ${peer.publicKey}`, peer);
  }

  /** Forgets a peer and everything about it, but for its history. */
  removePeer(publicKey: string): void {
    for (const tree of this.treesOf(publicKey)) this.removeRelationship(publicKey, tree);
    for (const kind of ['peer', 'statistics']) this.#set(`${kind} ${publicKey}`, null);
  }

  /** Trees that are synced with a peer. */
  treesOf(peer: string): readonly string[] {
    return [...(this.#trees.get(peer) ?? [])];
  }

  isRelated(peer: string, tree: string): boolean {
    return this.#trees.get(peer)?.has(tree) ?? false;
  }

  /** Peers a tree is synced with. */
  peersOf(tree: string): readonly string[] {
    return [...this.#trees].filter(([, trees]) => trees.has(tree)).map(([peer]) => peer);
  }

  addRelationship(peer: string, tree: string): void {
    if (!this.isRelated(peer, tree)) this.#set(`tree ${peer} ${tree}`, true);
  }

  removeRelationship(peer: string, tree: string): void {
    for (const kind of ['tree', 'cursor', 'unsent']) this.#set(`${kind} ${peer} ${tree}`, null);
  }

  cursor(peer: string, tree: string): SyncCursor | undefined {
    return this.#get(`cursor ${peer} ${tree}`);
  }

  putCursor(peer: string, tree: string, cursor: SyncCursor): void {
    this.#set(`cursor ${peer} ${tree}`, cursor);
  }

  unsent(peer: string, tree: string): Unsent | undefined {
    return this.#get(`unsent ${peer} ${tree}`);
  }

  putUnsent(peer: string, tree: string, unsent: Unsent | null): void {
    if (unsent !== null || this.unsent(peer, tree) !== undefined) this.#set(`unsent ${peer} ${tree}`, unsent);
  }

  statistics(peer: string): PeerStatistics {
    return this.#get(`statistics ${peer}`) ?? NO_STATISTICS;
  }

  /** Exchanges, the oldest first. */
  history(): readonly SyncHistoryEntry[] {
    return this.#all<SyncHistoryEntry>('history ').toSorted((a, b) => a.number - b.number);
  }

  /** Notes an exchange, in history and statistics. */
  note(exchange: Omit<SyncHistoryEntry, 'number'>): void {
    const { peer, tookMs, sent, received, error } = exchange;
    const number = this.#historyNext;
    this.#historyNext += 1;
    this.#set(`history ${number}`, { number, ...exchange });
    for (; this.#historyNext - this.#historyFirst > HISTORY_MAX; this.#historyFirst += 1) this.#set(`history ${this.#historyFirst}`, null);
    const before = this.statistics(peer);
    this.#set(`statistics ${peer}`, {
      exchanges: before.exchanges + 1,
      failures: before.failures + (error === null ? 0 : 1),
      entriesSent: before.entriesSent + sent,
      entriesReceived: before.entriesReceived + received,
      meanMs: before.exchanges === 0 ? tookMs : before.meanMs * 0.9 + tookMs * 0.1,
      lastError: error ?? before.lastError,
    } satisfies PeerStatistics);
  }

  /** Resolves when everything that was changed until now is kept. Calls that come meanwhile share the next write. */
  async save(): Promise<void> {
    while (this.#changes.length > 0 || this.#writing !== null) {
      this.#writing ??= this.#write().finally(() => (this.#writing = null));
      await this.#writing;
    }
  }

  async #write(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    try {
      if (this.#records < this.#values.size + RECORDS_SPARE) {
        await this.#journal.append([writeRecord(changes)]);
        this.#records += 1;
      } else {
        await this.#journal.replace([writeRecord([...this.#values])]);
        this.#records = 1;
      }
    } catch (cause) {
      this.#changes = [...changes, ...this.#changes];
      throw cause;
    }
  }

  #get<T>(name: string): T | undefined {
    return this.#values.get(name) as T | undefined;
  }

  #all<T>(start: string): T[] {
    return [...this.#values].filter(([name]) => name.startsWith(start)).map(([, value]) => value as T);
  }

  #set(name: string, value: unknown): void {
    this.#apply(name, value);
    this.#changes.push([name, value]);
  }

  #apply(name: string, value: unknown): void {
    if (value === null) this.#values.delete(name);
    else this.#values.set(name, value);
    const [kind, peer, ...tree] = name.split(' ');
    if (kind !== 'tree' || peer === undefined) return;
    const trees = this.#trees.get(peer) ?? new Set();
    if (value === null) trees.delete(tree.join(' '));
    else trees.add(tree.join(' '));
    if (trees.size === 0) this.#trees.delete(peer);
    else this.#trees.set(peer, trees);
  }
}

function writeRecord(changes: readonly Change[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(changes));
}

function readRecord(record: Uint8Array): readonly Change[] {
  try {
    const read: unknown = JSON.parse(new TextDecoder().decode(record));
    return Array.isArray(read) ? read.filter((change): change is [string, unknown] => Array.isArray(change) && typeof change[0] === 'string' && change.length === 2) : [];
  } catch {
    return [];
  }
}
