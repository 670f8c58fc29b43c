/*
 * Takes a space that tabs share to another region when a user asks for it, in any of them. The tab that leads does it, by a SpaceMover; a
 * move in whose midst it ends is begun again by the next one, because every tab was told of it.
 */
import { AddressError, parseRelayAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/hex.js';
import { ClientError } from '../client-error.js';
import type { LiveSpace } from '../live/index.js';
import { heardError, toldError } from '../tabs/tab-channel.js';
import type { ToldError } from '../tabs/tab-channel.js';
import type { LedTabs, TabRegions } from '../tabs/tab-regions.js';
import type { TabSpace } from '../tabs/tab-space.js';
import { Waiters } from '../tabs/waiters.js';
import type { RegionMove, RegionMover, RegionSwitchStep } from './region-client.js';
import type { Region } from './region-list.js';
import { SpaceMover } from './space-mover.js';
import type { SpaceMoverOptions } from './space-mover.js';

/** As of a SpaceMover; the tabs open the space. */
export interface TabMoverOptions extends Pick<SpaceMoverOptions, 'timeoutMs' | 'environment'> {
  /** The address of each region's relay, with its key, by the id of the region: that where the space was made too. */
  readonly relays: Readonly<Record<string, string>>;
}

const ID_BYTES = 8;
/** Moves of one tab that wait for each other. */
const MOVES_WAITING_MAX = 16;
const NO_WAY_BACK: ToldError = { code: 'closed', message: 'the space could not be opened again where it was', temporary: true, hint: null };

/** A move that some tab asked for. */
interface Asked {
  readonly id: string;
  readonly region: Region;
}

interface Told {
  /** Where the space is. */
  readonly relay: string;
  readonly moving: (Asked & { readonly from: string; readonly step: RegionSwitchStep }) | null;
  /** What became of the last move. */
  readonly last: { readonly id: string; readonly move: RegionMove | null; readonly error: ToldError | null } | null;
}

interface Waiting extends Asked {
  readonly step: (step: RegionSwitchStep) => void;
  readonly resolve: (move: RegionMove) => void;
  readonly reject: (cause: ClientError) => void;
}

/** Takes a space that tabs share to the relay of another region, whichever tab is asked: the option `regions` of openSpaceInTabs, and the `mover` of a RegionClient in each tab. */
export class TabMover implements RegionMover, TabRegions {
  readonly parts = [];
  readonly hasUnsyncedChanges = false;
  readonly #options: TabMoverOptions;
  /** What names a relay, whatever host it is at. */
  readonly #keys: ReadonlyMap<string, string>;
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Map<string, Waiting>();
  #isUsed = false;
  #ask: (asked: Asked) => void = () => undefined;
  #told: Told | undefined;
  #step = '';
  /** In the tab that leads. */
  #led: ((asked: Asked) => void) | undefined;

  /** Throws `bad_address`. */
  constructor(options: TabMoverOptions) {
    this.#options = options;
    this.#keys = new Map(Object.entries(options.relays).map(([id, relay]) => [id, keyOf(relay)]));
  }

  /** The address of the relay where the space is; null before it is known. */
  get relay(): string | null {
    return this.#told?.relay ?? null;
  }

  /** Whether the space is in that region now. */
  isAt(region: Region): boolean {
    return this.relay !== null && this.#keys.get(region.id) === keyOf(this.relay);
  }

  /** Calls the listener when the space came to another relay, or is on its way; the returned function ends it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  };

  /** Behind a move that is under way. Rejects with `region_unreachable`, and then the space is where it was, or `region_busy` or `closed`. */
  move(region: Region, step: (step: RegionSwitchStep) => void): Promise<RegionMove> {
    return new Promise((resolve, reject) => {
      if (!this.#isUsed) throw new ClientError('closed', 'no tab has the space open');
      if (this.#waiting.size >= MOVES_WAITING_MAX) throw new ClientError('region_busy', 'too many changes of region wait', { temporary: true });
      const asked = { id: toHex(crypto.getRandomValues(new Uint8Array(ID_BYTES))), region };
      this.#waiting.set(asked.id, { ...asked, step, resolve, reject });
      this.#look();
    });
  }

  /** The next five are for the tabs. */
  get told(): unknown {
    return this.#told;
  }

  attach(tab: TabSpace | null, ask: (what: unknown) => void = () => undefined): void {
    if (tab !== null && this.#isUsed) throw new ClientError('bad_option', 'each space in tabs needs a TabMover of its own');
    this.#isUsed = tab !== null;
    this.#ask = ask;
    this.#told = undefined;
    for (const { reject } of this.#waiting.values()) reject(new ClientError('closed', 'the space was closed'));
    this.#waiting.clear();
  }

  hear(told: unknown): void {
    // A tab with an older app may lead, and tell nothing.
    if (told === undefined) return;
    this.#told = told as Told;
    this.#look();
  }

  asked(what: unknown): void {
    this.#led?.(what as Asked);
  }

  async lead({ storage, open, pause, changed, signal }: LedTabs): Promise<void> {
    const begun = this.#told?.moving ?? null;
    let space: LiveSpace | undefined;
    const opened = async (relay?: string): Promise<LiveSpace> => {
      // The way back of a move that this tab does not finish.
      signal.throwIfAborted();
      space = await open(relay);
      if (signal.aborted) await space.close();
      return space;
    };
    const tell = (told: Partial<Told>): void => {
      this.#told = { relay: space?.relay ?? '', moving: null, last: null, ...this.#told, ...told };
      changed();
    };
    // Where it was taken to, and not where the link of the app says.
    const first = begun === null ? await opened(this.#newest((await storage.load())?.relay)) : null;
    const relayOf = ({ id }: Region): string | undefined => this.#options.relays[id];
    const mover = new SpaceMover({ ...this.#options, relayOf, space: first, relay: first?.relay ?? begun?.from ?? '', open: opened });
    mover.subscribe(() => mover.getSnapshot() === null && pause());
    const moved = async (asked: Asked, from: string): Promise<void> => {
      const step = (now: RegionSwitchStep): void => tell({ moving: { ...asked, from, step: now } });
      const last = await mover.move(asked.region, step).then((move) => ({ id: asked.id, move, error: null }), (cause: unknown) => ({ id: asked.id, move: null, error: toldError(cause as ClientError) }));
      // Whoever leads next finishes it.
      if (signal.aborted) return;
      tell({ relay: space?.relay ?? from, moving: null, last });
      if (mover.getSnapshot() === null) over.abort(heardError(last.error ?? NO_WAY_BACK));
    };
    const over = new AbortController();
    let work = begun === null ? undefined : moved(begun, begun.from);
    this.#led = (asked) => {
      // What is under way is answered for by its end; the others ask again then.
      if (this.#told?.moving !== null || asked.id === this.#told.last?.id || signal.aborted) return;
      work = moved(asked, this.#told.relay);
    };
    if (begun === null) tell({ relay: space?.relay ?? '' });
    const either = AbortSignal.any([signal, over.signal]);
    await new Waiters().until(() => false, either).catch(() => undefined);
    this.#led = undefined;
    await space?.close();
    await work;
    // The storage is let go of, and the tab tries again to lead.
    over.signal.throwIfAborted();
  }

  /** The address as the app has it now, of a relay that may have gone to another host. */
  #newest(relay: string | undefined): string | undefined {
    const key = relay === undefined ? undefined : keyOf(relay);
    const id = [...this.#keys].find(([, known]) => known === key)?.[0];
    return id === undefined ? relay : this.#options.relays[id];
  }

  // What becomes of what this tab asked for; asked again whenever it may have got lost with the tab that led.
  #look(): void {
    const { moving = null, last = null } = this.#told ?? {};
    const before = this.#step;
    this.#step = moving?.step ?? '';
    for (const asked of this.#waiting.values()) {
      const { id, region, step, resolve, reject } = asked;
      if (moving?.id === id && moving.step !== before) step(moving.step);
      if (last?.id === id) {
        this.#waiting.delete(id);
        if (last.move !== null) resolve(last.move);
        else reject(heardError(last.error ?? NO_WAY_BACK));
      } else if (moving === null) {
        if (this.#led === undefined) this.#ask({ id, region });
        else this.#led({ id, region });
      }
    }
    for (const listener of [...this.#listeners]) listener();
  }
}

function keyOf(relay: string): string {
  try {
    return toHex(parseRelayAddress(relay).logId);
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ClientError('bad_address', cause.message, { cause, hint: 'Each region needs the address of its relay, with its key.' });
  }
}
