// A provider of Yjs with the constructor and the events of y-websocket. The server it stands for is a relay that cannot read the document.
import { ObservableV2 } from 'lib0/observable';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as Y from 'yjs';
import { ClientError, openSpace, roomLinkOf } from '../client/index.js';
import type { DeviceStore, OpenSpaceOptions, PairingSpace, WebSocketConstructor } from '../client/index.js';
import type { LiveSpace } from '../client/live/index.js';
import type { OpenDocument } from '../client/documents/open-document.js';
import { storageNameOf } from '../client/documents/storage-name.js';
import { openInTabs } from '../client/tabs/open-in-tabs.js';
import { AwarenessLink } from './awareness-link.js';

/** Options of y-websocket that there is nothing to do for here, so that they need not be taken out. */
export interface IgnoredOptions {
  /** Nothing of a room is in the address that the relay sees. */
  readonly params?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** What is missing is noticed by itself. */
  readonly resyncInterval?: number;
  /** The relay says how long to wait at most. */
  readonly maxBackoffTime?: number;
  /** Tabs of one origin are one device, whose storage one of them holds. */
  readonly disableBc?: boolean;
}

export interface ProviderOptions extends IgnoredOptions, Pick<OpenSpaceOptions, 'webSocket' | 'environment' | 'rights' | 'batchWindowMs' | 'parts' | 'admission' | 'deviceName'> {
  /** The name of `webSocket` in y-websocket. */
  readonly WebSocketPolyfill?: WebSocketConstructor;
  /** False: wait for connect(). */
  readonly connect?: boolean;
  readonly awareness?: awarenessProtocol.Awareness;
  /** Where the device and the document are kept; IndexedDB, shared by the tabs of the origin, where there is one, else the memory. Null: the memory. */
  readonly storage?: DeviceStore | null;
  /** The storage of the browser, `IndexedDbDeviceStore.open(name)`: of a device that joined the room by a code. One that follows from the link when absent. */
  readonly name?: string;
}

export interface ProviderEvents {
  readonly status: (event: { readonly status: 'connected' | 'connecting' | 'disconnected' }) => void;
  /** Whether everything the relay holds is in the document, and everything of the document is on the relay's disk. */
  readonly sync: (isSynced: boolean) => void;
  /** The older name of `sync`. */
  readonly synced: (isSynced: boolean) => void;
  /** The connection is gone; it comes back by itself, unless it was told to go or failed for good. */
  readonly 'connection-close': (event: null, provider: WebsocketProvider) => void;
  /** The connection ended for good, a call failed, or a new device waits for the relay. Without a listener what trying again does not mend is reported as an error that nobody caught, where the platform has a place for those. */
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
  readonly #giveUp = new AbortController();
  #document: OpenDocument | undefined;
  #changedBefore = false;
  #keepEarly: ((change: Uint8Array) => void) | undefined;
  #toldStatus: 'connected' | 'connecting' | 'disconnected' = 'disconnected';
  #hasErrorListener = false;
  #synced = false;
  /** Of the session that is open: whether all that the relay held at its beginning was read. */
  #caughtUp: { readonly isRead: boolean } | undefined;
  #destroyed = false;
  readonly #update = (change: Uint8Array, origin: unknown): void => this.#changed(change, origin);
  readonly #leave = (): void => this.#link.sayGoodbye();

