/*
 * What an app calls: push, pull and health as it knows them, with the relay behind it. Everything is sealed before it leaves the app and before
 * it touches a disk. What push() is given is durable on this device when it answers, and `accepted` when a relay has it on disk.
 */
import { ClientError } from '../client-error.js';
import { Emitter } from '../emitter.js';
import { environmentWith } from '../environment.js';
import type { Environment } from '../environment.js';
import { MemoryJournal } from '../store/journal.js';
import type { Journal } from '../store/journal.js';
import { ChangeQueue } from './change-queue.js';
import type { Queued, QueueLimits } from './change-queue.js';
import { ChangeMirror } from './change-mirror.js';
import { ChangeSealing, whyUnfit } from './change-sealing.js';
import type { SyncKey } from './change-sealing.js';
import { ChangeSender } from './change-sender.js';
import { ACK_IDS_MAX, PUSH_WAIT_MS } from './limits.js';
import { offlineStats } from './offline-stats.js';
import type { MockStats } from './offline-stats.js';
import { cursorAfter, pullFrom } from './pull-marks.js';
import { RelayClient } from './relay-client.js';
import type { RelayClientEvents, RelayClientOptions } from './relay-client.js';
import { closedError, optionError } from './sync-errors.js';
import { Settlements } from './settlements.js';
import type { Settlement } from './settlements.js';
import { SYNC_PROTOCOL_VERSION, parsePullAnswer } from './wire.js';
import type { SyncAckMessage, SyncChange, SyncPullRequest, SyncPullResponse, SyncPushRequest, SyncPushResponse } from './wire.js';

export interface SyncApiOptions extends Omit<RelayClientOptions, 'token'> {
  /** 32 secret bytes that all devices of the user have, or the link of a space they share. */
  readonly key: SyncKey;
  /** Instead of the token that follows from the key. */
  readonly token?: string;
  /** Keeps the queue over restarts: the journal of a device store. Absent: it lasts as long as the process. */
  readonly journal?: Journal;
  /** False: nothing leaves the device; pushes wait in the queue. See isRelayEnabled(). */
  readonly enabled?: boolean;
  /** Lets a relay see which changes are of the same entity; only one in strict mode needs it. */
  readonly compareEntities?: boolean;
  /** The relays share one store, so that what one has all have. Absent: each has its own, and every change is brought to all of them. */
  readonly relaysShareStore?: boolean;
  /** How much the queue holds; absent: what limits.ts says. */
  readonly queueLimits?: Partial<QueueLimits>;
  /** How long push() waits for the relay, in milliseconds. */
  readonly pushWaitMs?: number;
}

/** An answer to a push, as the original's and with what it could not say. */
export interface SyncApiPushResponse extends SyncPushResponse {
  /** Durable on this device only, and on the way; push them again, or not: both is fine. */
  queued: string[];
  /** Who has what is accepted: `device` while the relay is off. */
  stored_by: 'relay' | 'device';
}

/** Events by name. */
export interface SyncApiEvents extends RelayClientEvents {
  /** A relay has these on disk. */
  accepted: { readonly ids: readonly string[] };
  /** No relay will take it. */
  rejected: { readonly id: string; readonly reason: string };
  /** What the relay showed was not made with this key, or is not shown as what it is. */
  unreadable: { readonly error: Error };
  /** Nothing could be sent; it is tried again. */
  failed: { readonly error: ClientError };
}

/** Push, pull and health as an app knows them; everything is sealed before it leaves the app. */
export class SyncApi<Change extends SyncChange = SyncChange> {
  readonly client: RelayClient;
  readonly #sealing: ChangeSealing;
  readonly #queue: ChangeQueue;
  readonly #sender: ChangeSender;
  readonly #mirror: ChangeMirror;
  readonly #environment: Environment;
  readonly #events = new Emitter<SyncApiEvents>(() => undefined);
  readonly #settlements = new Settlements();
  readonly #pushWaitMs: number;
  readonly #ready: Promise<void>;
  #keeping: Promise<unknown> = Promise.resolve();
  #enabled: boolean;
  #closed = false;
  #listeningAs: string | null = null;

