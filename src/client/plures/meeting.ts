// Everything of one call of connect() or listen(): the ways to a topic, the peers that come over them, and the connections of the app.
import type { Environment } from '../environment.js';
import { Connection } from './connection.js';
import { DirectLink } from './direct-link.js';
import type { DirectMembership, DirectNetwork, DirectStream } from './direct-network.js';
import type { Inbox } from './inbox.js';
import { MEET_AGAIN_MS, PEERS_MAX } from './limits.js';
import type { MessageSeal } from './message-seal.js';
import { Peer } from './peer.js';
import type { RelaySide } from './relay-side.js';
import type { TransportEvent } from './transport.js';
import { closed, peerGone, relayLost } from './transport-errors.js';

export interface MeetingOptions {
  /** The own id, as peers are told directly. */
  readonly ownId: string;
  readonly seal: MessageSeal;
  readonly environment: Environment;
  readonly direct: DirectNetwork | null;
  readonly observe: (event: TransportEvent) => void;
  /** One connection to all peers, or one to each. */
  readonly isShared: boolean;
  /** A new connection; of a shared one, when the first peer is there. */
  readonly met: (connection: Connection) => void;
  /** The relay is gone, and nobody was met yet. */
  readonly lost: (error: Error) => void;
  readonly closed: (meeting: Meeting) => void;
}

export class Meeting {
  readonly #options: MeetingOptions;
  readonly #relay: RelaySide;
  readonly #peers = new Map<string, Peer>();
  readonly #connections = new Map<string, Connection>();
  readonly #links = new Set<DirectLink>();
  readonly #arrivals = new Set<() => void>();
  #shared: Connection | null = null;
  #membership: DirectMembership | null = null;
  #isClosed = false;

  constructor(options: MeetingOptions, relaySide: (events: Meeting) => RelaySide) {
    this.#options = options;
    this.#relay = relaySide(this);
  }

  get relay(): RelaySide {
    return this.#relay;
  }

