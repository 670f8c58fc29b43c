/*
 * The space's log as a peer of the local repo. It holds every document of the space, speaks Automerge's sync protocol with the repo, puts what the
 * repo has into the log, and what the log brings into the repo. So documents are durable and there while no other device is, though the relay can read none.
 */
import * as A from '@automerge/automerge/slim';
import type { DocumentId, Message } from '@automerge/automerge-repo/slim';
import { decodeRecords, encodeRecords, joinRecords } from './records.js';

/** Messages made in answer to one; sync is over long before. */
const ANSWERS_MAX = 1000;

interface Held {
  doc: A.Doc<unknown>;
  sync: A.SyncState;
}

export interface LogPeerEvents {
  /** A message for the repo, without sender and receiver. */
  readonly answer: (message: { type: 'sync' | 'doc-unavailable'; documentId: DocumentId; data?: Uint8Array }) => void;
  /** The repo had something new: it belongs into the log. */
  readonly changed: (change: Uint8Array) => void;
  /** The documents got something new from the repo or the log; it belongs into the storage. */
  readonly taken: (change: Uint8Array) => void;
  /** Calls after the time, for a document that may still come. */
  readonly later: (call: () => void) => void;
}

export class LogPeer {
  readonly #documents = new Map<string, Held>();
  readonly #events: LogPeerEvents;
  #connected = false;

  constructor(events: LogPeerEvents) {
    this.#events = events;
  }

  /** The repo is there: it is told of every document. */
  connect(): void {
    this.#connected = true;
    for (const [documentId, held] of this.#documents) {
      if (A.getHeads(held.doc).length === 0) continue;
      held.sync = A.initSyncState();
      this.#answer(documentId, held);
    }
  }

  disconnect(): void {
    this.#connected = false;
  }

  /** Takes changes of the log, of a snapshot or of the storage. Throws when they are none. */
  apply(change: Uint8Array): void {
    for (const { documentId, bytes } of decodeRecords(change)) {
      const held = this.#held(documentId);
      const before = A.getHeads(held.doc);
      held.doc = A.loadIncremental(held.doc, bytes);
      if (isSame(before, A.getHeads(held.doc))) continue;
      this.#events.taken(encodeRecords([{ documentId, bytes }]));
      this.#answer(documentId, held);
    }
  }

  /** All documents. */
  state(): Uint8Array {
    return encodeRecords([...this.#documents].map(([documentId, { doc }]) => ({ documentId, bytes: A.save(doc) })));
  }

  merge(changes: readonly Uint8Array[]): readonly Uint8Array[] {
    return changes.length < 2 ? changes : [joinRecords(changes)];
  }

  /** Takes a message of the repo. */
  receive({ type, documentId, data }: Message): void {
    if ((type !== 'sync' && type !== 'request') || documentId === undefined || data === undefined) return;
    const held = this.#held(documentId);
    const before = A.getHeads(held.doc);
    const [doc, sync] = A.receiveSyncMessage(held.doc, held.sync, data as A.SyncMessage);
    held.doc = doc;
    held.sync = sync;
    if (!isSame(before, A.getHeads(doc))) this.#events.changed(encodeRecords([{ documentId, bytes: A.saveSince(doc, before) }]));
    if (type === 'request' && A.getHeads(doc).length === 0) this.#awaitDocument(documentId);
    else this.#answer(documentId, held);
  }

  // The log may still bring it; the repo believes the first peer that says it has nothing.
  #awaitDocument(documentId: DocumentId): void {
    this.#events.later(() => {
      const held = this.#held(documentId);
      if (!this.#connected || A.getHeads(held.doc).length > 0) return;
      this.#events.answer({ type: 'doc-unavailable', documentId });
    });
  }

  #answer(documentId: string, held: Held): void {
    for (let made = 0; made < ANSWERS_MAX && this.#connected; made += 1) {
      const [sync, data] = A.generateSyncMessage(held.doc, held.sync);
      held.sync = sync;
      if (data === null) return;
      this.#events.answer({ type: 'sync', documentId: documentId as DocumentId, data });
    }
  }

  #held(documentId: string): Held {
    const known = this.#documents.get(documentId);
    if (known !== undefined) return known;
    const held = { doc: A.init(), sync: A.initSyncState() };
    this.#documents.set(documentId, held);
    return held;
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((head, at) => head === b[at]);
}
