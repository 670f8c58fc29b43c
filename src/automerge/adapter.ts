// A network adapter of automerge-repo over a space: its log as a peer that is always there, and the other repos that are online now.
import { NetworkAdapter } from '@automerge/automerge-repo/slim';
import type { DocumentId, Message, PeerId, PeerMetadata } from '@automerge/automerge-repo/slim';
import { ClientError, openSpace } from '../client/index.js';
import type { DeviceStore, OpenSpaceOptions, PairingSpace } from '../client/index.js';
import type { LiveSpace } from '../client/live/index.js';
import type { OpenDocument } from '../client/documents/open-document.js';
import { storageNameOf } from '../client/documents/storage-name.js';
import { openInTabs } from '../client/tabs/open-in-tabs.js';
import { LivePeers } from './live-peers.js';
import { LogPeer } from './log-peer.js';

/** How long a document that is not in the log yet is waited for. */
const UNAVAILABLE_AFTER_MS = 1000;
/** The repo waits no longer than this for the relay and for other repos. */
const READY_AFTER_MS = 1000;
const PEER_ID_CHARACTERS = 16;

export interface AdapterOptions extends Pick<OpenSpaceOptions, 'webSocket' | 'environment' | 'rights' | 'batchWindowMs' | 'parts' | 'deviceName' | 'relay' | 'create' | 'admission'> {
  /** The link of a space; every document of the repo is put into it. Not needed by a device that joined the space by a code: `storage` or `name` says where it is. */
  readonly link?: string;
  /** The storage of the browser, `IndexedDbDeviceStore.open(name)`, of such a device. One that follows from the link when absent. */
  readonly name?: string;
  /** Where the device and the documents are kept; IndexedDB, shared by the tabs of the origin, where there is one, else the memory. Null: the memory. */
  readonly storage?: DeviceStore | null;
  /** False: the log takes part in nothing, only repos that are online at the same time sync. */
  readonly log?: boolean;
  /** False: no pipes between repos that are online; changes go over the log alone, and ephemeral messages nowhere. Of several tabs, the one that holds the connection has them. */
  readonly live?: boolean;
  /** Told of failures of the connection and the storage. */
  readonly onError?: (cause: ClientError) => void;
}

/** Give it to a Repo as `network: [new SealrelayNetworkAdapter({ link })]`. */
export class SealrelayNetworkAdapter extends NetworkAdapter {
  readonly #options: AdapterOptions;
  readonly #log: LogPeer;
  readonly #name: string;
  readonly #giveUp = new AbortController();
  readonly #ready: Promise<void>;
  #markReady: () => void = () => undefined;
  #isReady = false;
  #logPeerId = '' as PeerId;
  #opening: Promise<OpenDocument> | undefined;
  #document: OpenDocument | undefined;
  #live: LivePeers | undefined;
  #connected = false;

