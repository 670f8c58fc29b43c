// A document in a space: loaded from the device's storage, changed by entries, sealed as snapshots, and stored before the position in the log is.
import { ClientError } from '../client-error.js';
import { ed25519Fallback } from '../crypto/ed25519-fallback.js';
import type { Ephemeral } from '../live/ephemeral.js';
import { live } from '../live/index.js';
import type { LiveSpace } from '../live/index.js';
import { snapshots } from '../snapshots/index.js';
import type { OpenSpaceOptions } from '../space/open.js';
import type { CallsOf, SpacePart } from '../space/space-part.js';
import type { PairingSpace } from '../space/pairing-space.js';
import type { Space } from '../space/space.js';
import type { StatusEvent } from '../space/space-events.js';
import { MemoryDeviceStore } from '../store/device-store.js';
import type { DeviceStore } from '../store/device-store.js';
import { MemoryJournal } from '../store/journal.js';
import { httpFallback } from '../transport/index.js';
import type { DocumentEvents, OpenDocument } from './open-document.js';
import { DocumentPushing } from './pushing.js';
import { StateJournal } from './state-journal.js';

/** What a document must be able to do. Applying a change twice, or in another order, must do no harm. */
export interface DocumentPort {
  /** Takes a change or a whole state. */
  apply(change: Uint8Array): void;
  /** The whole state, as a change. */
  state(): Uint8Array;
  /** Combines changes, of one batch or of what waits. */
  merge(changes: readonly Uint8Array[]): readonly Uint8Array[];
  /** The storage is read. What is changed before the space is there, which may wait for a relay, is kept by that call. */
  loaded?(keep: (change: Uint8Array) => void): void;
}

export interface KeptDocumentOptions extends Omit<OpenSpaceOptions, 'merge'> {
  /** How a space is opened: `openSpace` of the platform. */
  readonly open: <const P extends readonly SpacePart[]>(options: OpenSpaceOptions<P>) => Promise<Space & CallsOf<P>>;
  readonly document: DocumentPort;
  /** The storage failed, a push was refused, or a change that came does not hold as a change of this document. */
  readonly failed: (cause: ClientError) => void;
}

/** A document that this program alone has open. */
export class KeptDocument implements OpenDocument {
  readonly isShared = false;
  readonly space: LiveSpace;
  readonly #journal: StateJournal;
  readonly #pushing: DocumentPushing;

  constructor(space: LiveSpace, journal: StateJournal, pushing: DocumentPushing) {
    this.space = space;
    this.#journal = journal;
    this.#pushing = pushing;
    space.on('progress', () => this.#settle());
  }

  /** Whether something is not known to be on the relay's disk. */
  get hasUnsyncedChanges(): boolean {
    return this.#pushing.waiting || this.space.hasUnsyncedChanges;
  }

  get status(): StatusEvent {
    return this.space.status;
  }

  get ephemeral(): Ephemeral {
    return this.space.ephemeral;
  }

  get members(): PairingSpace {
    return this.space;
  }

  whenLeading(): Promise<LiveSpace> {
    return Promise.resolve(this.space);
  }

  on<K extends keyof DocumentEvents>(name: K, listener: (event: DocumentEvents[K]) => void): () => void {
    if (name === 'progress') return this.space.on('progress', () => (listener as () => void)());
    if (name === 'status') return this.space.on('status', listener as (event: StatusEvent) => void);
    return this.space.on('error', listener as (event: ClientError) => void);
  }

  goOnline(): void {
    this.space.goOnline();
  }

  goOffline(): void {
    this.space.goOffline();
  }

  whenSynced(): Promise<void> {
    return this.space.whenSynced();
  }

  /** Keeps a change that the document has taken from others. */
  keep(change: Uint8Array): void {
    this.#journal.record(change, false);
  }

  /** Keeps and pushes a change that was made here. */
  change(change: Uint8Array): void {
    this.#journal.record(change, true);
    this.#pushing.push(change);
  }

  /** Keeps and pushes a change that another tab made, once. Resolves when it is stored. */
  async changeOfTab(tab: string, number: number, change: Uint8Array): Promise<void> {
    if (this.#journal.recordOfTab(tab, number, change)) this.#pushing.push(change);
    await this.#journal.flush();
  }

  /** Resolves when everything taken so far is in the storage. */
  stored(): Promise<void> {
    return this.#journal.flush();
  }

  /** Closes the space; what was kept is stored. */
  async close(): Promise<void> {
    await this.space.close();
    await this.#journal.flush();
  }

  #settle(): void {
    if (!this.hasUnsyncedChanges) this.#journal.settled();
  }
}

/** Opens the space and the document in it. Rejects as `openSpace` does. */
export async function openKeptDocument({ open, document, failed, ...options }: KeptDocumentOptions): Promise<KeptDocument> {
  const storage = options.storage ?? new MemoryDeviceStore();
  const journal = new StateJournal(storage.journal ?? new MemoryJournal(), () => document.state(), failed);
  const take = (change: Uint8Array, what: string): void => {
    try {
      document.apply(change);
    } catch (cause) {
      failed(new ClientError('change_rejected', `${what} is no change of this document`, { cause }));
    }
  };
  const { changes, owed } = await journal.load();
  for (const change of changes) take(change, 'a stored record');
  document.loaded?.((change) => journal.record(change, true));
  const merge = (parts: readonly Uint8Array[]): readonly Uint8Array[] => document.merge(parts);
  const space = await open({
    ...options,
    storage: stored(storage, () => journal.flush()),
    merge,
    // A document is a whole: it loads where history is gone, goes through networks without WebSockets unless the app has a way of its own, and shows who is there.
    parts: [snapshots({ create: () => document.state(), load: (state) => take(state, 'a snapshot') }), ...(options.parts ?? []), live, httpFallback, ed25519Fallback] as const,
  });
  space.subscribe(({ items }) => items.forEach((item) => take(item, 'an entry')));
  const pushing = new DocumentPushing(space, merge, failed);
  for (const change of owed.length > 0 ? merge(owed) : []) pushing.push(change);
  return new KeptDocument(space, journal, pushing);
}

// The document goes first: after a crash it may be ahead of the position, and takes the same entries again, but never behind it.
function stored(storage: DeviceStore, flush: () => Promise<void>): DeviceStore {
  return {
    outbox: storage.outbox,
    ...(storage.hold === undefined ? {} : { hold: storage.hold.bind(storage) }),
    load: () => storage.load(),
    save: async (state) => {
      await flush();
      await storage.save(state);
    },
  };
}