  constructor(options: SyncApiOptions) {
    const { key, compareEntities = false, journal = new MemoryJournal(), enabled = true, pushWaitMs = PUSH_WAIT_MS } = options;
    this.#environment = environmentWith(options.environment);
    this.#sealing = new ChangeSealing(key, compareEntities);
    this.client = new RelayClient({ ...options, token: options.token ?? this.#sealing.bearer });
    this.#queue = new ChangeQueue(journal, options.queueLimits);
    this.#enabled = enabled;
    this.#pushWaitMs = pushWaitMs;
    const needing = (): readonly string[] => (options.relaysShareStore === true ? [] : this.client.endpoints);
    const parts = { client: this.client, queue: this.#queue, environment: this.#environment, isOn: () => this.#enabled, needing };
    this.#mirror = new ChangeMirror(parts);
    this.#sender = new ChangeSender({
      ...parts,
      duplicateIsStored: !compareEntities,
      events: { stored: (changes) => this.#stored(changes), rejected: (change, reason) => this.#rejected(change, reason), failed: (error) => this.#failed(error) },
    });
    // Whoever calls hears of it; until then it is nobody's unhandled rejection.
    this.#ready = this.#load();
    this.#ready.catch(() => undefined);
  }

  /** Calls the listener for every event of that name; the returned function ends it. */
  on<K extends keyof SyncApiEvents>(name: K, listener: (event: SyncApiEvents[K]) => void): () => void {
    return isOwnEvent(name) ? this.#events.on(name, listener) : this.client.on(name as keyof RelayClientEvents, listener as (event: RelayClientEvents[keyof RelayClientEvents]) => void);
  }

  /** Changes that no relay has yet. */
  get pending(): number {
    return this.#queue.waiting;
  }

  /** Seals and keeps the changes, and waits a while for a relay to have them. Pushed again, a change is the same change. */
  async push(request: SyncPushRequest<Change>): Promise<SyncApiPushResponse> {
    await this.#open(request);
    const rejected: { id: string; reason: string }[] = [];
    // The sender may be faster than this is: it is listened to before anything is in the queue.
    const settlement = this.#settlements.begin();
    try {
      // One after the other, so that the queue has the order of the calls.
      const keeping = this.#keeping.then(() => this.#keep(request, rejected, settlement));
      this.#keeping = keeping.catch(() => undefined);
      const taken = await keeping;
      if (!this.#enabled) return this.#answer(idsOf(taken.values()), rejected, [], 'device');
      const waiting = settlement.wait(this.#pushWaitMs, this.#environment);
      if (!this.#sender.kick()) this.#settlements.giveUp();
      await waiting;
      const [accepted, queued]: [SyncChange[], SyncChange[]] = [[], []];
      for (const [token, change] of taken) {
        const reason = settlement.refused.get(token);
        if (reason !== undefined) rejected.push({ id: change.id, reason });
        else (settlement.open.has(token) ? queued : accepted).push(change);
      }
      return this.#answer(idsOf(accepted), rejected, idsOf(queued), 'relay');
    } finally {
      settlement.end();
    }
  }

  /** Changes of other devices. Each comes at least once: asked since an earlier time, the same again. */
  async pull(request: SyncPullRequest): Promise<SyncPullResponse<Change>> {
    await this.#open(request);
    if (!this.#enabled) return { protocol_version: SYNC_PROTOCOL_VERSION, changes: [], has_more: false, timestamp: this.#environment.now() };
    const from = this.#queue.marks.since(request.since_timestamp);
    const device_id = this.#sealing.deviceToken(request.device_id);
    const bodyFor = (endpoint: string): unknown => ({ protocol_version: SYNC_PROTOCOL_VERSION, device_id, sync_vector: {}, ...pullFrom(from[endpoint]) });
    const { endpoint, answer } = await this.client.exchange('/sync/pull', bodyFor, parsePullAnswer);
    const page = parsePullAnswer(answer);
    const changes = await this.#openAll(page.changes);
    const timestamp = this.#environment.now();
    await this.#queue.mark(from, endpoint, cursorAfter(page, from[endpoint]), timestamp);
    this.#mirror.kick();
    return { protocol_version: SYNC_PROTOCOL_VERSION, changes, has_more: page.has_more, timestamp };
  }

  /** Whether the relay in use is there and well. */
  async health(): Promise<{ status: 'ok' | 'error'; timestamp: number }> {
    const timestamp = this.#environment.now();
    if (!this.#enabled) return { status: 'ok', timestamp };
    const status = await this.client.health().then(({ status }) => status, () => 'error' as const);
    return { status: status === 'error' ? 'error' : 'ok', timestamp };
  }

  /** Tells the relay which changes this device holds. */
  async acknowledge({ device_id, acknowledged_ids, ...rest }: SyncAckMessage): Promise<void> {
    await this.#open({ device_id });
    const ids = acknowledged_ids.map((id) => this.#sealing.idToken(id));
    for (let at = 0; at < ids.length; at += ACK_IDS_MAX) {
      await this.client.acknowledge({ ...rest, device_id: this.#sealing.deviceToken(device_id), acknowledged_ids: ids.slice(at, at + ACK_IDS_MAX) });
    }
  }

  /** Declares all devices of the user: what all of them acknowledged goes from the relay. */
  declareDevices(devices: readonly string[]): Promise<void> {
    return this.client.declareDevices(devices.map((device) => this.#sealing.deviceToken(device)));
  }

  /** Listens for news of other devices: `on('sync_available', …)`. */
  connect(deviceId: string): void {
    this.#listeningAs = this.#sealing.deviceToken(deviceId);
    if (this.#enabled) this.client.connect(this.#listeningAs);
  }

  /** True: nothing leaves the device from now on. False: what waits is sent. */
  setUseMock(useMock: boolean): void {
    this.#enabled = !useMock;
    if (useMock) return this.client.disconnect();
    if (this.#listeningAs !== null) this.client.connect(this.#listeningAs);
    this.#sender.kick();
    this.#mirror.kick();
  }

  /** What waits while the relay is off. */
  getMockStats(): MockStats {
    if (this.#enabled) throw optionError('the relay is in use');
    return offlineStats(this.#waiting());
  }

  /** Forgets what waits while the relay is off: for tests, for it is lost. */
  clearMock(): void {
    if (this.#enabled) throw optionError('the relay is in use');
    this.#queue.drop(this.#waiting().map(({ change }) => change.id)).catch((cause: unknown) => this.#failed(new ClientError('storage_failed', 'the queue could not be stored', { cause })));
  }

  /** Ends everything; what waits is in the journal, which another one may use then. */
  async close(): Promise<void> {
    this.#closed = true;
    this.client.close();
    this.#settlements.giveUp();
    await Promise.all([this.#ready.catch(() => undefined), this.#sender.close(), this.#mirror.close()]);
    await this.#queue.close();
  }

  async #load(): Promise<void> {
    await this.#queue.load();
    for (const { change } of this.#queue.all) {
      const opened = await this.#sealing.open(change).catch(() => null);
      if (opened !== null) this.#queue.label(change.id, { id: opened.id, type: opened.entity_type, device: opened.device_id });
    }
    this.#sender.kick();
    this.#mirror.kick();
  }

  async #open({ device_id }: { readonly device_id: string }): Promise<void> {
    if (this.#closed) throw closedError();
    if (typeof device_id !== 'string' || device_id === '') throw optionError('device_id is missing');
    await this.#ready;
  }

  #waiting(): readonly Queued[] {
    return this.#queue.all.filter(({ storedBy }) => storedBy.size === 0);
  }

  /** The changes that are in the queue now, durable, by their tokens. */
  async #keep({ device_id, changes }: SyncPushRequest<Change>, rejected: { id: string; reason: string }[], settlement: Settlement): Promise<ReadonlyMap<string, SyncChange>> {
    const taken = new Map<string, SyncChange>();
    const fresh = new Map<string, SyncChange>();
    for (const change of changes) {
      const unfit = whyUnfit(change);
      const sealed = unfit === null ? await this.#sealing.seal({ ...change, device_id }) : null;
      const reason = sealed === null ? unfit : this.#whyNot(sealed, fresh);
      if (reason !== null || sealed === null) {
        rejected.push({ id: typeof change.id === 'string' && change.id !== '' ? change.id : 'unknown', reason: reason ?? '' });
        continue;
      }
      const queued = this.#queue.find(sealed.id);
      if (queued === undefined) fresh.set(sealed.id, sealed);
      if (queued === undefined || queued.storedBy.size === 0) settlement.open.add(sealed.id);
      taken.set(sealed.id, change);
    }
    if (fresh.size > 0) await this.#queue.add(this.#sealing.deviceToken(device_id), [...fresh.values()]);
    for (const [token, { id, entity_type: type }] of taken) this.#queue.label(token, { id, type, device: device_id });
    return taken;
  }

  /** Why a change cannot be taken beside those that are; null: it can. */
  #whyNot(sealed: SyncChange, fresh: ReadonlyMap<string, SyncChange>): string | null {
    const known = this.#queue.find(sealed.id)?.change ?? fresh.get(sealed.id);
    if (known !== undefined) return known.encrypted_payload === sealed.encrypted_payload ? null : 'Duplicate or outdated change';
    return this.#queue.hasRoomFor([...fresh.values(), sealed]) ? null : 'outbox_full';
  }

  #answer(accepted: string[], rejected: { id: string; reason: string }[], queued: string[], stored_by: 'relay' | 'device'): SyncApiPushResponse {
    return { protocol_version: SYNC_PROTOCOL_VERSION, success: rejected.length + queued.length === 0, accepted, rejected, queued, stored_by, timestamp: this.#environment.now() };
  }

  async #openAll(shown: readonly SyncChange[]): Promise<Change[]> {
    const opened: Change[] = [];
    for (const change of shown) {
      try {
        // Which words an app has for types and operations is its own affair; its devices made them.
        opened.push((await this.#sealing.open(change)) as SyncChange as Change);
      } catch (cause) {
        this.#events.emit('unreadable', { error: cause as Error });
      }
    }
    return opened;
  }

  #stored(changes: readonly Queued[]): void {
    this.#settlements.stored(changes.map(({ change }) => change.id));
    this.#mirror.kick();
    this.#events.emit('accepted', { ids: changes.map(appIdOf) });
  }

  #rejected(change: Queued, reason: string): void {
    this.#settlements.refused(change.change.id, reason);
    this.#events.emit('rejected', { id: appIdOf(change), reason });
  }

  #failed(error: ClientError): void {
    this.#settlements.giveUp();
    this.#events.emit('failed', { error });
  }
}

const OWN_EVENTS: readonly string[] = ['accepted', 'rejected', 'unreadable', 'failed'];

function isOwnEvent(name: string): boolean {
  return OWN_EVENTS.includes(name);
}

function idsOf(changes: Iterable<SyncChange>): string[] {
  return Array.from(changes, ({ id }) => id);
}

function appIdOf({ label, change }: Queued): string {
  return label?.id ?? change.id;
}
