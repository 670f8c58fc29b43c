// What an app holds of the engine: peers, relationships, commits, and what became of them.
import { createEd25519 } from '../crypto/ed25519.js';
import { lazyEd25519 } from '../crypto/ed25519-fallback.js';
import { ClientError } from '../client-error.js';
import { platformEnvironment } from '../environment.js';
import type { Environment } from '../environment.js';
import { MemoryJournal } from '../store/journal.js';
import type { Journal } from '../store/journal.js';
import { BackgroundSync } from './background-sync.js';
import type { SyncEvents } from './background-sync.js';
import { CommitHooks } from './commit-hooks.js';
import type { Commit } from './commit-hooks.js';
import type { EntryBackend } from './entry-backend.js';
import { greet, Identity } from './handshake.js';
import type { Acquaintance } from './handshake.js';
import { HttpTransport } from './http-transport.js';
import type { SyncTransport } from './http-transport.js';
import { PEERS_MAX } from './limits.js';
import type { EngineParts, Exchanged } from './relation-job.js';
import { engineOptions } from './sync-options.js';
import type { GivenOptions } from './sync-options.js';
import { SyncState } from './sync-state.js';
import type { PeerInfo, PeerStatistics, SyncHistoryEntry } from './sync-state.js';
import type { Address } from './wire.js';

export interface EideticaSyncOptions extends GivenOptions {
  /** The app's entries. */
  readonly backend: EntryBackend;
  /** The 32 secret bytes of this device's key. */
  readonly seed: Uint8Array;
  /** Where the engine keeps what it remembers: the journal of a FileDeviceStore or IndexedDbDeviceStore; in memory without one. */
  readonly journal?: Journal;
  /** Ways to peers; HTTP without any. */
  readonly transports?: readonly SyncTransport[];
  readonly environment?: Environment;
  /** Hears what hooks and listeners throw. */
  readonly failed?: (cause: unknown) => void;
}

/** Figures of the engine. */
export interface SyncStatistics {
  readonly peers: number;
  readonly relationships: number;
  /** Ids that wait to be sent, over all peers. */
  readonly waiting: number;
  readonly entriesSent: number;
  readonly entriesReceived: number;
  readonly exchanges: number;
  readonly failures: number;
}

export class EideticaSync {
  readonly #parts: EngineParts;
  readonly #worker: BackgroundSync;
  /** Run it after every commit; the engine's own hook is in it. */
  readonly hooks: CommitHooks;

  private constructor(parts: EngineParts, failed: (cause: unknown) => void) {
    this.#parts = parts;
    this.#worker = new BackgroundSync(parts, failed);
    this.hooks = new CommitHooks(failed);
    this.hooks.add((commit) => this.queueEntry(commit));
  }

  /** Starts the engine where its journal ends. */
  static async open(options: EideticaSyncOptions): Promise<EideticaSync> {
    const { backend, seed, journal = new MemoryJournal(), transports, environment = platformEnvironment(), failed = () => undefined, ...given } = options;
    const ed25519 = await createEd25519(lazyEd25519);
    const parts: EngineParts = {
      state: await SyncState.open(journal),
      backend,
      transports: transports ?? [new HttpTransport(environment)],
      identity: await Identity.of(seed, ed25519),
      ed25519,
      environment,
      options: engineOptions(given),
    };
    const sync = new EideticaSync(parts, failed);
    await sync.#worker.start();
    return sync;
  }

  /** Who this device is to its peers. */
  get publicKey(): string {
    return this.#parts.identity.publicKey;
  }

  /** Calls the listener for every event of that name; the returned function ends it. */
  on<K extends keyof SyncEvents>(name: K, listener: (event: SyncEvents[K]) => void): () => void {
    return this.#worker.events.on(name, listener);
  }

