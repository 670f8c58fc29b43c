// A provider of Yjs with the constructor and the events of y-websocket. The server it stands for is a relay that cannot read the document.
import { ObservableV2 } from 'lib0/observable';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as Y from 'yjs';
import { ClientError, openSpace, roomLinkOf } from '../client/index.js';
import type { DeviceStore, OpenSpaceOptions } from '../client/index.js';
import type { LiveSpace } from '../client/live/index.js';
import type { OpenDocument } from '../client/documents/open-document.js';
import { openInTabs } from '../client/tabs/open-in-tabs.js';
import { AwarenessLink } from './awareness-link.js';

export interface ProviderOptions extends Pick<OpenSpaceOptions, 'webSocket' | 'environment' | 'rights' | 'batchWindowMs' | 'parts'> {
  /** False: wait for connect(). */
  readonly connect?: boolean;
  readonly awareness?: awarenessProtocol.Awareness;
  /** Where the device and the document are kept; IndexedDB, shared by the tabs of the origin, where there is one, else the memory. Null: the memory. */
  readonly storage?: DeviceStore | null;
}

export interface ProviderEvents {
  readonly status: (event: { readonly status: 'connected' | 'connecting' | 'disconnected' }) => void;
  /** Whether everything the relay holds is in the document, and everything of the document is on the relay's disk. */
  readonly sync: (isSynced: boolean) => void;
  /** The connection ended for good, or a call failed. */
  readonly 'connection-error': (error: ClientError, provider: WebsocketProvider) => void;
}

/** Keeps a document in sync with the other devices of a room. */
export class WebsocketProvider extends ObservableV2<{ [K in keyof ProviderEvents]: ProviderEvents[K] }> {
  readonly doc: Y.Doc;
  readonly roomname: string;
  readonly awareness: awarenessProtocol.Awareness;
  /** Whether this provider tries to be connected. */
  shouldConnect: boolean;
  readonly #link: AwarenessLink;
  readonly #ready: Promise<OpenDocument>;
  #document: OpenDocument | undefined;
  #changedBefore = false;
  #synced = false;
  #destroyed = false;
  readonly #update = (change: Uint8Array, origin: unknown): void => this.#changed(change, origin);
  readonly #leave = (): void => this.#link.sayGoodbye();

  /** `link` is the link of a space; the room is a space of its own below it, made by whoever comes first. */
  constructor(link: string, roomname: string, doc: Y.Doc, options: ProviderOptions = {}) {
    super();
    this.doc = doc;
    this.roomname = roomname;
    this.shouldConnect = options.connect ?? true;
    this.awareness = options.awareness ?? new awarenessProtocol.Awareness(doc);
    this.#link = new AwarenessLink(this.awareness);
    doc.on('update', this.#update);
    doc.once('destroy', () => this.destroy());
    globalThis.addEventListener?.('pagehide', this.#leave);
    this.#ready = this.#open(link, options);
    this.#ready.catch((cause: unknown) => this.#report(cause));
  }

  /** The space of the room, when this tab holds it for all tabs; rejects when it cannot be opened. */
  get space(): Promise<LiveSpace> {
    return this.#ready.then((document) => document.whenLeading());
  }

  get wsconnected(): boolean {
    return this.#document?.status.status === 'online';
  }

  get wsconnecting(): boolean {
    return this.#document === undefined ? this.shouldConnect && !this.#destroyed : this.#document.status.status === 'connecting';
  }

  get synced(): boolean {
    return this.#synced;
  }

  /** Whether something of the document is not known to be on the relay's disk. */
  get hasUnsyncedChanges(): boolean {
    return this.#document?.hasUnsyncedChanges ?? this.#changedBefore;
  }

  connect(): void {
    this.shouldConnect = true;
    if (this.#document?.status.status === 'closed') return;
    this.#document?.goOnline();
  }

  disconnect(): void {
    this.shouldConnect = false;
    this.#document?.goOffline();
  }

  /** Ends the connection and listens to the document no more; what is stored stays. */
  override destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#link.leave();
    this.doc.off('update', this.#update);
    globalThis.removeEventListener?.('pagehide', this.#leave);
    this.#ready.then((document) => document.close()).catch((cause: unknown) => this.#report(cause));
    super.destroy();
  }

  async #open(link: string, { storage, connect: _connect, awareness: _awareness, ...options }: ProviderOptions): Promise<OpenDocument> {
    const room = roomLinkOf(link, this.roomname);
    const kept = new Y.Doc();
    const document = await openInTabs(storage, room, {
      ...options,
      link: room,
      create: options.rights === undefined || options.rights === 'admin',
      offline: true,
      open: openSpace,
      document: {
        apply: (change) => {
          Y.applyUpdate(this.#document === undefined ? kept : this.doc, change, this);
          if (this.#document === undefined) Y.applyUpdate(this.doc, change, this);
        },
        state: () => Y.encodeStateAsUpdate(this.doc),
        merge: (changes) => (changes.length < 2 ? changes : [Y.mergeUpdates([...changes])]),
      },
      failed: (cause) => this.#report(cause),
    });
    this.#document = document;
    this.#begin(document, kept);
    return document;
  }

  // What the document had before the storage was read, and what was typed meanwhile, is news to the space.
  #begin(document: OpenDocument, kept: Y.Doc): void {
    if (!Y.equalSnapshots(Y.snapshot(this.doc), Y.snapshot(kept))) document.change(Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(kept)));
    kept.destroy();
    document.on('status', () => this.#statusChanged(document));
    document.on('error', (cause) => this.#report(cause));
    document.on('progress', () => this.#judgeSync(document));
    this.#link.attach(document);
    if (this.shouldConnect) document.goOnline();
    this.#statusChanged(document);
  }

  #changed(change: Uint8Array, origin: unknown): void {
    const document = this.#document;
    if (document === undefined) {
      this.#changedBefore ||= origin !== this;
    } else if (origin === this) {
      document.keep(change);
    } else {
      document.change(change);
      this.#judgeSync(document);
    }
  }

  #statusChanged(document: OpenDocument): void {
    const { status, error } = document.status;
    this.emit('status', [{ status: status === 'online' ? 'connected' : status === 'connecting' ? 'connecting' : 'disconnected' }]);
    if (status === 'online') document.whenSynced().then(() => this.#judgeSync(document), () => undefined);
    else this.#setSynced(false);
    if (error !== null) this.#report(error);
  }

  #judgeSync({ status, hasUnsyncedChanges }: OpenDocument): void {
    this.#setSynced(status.status === 'online' && !hasUnsyncedChanges);
  }

  #setSynced(isSynced: boolean): void {
    if (this.#synced === isSynced) return;
    this.#synced = isSynced;
    this.emit('sync', [isSynced]);
  }

  #report(cause: unknown): void {
    const error = cause instanceof ClientError ? cause : new ClientError('internal', 'the provider failed', { cause });
    if (error.code !== 'closed') this.emit('connection-error', [error, this]);
  }
}