  /** Throws `bad_link`, and `bad_option` when nothing says which space. */
  constructor(options: AdapterOptions) {
    super();
    this.#options = options;
    this.#name = nameOf(options);
    this.#ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
    this.#log = new LogPeer({
      answer: (message) => this.#tell(message),
      changed: (change) => this.#document?.change(change),
      taken: (change) => this.#document?.keep(change),
      later: (call) => void setTimeout(call, UNAVAILABLE_AFTER_MS),
    });
  }

  /** The space, once the repo has connected the adapter and when this tab holds it for all tabs; rejects when it cannot be opened. */
  get space(): Promise<LiveSpace> {
    return this.#ready.then(async () => (await (this.#opening ?? this.#open())).whenLeading());
  }

  /** For `offerPairing({ space: await adapter.members })`, which lets a device into the space: in every tab, once the repo has connected the adapter. */
  get members(): Promise<PairingSpace> {
    return this.#ready.then(async () => (await (this.#opening ?? this.#open())).members);
  }

  /** Resolves when everything the relay held at this call is read, and everything of the documents is stored there: the relay is asked. */
  async whenSynced(): Promise<void> {
    await this.#ready;
    await (await (this.#opening ?? this.#open())).whenSynced();
  }

  /** Whether something of the documents is not known to be on the relay's disk. */
  get hasUnsyncedChanges(): boolean {
    return this.#document?.hasUnsyncedChanges ?? false;
  }

  override isReady(): boolean {
    return this.#isReady;
  }

  override whenReady(): Promise<void> {
    return this.#ready;
  }

  override connect(peerId: PeerId, peerMetadata: PeerMetadata = {}): void {
    this.peerId = peerId;
    this.peerMetadata = peerMetadata;
    this.#connected = true;
    this.#opening ??= this.#open();
    this.#opening.then(
      (document) => this.#begin(document, peerId, peerMetadata),
      (cause: unknown) => {
        this.#failed(cause);
        this.#setReady();
      },
    );
  }

  override send(message: Message): void {
    if (!this.#connected || this.#document === undefined) return;
    if (message.targetId === this.#logPeerId) this.#log.receive(message);
    else this.#live?.send(message);
  }

  override disconnect(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#log.disconnect();
    this.#live?.leave();
    this.#live = undefined;
    if (this.#document !== undefined && this.#options.log !== false) this.emit('peer-disconnected', { peerId: this.#logPeerId });
    if (this.#document?.isShared === false) this.#document.goOffline();
    this.emit('close');
  }

  /** Closes the space for good; what was taken is stored. */
  async close(): Promise<void> {
    this.disconnect();
    this.#giveUp.abort(new ClientError('closed', 'the adapter was closed'));
    const document = await this.#opening?.catch(() => undefined);
    await document?.close();
  }

  #open(): Promise<OpenDocument> {
    const { storage, name: _name, log: _log, live: _live, onError: _onError, ...options } = this.#options;
    return openInTabs(storage, this.#name, {
      ...options,
      signal: this.#giveUp.signal,
      offline: true,
      open: openSpace,
      document: this.#log,
      failed: (cause) => this.#failed(cause),
    });
  }

  #begin(document: OpenDocument, peerId: PeerId, peerMetadata: PeerMetadata): void {
    if (!this.#connected) return;
    this.#document = document;
    this.#logPeerId = `sealrelay-log-${this.#name.slice(0, PEER_ID_CHARACTERS)}` as PeerId;
    document.goOnline();
    // The repo asks for documents when the adapter is ready: whoever can have them should be there by then.
    setTimeout(() => this.#setReady(), READY_AFTER_MS);
    if (this.#options.log !== false) {
      this.emit('peer-candidate', { peerId: this.#logPeerId, peerMetadata: { isEphemeral: true } });
      this.#log.connect();
      document.whenSynced().then(() => this.#setReady(), () => undefined);
    }
    if (this.#options.live !== false) document.whenLeading().then((space) => this.#meet(space, peerId, peerMetadata), () => undefined);
  }

  #meet(space: LiveSpace, peerId: PeerId, peerMetadata: PeerMetadata): void {
    if (!this.#connected || this.#live !== undefined) return;
    this.#live = new LivePeers(space, { peerId, peerMetadata }, {
      came: (other, metadata) => {
        this.emit('peer-candidate', { peerId: other, peerMetadata: metadata });
        this.#setReady();
      },
      went: (other) => this.emit('peer-disconnected', { peerId: other }),
      message: (message) => this.emit('message', message),
      failed: (cause) => this.#failed(cause),
    });
  }

  #tell(message: { type: string; documentId: DocumentId; data?: Uint8Array }): void {
    if (!this.#connected || this.#document === undefined || this.peerId === undefined || this.#options.log === false) return;
    this.emit('message', { ...message, senderId: this.#logPeerId, targetId: this.peerId });
  }

  #setReady(): void {
    this.#isReady = true;
    this.#markReady();
  }

  #failed(cause: unknown): void {
    const error = cause instanceof ClientError ? cause : new ClientError('internal', 'the adapter failed', { cause });
    if (error.code === 'closed') return;
    // What the repo has itself it must give without the relay.
    if (error.code === 'relay_unreachable') this.#setReady();
    this.#options.onError?.(error);
  }
}

function nameOf({ link, name, storage }: AdapterOptions): string {
  if (name !== undefined) return name;
  if (link !== undefined) return storageName(link);
  if ((storage ?? null) === null) throw new ClientError('bad_option', 'a repo needs the link of a space, or the storage, or its name, of a device in one');
  return 'space';
}

function storageName(link: string): string {
  try {
    return storageNameOf(link);
  } catch (cause) {
    throw new ClientError('bad_link', `that is no space link (${cause instanceof Error ? cause.message : 'unreadable'})`, { cause, hint: 'Copy it again, complete, from where it was shown.' });
  }
}