  /** Greets a peer, checks its proof, and remembers it; its public key names it from then on. */
  async connectToPeer(address: Address): Promise<Acquaintance> {
    const { transports, identity, environment, options, state } = this.#parts;
    const transport = transports.find((candidate) => candidate.canReach(address));
    if (transport === undefined) throw new ClientError('no_way', `no transport of this device reaches ${address.transport_type} addresses`);
    const peer = await greet({ transport, address, identity, environment, displayName: options.displayName, requireMutual: options.requireMutual });
    const known = state.peer(peer.publicKey);
    if (known === undefined && state.peers().length >= PEERS_MAX) throw new ClientError('too_many_peers', `there are ${PEERS_MAX} peers already`);
    const now = environment.now();
    const addresses = [address, ...(known?.addresses ?? []).filter((other) => other.address !== address.address || other.transport_type !== address.transport_type)];
    state.putPeer({ publicKey: peer.publicKey, displayName: peer.displayName, addresses, isMutual: peer.isMutual, addedAt: known?.addedAt ?? now, seenAt: now });
    await state.save();
    return peer;
  }

  peers(): readonly PeerInfo[] {
    return this.#parts.state.peers();
  }

  /** Forgets a peer, its relationships and what waits for it. */
  async removePeer(peer: string): Promise<void> {
    this.#worker.submit({ kind: 'remove-peer', peer });
    this.#parts.state.removePeer(peer);
    await this.#parts.state.save();
  }

  /** Keeps a tree in sync with a peer from now on: it is compared at once, and commits are sent. */
  async addTreeSync(peer: string, tree: string): Promise<void> {
    if (this.#parts.state.peer(peer) === undefined) throw new ClientError('unknown_peer', 'no peer with this key is known', { hint: 'Connect to it first.' });
    this.#parts.state.addRelationship(peer, tree);
    this.#worker.submit({ kind: 'create-relationship', peer, tree });
    await this.#parts.state.save();
  }

  async removeTreeSync(peer: string, tree: string): Promise<void> {
    this.#parts.state.removeRelationship(peer, tree);
    this.#worker.submit({ kind: 'remove-relationship', peer, tree });
    await this.#parts.state.save();
  }

  treesOf(peer: string): readonly string[] {
    return this.#parts.state.treesOf(peer);
  }

  peersOf(tree: string): readonly string[] {
    return this.#parts.state.peersOf(tree);
  }

  /** Says that an entry was committed; returns at once and sends it in the background. */
  queueEntry({ tree, id }: Commit): void {
    this.#worker.submit({ kind: 'queue-entry', tree, id });
  }

  /** Compares a tree with a peer, both ways, now; keeps it in sync from then on. */
  async syncTree(peer: string, tree: string): Promise<Exchanged> {
    if (this.#parts.state.peer(peer) === undefined) throw new ClientError('unknown_peer', 'no peer with this key is known', { hint: 'Connect to it first.' });
    this.#parts.state.addRelationship(peer, tree);
    const exchanged = await new Promise<Exchanged>((done) => this.#worker.submit({ kind: 'sync-tree', peer, tree, done }));
    if (exchanged.error !== null) throw exchanged.error;
    return exchanged;
  }

  /** The same for every tree of a peer; what each came to. */
  syncWithPeer(peer: string): Promise<readonly Exchanged[]> {
    return Promise.all(this.treesOf(peer).map((tree) => new Promise<Exchanged>((done) => this.#worker.submit({ kind: 'sync-tree', peer, tree, done }))));
  }

  /** Sends what waits, now; what each exchange came to. */
  flush(): Promise<readonly Exchanged[]> {
    return new Promise((done) => this.#worker.submit({ kind: 'flush', done }));
  }

  statistics(): SyncStatistics {
    const { state } = this.#parts;
    const peers = state.peers();
    const each = peers.map(({ publicKey }) => state.statistics(publicKey));
    const sum = (of: (one: PeerStatistics) => number): number => each.reduce((total, one) => total + of(one), 0);
    return {
      peers: peers.length,
      relationships: peers.reduce((count, { publicKey }) => count + state.treesOf(publicKey).length, 0),
      waiting: this.#worker.waiting,
      entriesSent: sum((one) => one.entriesSent),
      entriesReceived: sum((one) => one.entriesReceived),
      exchanges: sum((one) => one.exchanges),
      failures: sum((one) => one.failures),
    };
  }

  statisticsOf(peer: string): PeerStatistics {
    return this.#parts.state.statistics(peer);
  }

  /** The last exchanges, the oldest first. */
  history(): readonly SyncHistoryEntry[] {
    return this.#parts.state.history();
  }

  /** Stops; what waits is found again at the next start, when there is a journal. The journal stays its owner's to close. */
  close(): Promise<void> {
    return this.#worker.stop();
  }
}
