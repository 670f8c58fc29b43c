// What an app holds of the engine: peers, relationships, commits, and what became of them.
import { createEd25519 } from '../crypto/ed25519.js';
import { lazyEd25519 } from '../crypto/ed25519-fallback.js';
import { ClientError } from '../client-error.js';
import { platformEnvironment } from '../environment.js';
import type { Environment } from '../environment.js';
import { MemoryJournal } from '../store/journal.js';
import type { Journal } from '../store/journal.js';
import { BackgroundSync } from './background-sync.js';
import type { PeerState, PendingSync, SyncEvents } from './background-sync.js';
import { CommitHooks } from './commit-hooks.js';
import type { Commit } from './commit-hooks.js';
import type { EntryBackend } from './entry-backend.js';
import { greet, Identity } from './handshake.js';
import type { Acquaintance } from './handshake.js';
import { HttpTransport } from './http-transport.js';
import { publicKeyBytes } from './keys.js';
import { PEERS_MAX } from './limits.js';
import type { EngineParts, Exchanged } from './relation-job.js';
import { SyncHandler } from './serve/sync-handler.js';
import type { ServingOptions, ServingStatistics } from './serve/sync-handler.js';
import { engineOptions } from './sync-options.js';
import type { GivenOptions } from './sync-options.js';
import { SyncState } from './sync-state.js';
import type { PeerInfo, PeerStatistics, SyncCursor, SyncHistoryEntry } from './sync-state.js';
import type { SyncListener, SyncServer, SyncTransport } from './transport.js';
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
  /** Who gets what when peers ask this device, and how often they may. */
  readonly serving?: ServingOptions;
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
  /** What was served to peers that asked. */
  readonly served: ServingStatistics;
}

/** The sync engine: peers, relationships, commits, and what became of them. */
export class EideticaSync {
  readonly #parts: EngineParts;
  readonly #worker: BackgroundSync;
  readonly #servers = new Set<SyncServer>();
  /** Run it after every commit; the engine's own hook is in it. */
  readonly hooks: CommitHooks;
  /** Answers peers that ask this device; for a server of the app's own, where startServer() is not used. */
  readonly handler: SyncHandler;

  private constructor(parts: EngineParts, serving: ServingOptions, failed: (cause: unknown) => void) {
    this.#parts = parts;
    this.#worker = new BackgroundSync(parts, failed);
    this.handler = handlerOf(parts, serving, this.#worker);
    this.hooks = new CommitHooks(failed);
    this.hooks.add((commit) => this.queueEntry(commit));
  }

  /** Starts the engine where its journal ends. */
  static async open(options: EideticaSyncOptions): Promise<EideticaSync> {
    const { backend, seed, journal = new MemoryJournal(), transports, serving = {}, environment = platformEnvironment(), failed = () => undefined, ...given } = options;
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
    const sync = new EideticaSync(parts, serving, failed);
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
    const listenAddresses = [...this.#servers].map((server) => server.address);
    const peer = await greet({ transport, address, identity, environment, listenAddresses, displayName: options.displayName, requireMutual: options.requireMutual });
    const known = this.#known(peer.publicKey);
    const now = environment.now();
    const others = (known?.addresses ?? []).filter((other) => other.address !== address.address || other.transport_type !== address.transport_type);
    const { publicKey, displayName, isMutual, takesProofs } = peer;
    state.putPeer({ publicKey, displayName, addresses: [address, ...others], isMutual, takesProofs, addedAt: known?.addedAt ?? now, seenAt: now });
    if (known !== undefined && others.length === known.addresses.length) this.#worker.submit({ kind: 'peer-moved', peer: publicKey });
    await state.save();
    return peer;
  }

  /** Lets a peer in that comes by itself, by its public key; trees are opened to it with addTreeSync(). */
  async addPeer(publicKey: string, displayName: string | null = null): Promise<void> {
    if (publicKeyBytes(publicKey) === undefined || publicKey === this.publicKey) throw new ClientError('bad_option', 'this is not the public key of another device');
    if (this.#known(publicKey) !== undefined) return;
    const now = this.#parts.environment.now();
    this.#parts.state.putPeer({ publicKey, displayName, addresses: [], isMutual: false, addedAt: now, seenAt: now });
    await this.#parts.state.save();
  }

  #known(publicKey: string): PeerInfo | undefined {
    const known = this.#parts.state.peer(publicKey);
    if (known === undefined && this.#parts.state.peers().length >= PEERS_MAX) throw new ClientError('too_many_peers', `there are ${PEERS_MAX} peers already`);
    return known;
  }

  /** Answers peers that come this way, until the server or the engine is closed. Peers that are connected to from now on are told its address. */
  async startServer(listener: SyncListener): Promise<SyncServer> {
    const opened = await listener.listen(this.handler);
    const server: SyncServer = {
      address: opened.address,
      close: async () => {
        this.#servers.delete(server);
        await opened.close();
      },
    };
    this.#servers.add(server);
    return server;
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
    if (this.#parts.state.peer(peer) === undefined) throw new ClientError('unknown_peer', 'no peer with this key is known', { hint: 'Connect to it first, or add it.' });
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

  /** Sends entries of a tree to a peer, now, whether the tree is synced with it or not. */
  async sendEntries(peer: string, tree: string, ids: readonly string[]): Promise<Exchanged> {
    const exchanged = await new Promise<Exchanged>((done) => this.#worker.submit({ kind: 'send-entries', peer, tree, ids, done }));
    if (exchanged.error !== null) throw exchanged.error;
    return exchanged;
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
      served: this.handler.statistics(),
    };
  }

  statisticsOf(peer: string): PeerStatistics {
    return this.#parts.state.statistics(peer);
  }

  /** Whether a peer is reachable, as far as is known. */
  stateOf(peer: string): PeerState {
    return this.#worker.stateOf(peer);
  }

  /** What a peer is known to have of a tree, and since when. */
  cursorOf(peer: string, tree: string): SyncCursor | undefined {
    return this.#parts.state.cursor(peer, tree);
  }

  /** What waits to be sent, and what failed and when it is tried again. */
  pending(): readonly PendingSync[] {
    return this.#worker.pending();
  }

  /** The last exchanges, the oldest first; of one peer, where it is named. */
  history(peer?: string): readonly SyncHistoryEntry[] {
    const history = this.#parts.state.history();
    return peer === undefined ? history : history.filter((exchange) => exchange.peer === peer);
  }

  /** Stops, its servers first; what waits is found again at the next start, when there is a journal. The journal stays its owner's to close. */
  async close(): Promise<void> {
    const stopped = this.#worker.stop();
    this.handler.close();
    await Promise.all([stopped, ...[...this.#servers].map((server) => server.close())]);
  }
}

/** What is served is told, and entries that came go on to other peers. */
function handlerOf({ state, backend, identity, ed25519, environment, options }: EngineParts, serving: ServingOptions, worker: BackgroundSync): SyncHandler {
  return new SyncHandler({
    ...{ state, backend, identity, ed25519, environment, displayName: options.displayName, options: serving },
    greeted: (greeted) => worker.events.emit('greeted', greeted),
    served: (served) => {
      if (served.received.length > 0) worker.entriesCame(served.tree, served.peer);
      worker.events.emit('served', served);
    },
  });
}