  /** Looks for direct ways from now on; rejects when there can be none. */
  async joinDirect(): Promise<void> {
    const { direct, seal } = this.#options;
    if (direct === null) return;
    const membership = await direct.join(seal.directName, (stream) => this.#meet(stream));
    if (this.#isClosed) await membership.close();
    else this.#membership = membership;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#links].map((link) => link.bye()));
    for (const peer of this.#peers.values()) peer.relayGone();
    for (const connection of this.#all()) connection.end(null);
    this.#wake();
    this.#relay.close();
    await this.#membership?.close();
    this.#options.closed(this);
  }

  // What comes from the relay.

  joined(peerId: string): void {
    const peer = this.#peer(peerId);
    if (peer === null) return;
    peer.atRelay += 1;
    this.#arrived(peer);
    if (!peer.isLinked) this.#tellPath(peer);
  }

  left(peerId: string): void {
    const peer = this.#peers.get(peerId);
    if (peer === undefined) return;
    peer.atRelay = Math.max(0, peer.atRelay - 1);
    if (peer.atRelay === 0 && !peer.isLinked) this.#forget(peer, null);
  }

  data(peerId: string, bytes: Uint8Array): void {
    const peer = this.#peer(peerId);
    if (peer === null) return;
    if (peer.atRelay === 0) this.joined(peerId);
    peer.fromRelay(bytes);
  }

  closed(error: Error): void {
    if (this.#all().length === 0) this.#options.lost(error);
    for (const peer of this.#peers.values()) {
      peer.relayGone();
      if (!peer.isLinked) this.#forget(peer, error);
    }
    if (this.#shared !== null && this.#peers.size === 0) this.#shared.end(error);
  }

  // What comes directly.

  #meet(stream: DirectStream): void {
    if (this.#isClosed || this.#links.size >= PEERS_MAX) return stream.close();
    let peer: Peer | null = null;
    const link: DirectLink = new DirectLink(stream, this.#options.ownId, this.#options.seal, this.#options.environment, {
      ready: (peerId) => {
        peer = peerId === this.#options.ownId ? null : this.#peer(peerId);
        if (peer === null) return link.close();
        // The newer one: the other side may know that the older one is dead before this side does.
        const before = peer.link;
        peer.link = link;
        before?.close();
        this.#arrived(peer);
        this.#tellPath(peer);
      },
      mark: (mark) => peer?.marked(mark),
      message: (bytes) => peer?.fromLink(bytes),
      ended: (unconfirmed, said) => {
        this.#links.delete(link);
        if (peer !== null) this.#unlinked(peer, link, unconfirmed, said);
      },
    });
    this.#links.add(link);
  }

  #unlinked(peer: Peer, link: DirectLink, unconfirmed: readonly Uint8Array[], said: boolean): void {
    if (peer.link === link) peer.link = null;
    if (this.#isClosed) return;
    const connection = this.#connectionOf(peer);
    if (said) return peer.whenDelivered(() => this.#forget(peer, null));
    this.#tellPath(peer);
    if (this.#relay.relays.length === 0) {
      if (!peer.isLinked) this.#forget(peer, relayLost());
      return;
    }
    connection?.fell(unconfirmed);
    if (connection !== null && !peer.isLinked) this.#whenMet(connection).catch((cause: unknown) => this.#forget(peer, cause as Error));
  }

  // Peers and connections.

  #peer(id: string): Peer | null {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    if (this.#peers.size >= PEERS_MAX || this.#isClosed) return null;
    const peer = new Peer(id, this.#options.environment, (bytes) => this.#connectionOf(peer)?.put(bytes));
    this.#peers.set(id, peer);
    return peer;
  }

  #arrived(peer: Peer): void {
    if (this.#connectionOf(peer) === null) {
      const connection = this.#newConnection(() => (this.#options.isShared ? [...this.#peers.values()] : [peer]));
      if (this.#options.isShared) this.#shared = connection;
      else this.#connections.set(peer.id, connection);
      this.#options.met(connection);
    }
    this.#wake();
  }

  /** Those who wait for a peer look again. */
  #wake(): void {
    for (const arrival of [...this.#arrivals]) arrival();
  }

  #forget(peer: Peer, error: Error | null): void {
    this.#peers.delete(peer.id);
    peer.relayGone();
    if (this.#options.isShared) {
      // The relay may bring the next peer; without one that is the end.
      if (this.#peers.size === 0 && !this.#relay.isOpen) this.#shared?.end(error);
      return;
    }
    this.#connections.get(peer.id)?.end(error);
    this.#connections.delete(peer.id);
  }

  #connectionOf(peer: Peer): Connection | null {
    return this.#options.isShared ? this.#shared : (this.#connections.get(peer.id) ?? null);
  }

  #all(): readonly Connection[] {
    return this.#shared === null ? [...this.#connections.values()] : [this.#shared];
  }

  #newConnection(peers: () => readonly Peer[]): Connection {
    const { seal, environment, observe } = this.#options;
    const links = (): DirectLink[] => peers().flatMap(({ link }) => link ?? []);
    return new Connection({
      seal,
      peers,
      now: () => environment.now(),
      unreadable: (error) => observe({ type: 'unreadable', error }),
      relay: async (connection, bytes) => {
        await this.#whenMet(connection, peers);
        await this.#relay.send(bytes);
      },
      tap: {
        pause: (inbox: Inbox) => {
          this.#relay.pause(inbox);
          for (const link of links()) link.pause(inbox);
        },
        resume: (inbox: Inbox) => {
          this.#relay.resume(inbox);
          for (const link of links()) link.resume(inbox);
        },
      },
      ended: (isOrderly) => this.#ended(peers(), isOrderly),
    });
  }

  /** The app closed a connection, or it broke: of a shared one nothing is left then. */
  async #ended(peers: readonly Peer[], isOrderly: boolean): Promise<void> {
    if (this.#isClosed) return;
    if (isOrderly) await Promise.all(peers.map(({ link }) => link?.bye()));
    else for (const { link } of peers) link?.close();
    this.#wake();
    if (this.#options.isShared) await this.close();
  }

  /** Resolves when somebody the connection is for is at the relay. */
  async #whenMet(connection: Connection, peers: () => readonly Peer[] = () => [...this.#peers.values()].filter((peer) => this.#connectionOf(peer) === connection)): Promise<void> {
    const isThere = (): boolean => peers().some(({ atRelay }) => atRelay > 0);
    if (isThere() && this.#relay.isOpen) return;
    await this.#relay.open();
    const { environment } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!isThere() && !connection.isEnded) return;
        this.#arrivals.delete(look);
        timer.cancel();
        if (connection.isEnded) reject(closed());
        else resolve();
      };
      const timer = environment.after(MEET_AGAIN_MS, () => {
        this.#arrivals.delete(look);
        reject(peerGone());
      });
      this.#arrivals.add(look);
      look();
    });
  }

  #tellPath({ id, isLinked, atRelay }: Peer): void {
    this.#options.observe({ type: 'path', peerId: id, path: isLinked ? 'direct' : atRelay > 0 ? 'relay' : 'none' });
  }
}
