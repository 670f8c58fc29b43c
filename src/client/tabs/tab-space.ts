/*
 * One space in many tabs of one origin: one of them holds its storage and its connection, the others speak to that one. Every tab hears every
 * entry and may push.
 *
 * Invariants: S1 storage and connection are opened only under the lock; S2 an item pushed in a tab that follows is held there until the leader
 * has it sealed in the storage, and is sent again to each new leader; S3 a leader takes each number of a tab once. So nothing is lost; an item is there twice only when the leader crashed
 * in the moment between storing it and saying so; S4 a tab follows who answered what it asked last: a word of a leader that is gone, however late, is not
 * followed.
 */
import { toHex } from '../../protocol/hex.js';
import { ClientError } from '../client-error.js';
import { Emitter } from '../emitter.js';
import type { Ephemeral } from '../live/ephemeral.js';
import type { LiveSpace } from '../live/index.js';
import type { Sponsor } from '../connection/handshake.js';
import { plainBytes } from '../plain-bytes.js';
import type { SpaceHandover } from '../space/handover.js';
import type { DeviceInfo, NewDevice } from '../space/space.js';
import type { EntryEvent, StatusEvent } from '../space/space-events.js';
import { leadInTurn } from './lead-in-turn.js';
import { leadSpace } from './lead-space.js';
import type { About, SpaceMessage } from './space-channel.js';
import type { SpaceLeader } from './space-leader.js';
import { TabCalls } from './tab-calls.js';
import type { CallName } from './tab-calls.js';
import { heardError, statusOf } from './tab-channel.js';
import type { Report, TabChannel } from './tab-channel.js';
import { TabEphemeral } from './tab-ephemeral.js';
import { tabNameOf } from './tab-space-options.js';
import type { TabSpaceEvents, TabSpaceOptions, TabSpaceParts } from './tab-space-options.js';
import { TabPushes } from './tab-pushes.js';
import type { TabWrite } from './tab-write.js';
import { Waiters } from './waiters.js';

const TAB_BYTES = 16;
/** How long a tab that is closed waits for a leader to take its last items. */
const CLOSE_WAIT_MS = 5000;

