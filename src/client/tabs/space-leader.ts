// The tab that holds a space: pushes what the others hand to it, and tells them what comes and how things stand.
import { ClientError } from '../client-error.js';
import { WRITES_TRACKED_MAX } from '../limits.js';
import type { EphemeralMessage } from '../live/ephemeral.js';
import type { LiveSpace } from '../live/index.js';
import type { Misbehaviour } from '../misbehaviour.js';
import type { EntryEvent } from '../space/space-events.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Write } from '../sync/writes.js';
import type { About, SpaceMessage } from './space-channel.js';
import { done } from './tab-calls.js';
import { toldError } from './tab-channel.js';
import type { Report } from './tab-channel.js';
import type { TabRegions } from './tab-regions.js';

export interface SpaceLeaderParts {
  readonly space: LiveSpace;
  /** The id of this tab, and the number of the space in it. */
  readonly term: string;
  readonly regions: TabRegions | undefined;
  readonly post: (message: SpaceMessage) => void;
  readonly entry: (entry: EntryEvent) => void;
  readonly heard: (message: EphemeralMessage) => void;
  readonly listening: () => void;
  readonly reported: (report: Report) => void;
  /** What is known of the space. */
  readonly knows: (about: About) => void;
  /** A write of some tab, this one included, came further. */
  readonly moved: (write: Write) => void;
  readonly failed: (cause: ClientError) => void;
  readonly caught: (finding: Misbehaviour) => void;
}

interface Waiting {
  readonly tab: string;
  readonly number: number;
}

export class SpaceLeader {
  readonly #parts: SpaceLeaderParts;
  readonly #ends: (() => void)[] = [];
  /** Writes of other tabs whose fate is not final, and those of them that are not in the storage yet. */
  readonly #writes = new Map<Write, Waiting[]>();
  readonly #unkept = new Set<Write>();
  /** The newest number taken from each tab: what a tab sends again is not pushed again. */
  readonly #taken = new Map<string, number>();
  #pushing: Promise<void> = Promise.resolve();
  #report: Report = { status: 'offline', error: null, unsynced: false, synced: false };
  #caughtUp = false;

