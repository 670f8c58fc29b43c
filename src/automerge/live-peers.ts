// Other repos that are online now, over a topic of the space: a pipe to each, over which Automerge's own messages go.
import { cbor } from '@automerge/automerge-repo/slim';
import type { Message, PeerId, PeerMetadata } from '@automerge/automerge-repo/slim';
import { ClientError } from '../client/index.js';
import { TOPIC_PAYLOAD_BYTES_MAX } from '../client/live/index.js';
import type { LiveSpace, Topic } from '../client/live/index.js';

const TOPIC_NAME = 'automerge-repo';
const PART_MORE = 0;
const PART_LAST = 1;
/** Largest message between two repos, and most that waits for one of them. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

type Wire = { readonly hello: { readonly peerId: PeerId; readonly peerMetadata: PeerMetadata } } | { readonly message: Message };

interface Peer {
  peerId: PeerId | undefined;
  parts: Uint8Array[];
  partsBytes: number;
  queue: Promise<void>;
  queuedBytes: number;
}

export interface LivePeersEvents {
  readonly came: (peerId: PeerId, peerMetadata: PeerMetadata) => void;
  readonly went: (peerId: PeerId) => void;
  readonly message: (message: Message) => void;
  readonly failed: (cause: ClientError) => void;
}

export class LivePeers {
  readonly #topic: Topic;
  readonly #peers = new Map<number, Peer>();
  readonly #events: LivePeersEvents;

  constructor(space: LiveSpace, own: { readonly peerId: PeerId; readonly peerMetadata: PeerMetadata }, events: LivePeersEvents) {
    this.#events = events;
    this.#topic = space.topic(TOPIC_NAME);
    this.#topic.receive(({ peer, payload }) => this.#receive(peer.id, payload));
    this.#topic.on('joined', ({ id }) => {
      this.#peers.set(id, { peerId: undefined, parts: [], partsBytes: 0, queue: Promise.resolve(), queuedBytes: 0 });
      this.#send(id, { hello: own });
    });
    this.#topic.on('left', ({ id }) => this.#drop(id));
    this.#topic.on('closed', (cause) => {
      this.#dropAll();
      this.#events.failed(cause);
    });
  }

  /** Sends to the peer of that id; nothing when it has left. */
  send(message: Message): boolean {
    const [id] = [...this.#peers].find(([, { peerId }]) => peerId === message.targetId) ?? [];
    if (id === undefined) return false;
    this.#send(id, { message });
    return true;
  }

  leave(): void {
    this.#topic.leave();
    this.#dropAll();
  }

  #send(id: number, wire: Wire): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    const bytes = cbor.encode(wire);
    if (peer.queuedBytes + bytes.length > MESSAGE_BYTES_MAX) {
      this.#drop(id);
      this.#events.failed(new ClientError('topic_full', 'a repo does not take what it is sent; it is left to itself until it comes again', { temporary: true }));
      return;
    }
    peer.queuedBytes += bytes.length;
    peer.queue = peer.queue.then(() => this.#sendParts(id, bytes)).then(
      () => void (peer.queuedBytes -= bytes.length),
      () => this.#drop(id),
    );
  }

  async #sendParts(id: number, bytes: Uint8Array): Promise<void> {
    const size = TOPIC_PAYLOAD_BYTES_MAX - 1;
    for (let at = 0; at < bytes.length; at += size) {
      const body = bytes.subarray(at, at + size);
      const part = new Uint8Array(body.length + 1);
      part[0] = at + size < bytes.length ? PART_MORE : PART_LAST;
      part.set(body, 1);
      await this.#topic.send(part, { to: id });
    }
  }

  #receive(id: number, payload: Uint8Array): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    peer.parts.push(payload.slice(1));
    peer.partsBytes += payload.length;
    if (peer.partsBytes > MESSAGE_BYTES_MAX) return this.#drop(id);
    if (payload[0] === PART_MORE) return;
    const wire = joined(peer.parts);
    peer.parts = [];
    peer.partsBytes = 0;
    if (wire !== undefined) this.#take(peer, wire);
  }

  #take(peer: Peer, wire: Wire): void {
    if ('hello' in wire) {
      peer.peerId = wire.hello.peerId;
      this.#events.came(wire.hello.peerId, wire.hello.peerMetadata);
    } else if (peer.peerId !== undefined && wire.message.senderId === peer.peerId) {
      this.#events.message(wire.message);
    }
  }

  #drop(id: number): void {
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    if (peer?.peerId !== undefined) this.#events.went(peer.peerId);
  }

  #dropAll(): void {
    for (const id of [...this.#peers.keys()]) this.#drop(id);
  }
}

// A device of the space made it, so it is trusted as far as its shape goes.
function joined(parts: readonly Uint8Array[]): Wire | undefined {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  try {
    const wire: unknown = cbor.decode(bytes);
    return typeof wire === 'object' && wire !== null && ('hello' in wire || 'message' in wire) ? (wire as Wire) : undefined;
  } catch {
    return undefined;
  }
}