/** One space in all tabs of the origin: one device with one connection, which the tab that leads holds. */
export class TabSpace {
  readonly #options: TabSpaceOptions;
  readonly #parts: TabSpaceParts;
  readonly #name: string;
  readonly #id = toHex(crypto.getRandomValues(new Uint8Array(TAB_BYTES)));
  readonly #channel: TabChannel<SpaceMessage>;
  readonly #ephemeral: TabEphemeral;
  readonly #events: Emitter<TabSpaceEvents>;
  readonly #giveUp = new AbortController();
  readonly #closed = new AbortController();
  #leading: Promise<LiveSpace> | undefined;
  readonly #waiters = new Waiters();
  readonly #pushes = new TabPushes({
    send: (number, item) => this.#send(number, item),
    changed: (write) => this.#events.emit('write-state', write),
    moved: () => this.#moved(),
  });
  readonly #calls = new TabCalls((number, name, given) => this.#callLeader(number, name, given));
  #report: Report = { status: 'offline', error: null, unsynced: false, synced: false };
  /** Who leads, in a tab that follows. */
  #term: string | undefined;
  #asked = 0;
  #about: About = { id: '', device: '', link: null, devices: [] };
  #leader: SpaceLeader | undefined;
  #space: LiveSpace | undefined;
  #wish: boolean;
  #isOpen = false;
  #opened: () => void = () => undefined;
  #holding: Promise<void> = Promise.resolve();

  private constructor(options: TabSpaceOptions, parts: TabSpaceParts) {
    this.#options = options;
    this.#parts = parts;
    this.#name = tabNameOf(options);
    this.#wish = options.offline !== true;
    this.#events = new Emitter((cause) => this.#events.emit('error', new ClientError('internal', 'a listener of the app threw', { cause })));
    this.#ephemeral = new TabEphemeral((payload) => this.#say(payload), () => this.#report.status === 'online');
    options.regions?.attach(this, (what) => this.#channel.post({ kind: 'ask', what }));
    this.#channel = parts.ground.channel(`sealrelay/${this.#name}`);
    this.#channel.listen((message) => this.#take(message));
  }

  /** Resolves when this tab leads, or knows who does. Rejects as `openSpace` does. */
  static async open(options: TabSpaceOptions, parts: TabSpaceParts): Promise<TabSpace> {
    const tab = new TabSpace(options, parts);
    await new Promise<void>((resolve, reject) => {
      tab.#opened = () => {
        tab.#isOpen = true;
        resolve();
      };
      tab.#holding = tab.#queue().catch(reject);
      tab.#ask();
    }).catch((cause: unknown) => {
      tab.#channel.close();
      options.regions?.attach(null);
      throw cause;
    });
    return tab;
  }

  /** Of the one connection of all tabs. */
  get status(): StatusEvent {
    return statusOf(this.#report);
  }

  /** The space id in hexadecimal. */
  get id(): string {
    return this.#about.id;
  }

  /** The key of the device in hexadecimal, the same in every tab. */
  get device(): string {
    return this.#about.device;
  }

  /** The link that opens the space on another device, as of a space; null where the device came in without it. */
  get link(): string | null {
    return this.#about.link;
  }

  /** Whether something pushed in any tab is not known to be on the relay's disk. */
  get hasUnsyncedChanges(): boolean {
    return this.#pushes.anyHeld || (this.#leader?.unsynced ?? this.#report.unsynced);
  }

  /** Frames for whoever listens now, other tabs of this device included, which have the empty name. */
  get ephemeral(): Ephemeral {
    return this.#ephemeral;
  }

  /** The space itself, when this tab holds it; after a move between relays another one (the event `leading`). */
  whenLeading(): Promise<LiveSpace> {
    this.#leading ??= this.#waiters.until(() => this.#space !== undefined, AbortSignal.any([])).then(() => this.#space ?? this.whenLeading());
    return this.#leading;
  }

  /** Calls the listener for every event of that name; the returned function ends it. */
  on<K extends keyof TabSpaceEvents>(name: K, listener: (event: TabSpaceEvents[K]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Calls the listener for every entry, whichever tab reads it; of what came before the tab was open it hears nothing. */
  subscribe(listener: (entry: EntryEvent) => void): () => void {
    return this.on('entry', listener);
  }

  /** Pushes one item. Throws `outbox_full` or `closed`, and in the tab that leads what `push` of a space throws. */
  push(item: Uint8Array): TabWrite {
    this.#closed.signal.throwIfAborted();
    const write = this.#pushes.push(plainBytes(item), this.#space, this.#leader);
    this.#events.emit('pushed', write);
    return write;
  }

  /** The devices of the newest verified roster. */
  devices(): readonly DeviceInfo[] {
    return this.#about.devices;
  }

  /** As of a space; so are the next four. In a tab that does not lead they reject with `closed` when the one that leads goes meanwhile. */
  removeDevice(device: string): Promise<void> {
    return this.#calls.call(this.#space, 'removeDevice', device);
  }

  addDevice(device: NewDevice): Promise<void> {
    return this.#calls.call(this.#space, 'addDevice', device);
  }

  nameDevice(name: string): Promise<void> {
    return this.#calls.call(this.#space, 'nameDevice', name);
  }

  handover(): Promise<SpaceHandover> {
    return this.#calls.call(this.#space, 'handover');
  }

  sponsor(): Sponsor {
    return (hello, challenge) => this.#calls.call(this.#space, 'vouch', hello, challenge);
  }

  /** Of all tabs: there is one connection. */
  goOnline(): void {
    this.#wishFor(true);
  }

  /** Of all tabs. */
  goOffline(): void {
    this.#wishFor(false);
  }

  /** Resolves when everything the relay held at this call is read, whoever pushed it, and everything pushed in any tab is stored there: the relay is asked. */
  async whenSynced({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const ends = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
    await this.#calls.askAgain(() => this.#calls.call(this.#space, 'synced'), ends);
    await this.#waiters.until(() => this.#report.synced && !this.hasUnsyncedChanges, ends);
  }

  /** Waits for a leader to have what was pushed here, for a while. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    await this.#waiters.until(() => !this.#pushes.anyHeld, AbortSignal.timeout(CLOSE_WAIT_MS)).catch(() => undefined);
    this.#giveUp.abort();
    const closed = new ClientError('closed', 'the space was closed');
    this.#closed.abort(closed);
    await this.#holding;
    this.#channel.close();
    this.#pushes.fail(closed);
    this.#calls.fail(closed);
    this.#setReport({ status: 'closed', error: null, unsynced: this.#pushes.anyHeld, synced: false });
    this.#options.regions?.attach(null);
  }

  #queue(): Promise<void> {
    return leadInTurn({
      locks: this.#parts.ground.locks,
      name: `sealrelay/${this.#name}`,
      signal: this.#giveUp.signal,
      lead: () => this.#lead(),
      failed: (cause) => {
        if (!this.#isOpen) throw cause;
        this.#events.emit('error', cause instanceof ClientError ? cause : new ClientError('internal', 'the space could not be opened', { cause }));
      },
    });
  }

  #lead(): Promise<void> {
    return leadSpace({
      options: this.#options,
      platform: this.#parts,
      term: this.#id,
      signal: this.#closed.signal,
      leads: (space, leader) => this.#leads(space, leader),
      pause: () => this.#pause(),
      post: (message) => this.#channel.post(message),
      entry: (entry) => this.#events.emit('entry', entry),
      heard: (message) => this.#ephemeral.hear(message),
      listening: () => this.#ephemeral.listening(),
      reported: (report) => this.#setReport(report),
      knows: (about) => this.#knows(about),
      moved: (write) => this.#pushes.ownMoved(write),
      failed: (cause) => this.#events.emit('error', cause),
      caught: (finding) => this.#events.emit('misbehaviour', finding),
    });
  }

  #leads(space: LiveSpace, leader: SpaceLeader): void {
    this.#term = undefined;
    this.#space = space;
    this.#leader = leader;
    this.#calls.leaderIsGone();
    this.#pushes.handOver(leader);
    this.#setReport(leader.report);
    this.#opened();
    this.#events.emit('leading', space);
    // The app listens once it has the space in its hands; nothing is read before.
    setTimeout(() => this.#wish && !this.#closed.signal.aborted && this.#space === space && space.goOnline(), 0);
  }

  #pause(): void {
    this.#space = undefined;
    this.#leading = undefined;
  }

  #take(message: SpaceMessage): void {
    if (this.#closed.signal.aborted) return;
    if (message.kind === 'say') this.#ephemeral.hear({ device: '', payload: message.payload, time: Date.now() });
    if (message.kind === 'wish') this.#wish = message.online;
    // Whoever leads now: the one that read it has stored its position behind it.
    if (message.kind === 'entry') this.#events.emit('entry', message.entry);
    if (this.#leader === undefined) this.#heard(message);
    // Between two spaces what is handed to the first is not taken; it is sent again to the next.
    else if (this.#space !== undefined || message.kind === 'hello') this.#leader.take(message);
  }

  #heard(message: SpaceMessage): void {
    if (message.kind === 'leading') this.#ask();
    else if (message.kind === 'welcome') this.#begin(message);
    else if (message.kind === 'heard') this.#ephemeral.hear(message);
    else if (message.kind === 'listening') this.#ephemeral.listening();
    else if (message.kind === 'error') this.#events.emit('error', heardError(message.error));
    else if (message.kind === 'misbehaviour') this.#events.emit('misbehaviour', message.finding);
    else if ('term' in message && message.term === this.#term) this.#ofLeader(message);
  }

  #ask(): void {
    this.#asked += 1;
    this.#channel.post({ kind: 'hello', from: this.#id, ask: this.#asked });
  }

  #begin({ to, ask, term, report, about }: Extract<SpaceMessage, { readonly kind: 'welcome' }>): void {
    if (to !== this.#id || ask !== this.#asked) return;
    if (term !== this.#term) {
      this.#term = term;
      this.#calls.leaderIsGone();
      this.#pushes.handOver(undefined);
    }
    this.#knows(about);
    this.#setReport(report);
    this.#opened();
  }

  #ofLeader(message: Exclude<SpaceMessage, { readonly kind: 'hello' }>): void {
    if (message.kind === 'report') this.#setReport(message.report);
    else if (message.kind === 'about') this.#knows(message.about);
    else if (!('to' in message) || message.to !== this.#id) return;
    else if (message.kind === 'kept') this.#pushes.kept(message.number, this.#term);
    else if (message.kind === 'write') this.#pushes.told(message.number, message);
    else if (message.kind === 'answer') this.#calls.answered(message.number, message.result, message.error);
    else if (message.kind === 'refused') this.#pushes.refused(message.number, heardError(message.error));
  }

  #knows(about: About): void {
    this.#about = about;
    this.#events.emit('devices', undefined);
  }

  #send(number: number, item: Uint8Array): void {
    if (this.#term !== undefined) this.#channel.post({ kind: 'push', term: this.#term, from: this.#id, number, item });
  }

  #callLeader(number: number, name: CallName, given: readonly unknown[]): void {
    this.#closed.signal.throwIfAborted();
    if (this.#term !== undefined) this.#channel.post({ kind: 'call', term: this.#term, from: this.#id, number, name, given });
  }

  #say(payload: Uint8Array): boolean {
    this.#channel.post({ kind: 'say', payload });
    return this.#space === undefined ? this.#term !== undefined : this.#space.ephemeral.send(payload);
  }

  #wishFor(online: boolean): void {
    this.#wish = online;
    this.#channel.post({ kind: 'wish', online });
    if (this.#space !== undefined) this.#leader?.wish(online);
  }

  #setReport(report: Report): void {
    const before = this.#report;
    this.#report = report;
    this.#options.regions?.hear(report.regions);
    if (report.synced) this.#pushes.settle(this.#term);
    if (report.status !== before.status) this.#events.emit('status', this.status);
    this.#moved();
  }

  #moved(): void {
    this.#waiters.wake();
    this.#events.emit('progress', undefined);
  }
}
