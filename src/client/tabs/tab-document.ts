/*
 * One document in many tabs of one origin: one of them holds its storage and its connection, the others speak to that one.
 *
 *   waiting for the lock ── state of the leader ──► following ── lock ──► leading ── close, crash ──► the next in the queue of the lock
 *
 * Invariants: T1 storage and connection are opened only under the lock; T2 a change made while following is held until a leader has it in
 * the storage, and is sent again to each new one; T3 a leader takes only what was sent to it, so the changes of a tab come to it
 * without a gap, and the storage remembers the number of the newest: none is lost and none taken twice; T4 a tab follows who answered what it
 * asked last: a word of a leader that is gone, however late, is not followed.
 */
import { toHex } from '../../protocol/hex.js';
import { ClientError } from '../client-error.js';
import { openKeptDocument } from '../documents/kept-document.js';
import type { KeptDocumentOptions } from '../documents/kept-document.js';
import type { DocumentEvents, OpenDocument } from '../documents/open-document.js';
import { Emitter } from '../emitter.js';
import type { Ephemeral } from '../live/ephemeral.js';
import type { LiveSpace } from '../live/index.js';
import type { PairingSpace } from '../space/pairing-space.js';
import type { StatusEvent } from '../space/space-events.js';
import type { DeviceStore } from '../store/device-store.js';
import { HeldChanges } from './held-changes.js';
import { leadInTurn } from './lead-in-turn.js';
import { Leader } from './leader.js';
import { SharedCalls } from './shared-calls.js';
import { heardError, statusOf } from './tab-channel.js';
import type { Report, TabChannel, TabGround, TabMessage } from './tab-channel.js';
import { SyncedAsks } from './synced-asks.js';
import { TabEphemeral } from './tab-ephemeral.js';
import { Waiters } from './waiters.js';

const TAB_BYTES = 16;
/** How long a tab that is closed waits for a leader to take its last changes. */
const CLOSE_WAIT_MS = 5000;

export interface TabDocumentOptions extends Omit<KeptDocumentOptions, 'storage'> {
  readonly ground: TabGround;
  /** The name of the storage, for its lock and its channel. */
  readonly name: string;
  /** Opens the storage; called in the tab that leads. */
  readonly openStorage: () => Promise<DeviceStore & { close(): void }>;
}

export class TabDocument implements OpenDocument {
  readonly isShared = true;
  readonly #options: TabDocumentOptions;
  readonly #id = toHex(crypto.getRandomValues(new Uint8Array(TAB_BYTES)));
  readonly #channel: TabChannel<TabMessage>;
  readonly #held: HeldChanges;
  readonly #ephemeral: TabEphemeral;
  readonly #events: Emitter<DocumentEvents>;
  readonly #giveUp = new AbortController();
  readonly #closed = new AbortController();
  readonly #space: Promise<LiveSpace>;
  readonly #waiters = new Waiters();
  readonly #asks = new SyncedAsks((number) => this.#askSynced(number));
  readonly #calls: SharedCalls;
  #gotSpace: (space: LiveSpace) => void = () => undefined;
  #report: Report = { status: 'offline', error: null, unsynced: false, synced: false };
  /** Who leads, in a tab that follows. */
  #term: string | undefined;
  #leader: Leader | undefined;
  #asked = 0;
  #wish: boolean | undefined;
  #left = false;
  #isOpen = false;
  #opened: () => void = () => undefined;
  #holding: Promise<void> = Promise.resolve();