  /**
   * `link` is the link of a space; the room is a space of its own below it, made by whoever comes first. Null for a device that joined the room by a code:
   * `storage` or `name` says where it is. Throws `bad_link` and `bad_option`.
   */
  constructor(link: string | null, roomname: string, doc: Y.Doc, options: ProviderOptions = {}) {
    super();
    const room = roomOf(link, roomname);
    const { name = room === null ? undefined : storageNameOf(room), storage } = options;
    if (name === undefined && (storage ?? null) === null) throw new ClientError('bad_option', 'a room without a link needs the storage, or its name, of a device that joined it');
    this.doc = doc;
    this.roomname = roomname;
    this.shouldConnect = options.connect ?? true;
    this.awareness = options.awareness ?? new awarenessProtocol.Awareness(doc);
    this.#link = new AwarenessLink(this.awareness, (cause) => this.#report(cause));
    doc.on('update', this.#update);
    doc.once('destroy', () => this.destroy());
    globalThis.addEventListener?.('pagehide', this.#leave);
    this.#ready = this.#open(room, name ?? '', options);
    this.#ready.catch((cause: unknown) => this.#report(cause));
  }

  /** The space of the room, when this tab holds it for all tabs; rejects when it cannot be opened. */
  get space(): Promise<LiveSpace> {
    return this.#ready.then((document) => document.whenLeading());
  }

  /** For `offerPairing({ space: await provider.members })`, which lets a device into the room: in every tab. */
  get members(): Promise<PairingSpace> {
    return this.#ready.then((document) => document.members);
  }

  /** Whether there is a session with the relay. */
  get wsconnected(): boolean {
    return this.#document?.status.status === 'online';
  }

  /** Whether one is being opened. */
  get wsconnecting(): boolean {
    return this.#document === undefined ? this.shouldConnect && !this.#destroyed : this.#document.status.status === 'connecting';
  }

  /** What the event `sync` said last. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Whether something of the document is not known to be on the relay's disk. */
  get hasUnsyncedChanges(): boolean {
    return this.#document?.hasUnsyncedChanges ?? this.#changedBefore;
  }

  /** Calls the listener for every event of that name. */
  override on<K extends keyof ProviderEvents>(name: K, listener: ProviderEvents[K]): ProviderEvents[K] {
    this.#hasErrorListener ||= name === 'connection-error';
    return super.on(name, listener);
  }

  /** Connects, also after disconnect() or a failure. */
  connect(): void {
    this.shouldConnect = true;
    if (this.#document?.status.status === 'closed') return;
    this.#document?.goOnline();
  }

  /** Ends the connection until connect(); what is typed meanwhile is kept. In a browser that is of all tabs. */
  disconnect(): void {
    this.shouldConnect = false;
    this.#document?.goOffline();
  }

  /** Ends the connection and listens to the document no more; what is stored stays. */
  override destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#giveUp.abort(new ClientError('closed', 'the provider was destroyed'));
    this.#link.leave();
    this.doc.off('update', this.#update);
    globalThis.removeEventListener?.('pagehide', this.#leave);
    this.#ready.then((document) => document.close()).catch((cause: unknown) => this.#report(cause));
    super.destroy();
  }

  async #open(link: string | null, name: string, options: ProviderOptions): Promise<OpenDocument> {
    const kept = new Y.Doc();
    const document = await openInTabs(options.storage, name, {
      ...spaceOptionsOf(options),
      ...(link === null ? {} : { link }),
      signal: this.#giveUp.signal,
      create: options.rights === undefined || options.rights === 'admin',
      offline: true,
      open: openSpace,
      document: {
        apply: (change) => {
          Y.applyUpdate(this.#document === undefined ? kept : this.doc, change, this);
          if (this.#document === undefined) Y.applyUpdate(this.doc, change, this);
        },
        state: () => Y.encodeStateAsUpdate(this.doc),
        loaded: (keep) => this.#loaded(kept, keep),
        merge: (changes) => (changes.length < 2 ? changes : [Y.mergeUpdates([...changes])]),
      },
      failed: (cause) => this.#report(cause),
    });
    this.#document = document;
    this.#begin(document, kept);
    return document;
  }

  // A new device may wait long for the relay; what is typed until then is to survive the page.
  #loaded(kept: Y.Doc, keep: (change: Uint8Array) => void): void {
    if (this.#document !== undefined) return;
    this.#keepEarly = keep;
    const news = newsOf(this.doc, kept);
    if (news !== null) keep(news);
  }

  // What the document had before the storage was read, and what was typed meanwhile, is news to the space.
  #begin(document: OpenDocument, kept: Y.Doc): void {
    const news = newsOf(this.doc, kept);
    if (news !== null) document.change(news);
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
      if (origin === this) return;
      this.#changedBefore = true;
      this.#keepEarly?.(change);
    } else if (origin === this) {
      document.keep(change);
    } else {
      document.change(change);
      this.#judgeSync(document);
    }
  }

  #statusChanged(document: OpenDocument): void {
    const { status, error } = document.status;
    const told = status === 'online' ? 'connected' : status === 'connecting' ? 'connecting' : 'disconnected';
    const before = this.#toldStatus;
    this.#toldStatus = told;
    if (told !== before) {
      this.#caughtUp = undefined;
      this.emit('status', [{ status: told }]);
      if (before === 'connected') this.emit('connection-close', [null, this]);
      if (told === 'connected') this.#catchUp(document);
    }
    this.#judgeSync(document);
    if (error !== null) this.#report(error);
  }

  // An app that finds the document empty once it is synced fills it: by then everything the relay holds has to be in it.
  #catchUp(document: OpenDocument): void {
    const session = { isRead: false };
    this.#caughtUp = session;
    const read = (): void => {
      session.isRead = true;
      this.#judgeSync(document);
    };
    document.whenSynced().then(read, () => undefined);
  }

  #judgeSync({ status, hasUnsyncedChanges }: OpenDocument): void {
    this.#setSynced(status.status === 'online' && this.#caughtUp?.isRead === true && !hasUnsyncedChanges);
  }

  #setSynced(isSynced: boolean): void {
    if (this.#synced === isSynced) return;
    this.#synced = isSynced;
    this.emit('synced', [isSynced]);
    this.emit('sync', [isSynced]);
  }

  #report(cause: unknown): void {
    const error = cause instanceof ClientError ? cause : new ClientError('internal', 'the provider failed', { cause });
    if (error.code === 'closed') return;
    // Where errors that nobody caught are told, this one is.
    if (!error.temporary && !this.#hasErrorListener) globalThis.reportError?.(error);
    this.emit('connection-error', [error, this]);
  }
}

function roomOf(link: string | null, roomname: string): string | null {
  if (link === null) return null;
  if (!/^(wss?|https?):/i.test(link)) return roomLinkOf(link, roomname);
  throw new ClientError('bad_link', 'that is the address of a server', { hint: 'A room is below the link of a space, sealrelay://…, which createSpace() of sealrelay/client gives once.' });
}

function spaceOptionsOf({ storage: _storage, name: _name, connect: _connect, awareness: _awareness, WebSocketPolyfill: webSocket, params: _params, protocols: _protocols, resyncInterval: _resync, maxBackoffTime: _max, disableBc: _bc, ...options }: ProviderOptions): Pick<OpenSpaceOptions, keyof ProviderOptions & keyof OpenSpaceOptions> {
  return { ...(webSocket === undefined ? {} : { webSocket }), ...options };
}

/** What the document has and the other one lacks; null when that is nothing. */
function newsOf(doc: Y.Doc, kept: Y.Doc): Uint8Array | null {
  return Y.equalSnapshots(Y.snapshot(doc), Y.snapshot(kept)) ? null : Y.encodeStateAsUpdate(doc, Y.encodeStateVector(kept));
}