  constructor(parts: SpaceLeaderParts) {
    this.#parts = parts;
    const { space, post } = parts;
    this.#ends.push(
      // First its own app, which stores what it makes of it, then the others.
      space.subscribe((entry) => {
        parts.entry(entry);
        post({ kind: 'entry', entry });
      }),
      space.on('status', () => this.#statusChanged()),
      space.on('pushed', () => this.judge()),
      space.on('progress', () => this.judge()),
      space.on('write-state', (write) => this.#moved(write)),
      space.on('roster', () => this.#tellAbout()),
      space.on('devices', () => this.#tellAbout()),
      space.on('error', (error) => {
        parts.failed(error);
        post({ kind: 'error', error: toldError(error) });
      }),
      space.on('misbehaviour', (finding) => {
        parts.caught(finding);
        post({ kind: 'misbehaviour', finding });
      }),
      space.ephemeral.subscribe((message) => {
        parts.heard(message);
        post({ kind: 'heard', device: message.device, payload: message.payload, time: message.time });
      }),
      space.ephemeral.onListening(() => {
        parts.listening();
        post({ kind: 'listening' });
      }),
    );
    this.#tellAbout();
    this.#statusChanged();
    post({ kind: 'leading', term: parts.term });
  }

  get report(): Report {
    return this.#report;
  }

  /** Whether something pushed in any tab is not known to be on the relay's disk, as far as this tab has it. */
  get unsynced(): boolean {
    const { space, regions } = this.#parts;
    return space.hasUnsyncedChanges || regions?.hasUnsyncedChanges === true;
  }

  take(message: SpaceMessage): void {
    const { space, term, post, regions } = this.#parts;
    if (message.kind === 'hello') post({ kind: 'welcome', term, to: message.from, ask: message.ask, report: this.#report, about: aboutOf(space) });
    else if (message.kind === 'push' && message.term === term) this.#pushOf(message.from, message.number, message.item);
    else if (message.kind === 'call' && message.term === term) void this.#callOf(message);
    // Its tab does not know who leads.
    else if (message.kind === 'push' || message.kind === 'call') post({ kind: 'leading', term });
    else if (message.kind === 'say') space.ephemeral.send(message.payload);
    else if (message.kind === 'wish') this.wish(message.online);
    else if (message.kind === 'ask') regions?.asked?.(message.what);
  }

  wish(online: boolean): void {
    if (online) this.#parts.space.goOnline();
    else this.#parts.space.goOffline();
  }

  /** Entries up to there are in the storage. */
  kept(pushSeqs: ReadonlySet<number>): void {
    for (const write of this.#unkept) {
      if (write.pushSeq === null || !pushSeqs.has(write.pushSeq)) continue;
      this.#unkept.delete(write);
      for (const { tab, number } of this.#writes.get(write) ?? []) this.#parts.post({ kind: 'kept', term: this.#parts.term, to: tab, number });
    }
  }

  /** Tells how things stand when it changed. */
  judge(): void {
    const { space, term, post, reported, regions } = this.#parts;
    const { error, ...is } = space.status;
    // The tabs are not closed when it is: another one follows, in this tab or the next.
    const status = is.status === 'closed' ? 'offline' : is.status;
    const { unsynced } = this;
    const report = { status, error: error === null ? null : toldError(error), unsynced, synced: this.#caughtUp && status === 'online' && !unsynced, regions: regions?.told };
    if (JSON.stringify(report) === JSON.stringify(this.#report)) return;
    this.#report = report;
    post({ kind: 'report', term, report });
    reported(report);
  }

  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  /** Pushes an item behind those that wait already, once there is room. A space that closes takes nothing more: the next leader gets it. */
  push(item: Uint8Array, pushed: (write: Write) => void, refused: (error: ClientError) => void): void {
    this.#pushing = this.#pushing.then(async () => {
      const { space } = this.#parts;
      for (;;) {
        try {
          pushed(space.push(item));
          return;
        } catch (cause) {
          const error = internal(cause);
          if (error.code !== 'outbox_full' && error.code !== 'closed') refused(error);
          if (error.code !== 'outbox_full' || !(await space.whenWritable().then(() => true, () => false))) return;
        }
      }
    });
  }

  #pushOf(tab: string, number: number, item: Uint8Array): void {
    if (number <= (this.#taken.get(tab) ?? 0)) return;
    this.#taken.set(tab, number);
    const { term, post } = this.#parts;
    const refused = (error: ClientError): void => post({ kind: 'refused', term, to: tab, number, error: toldError(error) });
    const pushed = (write: Write): void => {
      this.#track(write, { tab, number });
      // What could not be stored is not kept, and its tab must not wait for it.
      write.durable('relay').catch((cause: unknown) => {
        const error = internal(cause);
        if (error.code !== 'closed') refused(error);
      });
    };
    this.push(item, pushed, refused);
  }

  async #callOf({ from: to, number, name, given }: Extract<SpaceMessage, { readonly kind: 'call' }>): Promise<void> {
    const { space, term, post } = this.#parts;
    const answer = { kind: 'answer', term, to, number } as const;
    await done(space, name, given).then(
      (result) => post({ ...answer, result, error: null }),
      (cause: unknown) => post({ ...answer, result: null, error: toldError(internal(cause)) }),
    );
  }

  #tellAbout(): void {
    const { space, term, post, knows } = this.#parts;
    const about = aboutOf(space);
    post({ kind: 'about', term, about });
    knows(about);
  }

  #track(write: Write, waiting: Waiting): void {
    this.#writes.set(write, [...(this.#writes.get(write) ?? []), waiting]);
    this.#unkept.add(write);
    const [oldest] = this.#writes.keys();
    if (this.#writes.size > WRITES_TRACKED_MAX && oldest !== undefined && !this.#unkept.has(oldest)) this.#writes.delete(oldest);
  }

  #moved(write: Write): void {
    const { space, term, post, moved } = this.#parts;
    const { state, seenBy } = write;
    for (const { tab, number } of this.#writes.get(write) ?? []) post({ kind: 'write', term, to: tab, number, state, seenBy });
    if (seenBy.length >= space.devices().length - 1 && state === 'seen') this.#writes.delete(write);
    moved(write);
    this.judge();
  }

  #statusChanged(): void {
    const { space } = this.#parts;
    this.#caughtUp = false;
    this.judge();
    if (space.status.status !== 'online') return;
    const caughtUp = (): void => {
      this.#caughtUp = space.status.status === 'online';
      this.judge();
    };
    space.whenSynced().then(caughtUp, () => undefined);
  }
}

function internal(cause: unknown): ClientError {
  return cause instanceof ClientError ? cause : new ClientError('internal', 'the call failed', { cause });
}

function aboutOf(space: LiveSpace): About {
  const { id, device, link } = space;
  return { id, device, link, devices: space.devices() };
}

/** The storage, with a word when entries of the outbox are in it. */
export function tellingKept<S extends DeviceStore>(storage: S, kept: (pushSeqs: ReadonlySet<number>) => void): DeviceStore {
  const { outbox } = storage;
  return {
    ...(storage.journal === undefined ? {} : { journal: storage.journal }),
    ...(storage.hold === undefined ? {} : { hold: storage.hold.bind(storage) }),
    load: () => storage.load(),
    save: (state) => storage.save(state),
    outbox: {
      load: () => outbox.load(),
      remove: (upToPushSeq) => outbox.remove(upToPushSeq),
      put: async (entries) => {
        await outbox.put(entries);
        kept(new Set(entries.map(({ pushSeq }) => pushSeq)));
      },
    },
  };
}