  private constructor(options: TabDocumentOptions) {
    this.#options = options;
    this.#held = new HeldChanges(() => options.document.state());
    this.#events = new Emitter((cause) => options.failed(new ClientError('internal', 'a listener of the app threw', { cause })));
    this.#ephemeral = new TabEphemeral((payload) => this.#say(payload), () => this.#report.status === 'online');
    this.#space = new Promise((resolve) => {
      this.#gotSpace = resolve;
    });
    this.#channel = options.ground.channel(`sealrelay/${options.name}`);
    this.#channel.listen((message) => this.#take(message));
    this.#calls = new SharedCalls(() => options.ground.channel(`sealrelay/${options.name}/calls`), this.#id);
  }

  /** Resolves when the document is there: from the leader, or from the storage. Rejects as `openSpace` does. */
  static async open(options: TabDocumentOptions): Promise<TabDocument> {
    const tab = new TabDocument(options);
    await new Promise<void>((resolve, reject) => {
      tab.#opened = () => {
        tab.#isOpen = true;
        resolve();
      };
      tab.#holding = tab.#queue().catch(reject);
      tab.#ask();
    }).catch((cause: unknown) => {
      tab.#left = true;
      tab.#channel.close();
      tab.#calls.close();
      throw cause;
    });
    return tab;
  }

  get status(): StatusEvent {
    return statusOf(this.#report);
  }

  get hasUnsyncedChanges(): boolean {
    return this.#leader === undefined ? this.#held.any || this.#report.unsynced : this.#leader.kept.hasUnsyncedChanges;
  }

  get ephemeral(): Ephemeral {
    return this.#ephemeral;
  }

  get members(): PairingSpace {
    return this.#calls.membersOf(this);
  }

  whenLeading(): Promise<LiveSpace> {
    return this.#space;
  }

  on<K extends keyof DocumentEvents>(name: K, listener: (event: DocumentEvents[K]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Of all tabs: there is one connection. */
  goOnline(): void {
    this.#wishFor(true);
  }

  /** Of all tabs. */
  goOffline(): void {
    this.#wishFor(false);
  }

  async whenSynced(): Promise<void> {
    const ask = this.#asks.begin();
    const isSynced = (): boolean => !this.#asks.isOpen(ask) && this.#report.synced && !this.hasUnsyncedChanges;
    try {
      await this.#waiters.until(() => isSynced() || this.status.error !== null, this.#closed.signal);
      const { error } = this.status;
      if (error !== null && !isSynced()) throw error;
    } finally {
      this.#asks.end(ask);
    }
  }

  keep(change: Uint8Array): void {
    this.#leader?.kept.keep(change);
    this.#leader?.news(change);
  }

  change(change: Uint8Array): void {
    if (this.#leader !== undefined) {
      this.#leader.change(change);
      return;
    }
    const number = this.#held.add(change);
    this.#send(number);
  }

  /** Waits for a leader to have what was changed here, for a while. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const patience = AbortSignal.timeout(CLOSE_WAIT_MS);
    await this.#waiters.until(() => this.#leader !== undefined || !this.#held.any, patience).catch(() => undefined);
    this.#giveUp.abort();
    this.#closed.abort(new ClientError('closed', 'the document was closed'));
    await this.#holding;
    this.#left = true;
    this.#channel.close();
    this.#calls.close();
    this.#setReport({ status: 'closed', error: null, unsynced: this.#held.any, synced: false });
  }

  #queue(): Promise<void> {
    const { ground, name, failed } = this.#options;
    return leadInTurn({
      locks: ground.locks,
      name: `sealrelay/${name}`,
      signal: this.#giveUp.signal,
      lead: () => this.#lead(),
      failed: (cause) => {
        failed(cause instanceof ClientError ? cause : new ClientError('internal', 'the document could not be opened', { cause }));
        if (!this.#isOpen) throw cause;
      },
    });
  }

  async #lead(): Promise<void> {
    const { ground: _ground, name: _name, openStorage, ...options } = this.#options;
    const storage = await openStorage();
    try {
      const kept = await openKeptDocument({ ...options, storage, offline: true });
      await this.#leadWith(kept);
    } finally {
      storage.close();
    }
  }

  async #leadWith(kept: Awaited<ReturnType<typeof openKeptDocument>>): Promise<void> {
    const { document, failed } = this.#options;
    // No await until the leader is there: what is changed meanwhile would be held by nobody.
    const own = this.#held.takeAll().map(({ number, change }) => kept.changeOfTab(this.#id, number, change));
    this.#term = undefined;
    this.#leader = new Leader({
      kept,
      port: document,
      term: this.#id,
      post: (message) => this.#post(message),
      heard: (message) => this.#ephemeral.hear(message),
      listening: () => this.#ephemeral.listening(),
      reported: (report) => this.#setReport(report),
      failed: (cause) => this.#events.emit('error', cause),
    });
    Promise.all(own).catch((cause: unknown) => failed(new ClientError('storage_failed', 'the storage of this device failed', { cause })));
    if (this.#wish !== undefined) this.#leader.wish(this.#wish);
    this.#asks.again();
    this.#setReport(this.#leader.report);
    this.#calls.lead(kept.space);
    this.#gotSpace(kept.space);
    this.#opened();
    await this.#waiters.until(() => false, this.#closed.signal).catch(() => undefined);
    this.#calls.lead(undefined);
    this.#leader.end();
    this.#leader = undefined;
    await kept.close();
  }

  #take(message: TabMessage): void {
    if (this.#closed.signal.aborted) return;
    if (message.kind === 'say') this.#ephemeral.hear({ device: '', payload: message.payload, time: Date.now() });
    if (message.kind === 'wish') this.#wish = message.online;
    if (this.#leader === undefined) this.#follow(message);
    else this.#leader.take(message);
  }

  #follow(message: TabMessage): void {
    if (message.kind === 'leading') this.#ask();
    else if (message.kind === 'state' && message.to === this.#id && message.ask === this.#asked) this.#begin(message.term, message.state, message.report);
    else if (message.kind === 'heard') this.#ephemeral.hear(message);
    else if (message.kind === 'listening') this.#ephemeral.listening();
    else if (message.kind === 'error') this.#events.emit('error', heardError(message.error));
    else if ('term' in message && message.term === this.#term) this.#ofLeader(message);
  }

  #ask(): void {
    this.#asked += 1;
    this.#post({ kind: 'hello', from: this.#id, ask: this.#asked });
  }

  #begin(term: string, state: Uint8Array, report: Report): void {
    this.#term = term;
    this.#apply(state);
    for (const { number } of this.#held.all()) this.#send(number);
    this.#asks.again();
    this.#setReport(report);
    this.#opened();
  }

  #ofLeader(message: TabMessage): void {
    if (message.kind === 'news') this.#apply(message.change);
    else if (message.kind === 'report') this.#setReport(message.report);
    else if (message.kind === 'synced' && message.to === this.#id) this.#synced(message.number);
    else if (message.kind === 'kept' && message.to === this.#id) {
      this.#held.kept(message.number);
      this.#moved();
    }
  }

  #askSynced(number: number): void {
    if (this.#leader !== undefined) this.#leader.kept.whenSynced().then(() => this.#synced(number), () => undefined);
    else if (this.#term !== undefined) this.#post({ kind: 'sync', term: this.#term, from: this.#id, number });
  }

  #synced(number: number): void {
    this.#asks.end(number);
    this.#moved();
  }

  #apply(change: Uint8Array): void {
    try {
      this.#options.document.apply(change);
    } catch (cause) {
      this.#options.failed(new ClientError('change_rejected', 'what another tab sent is no change of this document', { cause }));
    }
  }

  #send(number: number): void {
    const change = this.#held.get(number);
    if (this.#term !== undefined && change !== undefined) this.#post({ kind: 'change', term: this.#term, from: this.#id, number, change });
  }

  #say(payload: Uint8Array): boolean {
    this.#post({ kind: 'say', payload });
    return this.#leader === undefined ? this.#term !== undefined : this.#leader.kept.ephemeral.send(payload);
  }

  #wishFor(online: boolean): void {
    this.#wish = online;
    this.#post({ kind: 'wish', online });
    this.#leader?.wish(online);
  }

  #post(message: TabMessage): void {
    if (!this.#left) this.#channel.post(message);
  }

  #setReport(report: Report): void {
    const before = this.#report;
    this.#report = report;
    if (report.status !== before.status) this.#events.emit('status', this.status);
    this.#moved();
  }

  #moved(): void {
    this.#waiters.wake();
    this.#events.emit('progress', undefined);
  }
}
