/*
 * The regions of a relay, as a store that user interfaces subscribe to: which there are, how near each is, which one to take, which one
 * the user chose, and the way to another one. It never changes the region by itself: the log of a space lives at one relay, and devices
 * that went to different ones would not see each other.
 */
import { ClientError } from '../client-error.js';
import { REGION_PROBE_FRESH_MS, REGION_PROBES_AT_ONCE } from '../limits.js';
import { bestRegion } from './best-region.js';
import { fetchRegions } from './region-list.js';
import type { Region } from './region-list.js';
import { probeRegion } from './region-probe.js';
import type { Probe } from './region-probe.js';
import { MemoryRegionStorage } from './region-storage.js';
import type { RegionMemory, RegionStorage } from './region-storage.js';
import { steadyClock } from './timed-fetch.js';
import type { Surroundings } from './timed-fetch.js';

/** A region with what this device found out about it. */
export interface MeasuredRegion extends Region {
  /** Median of some round trips in milliseconds; null when it is not known. */
  readonly latencyMs: number | null;
}

/** `pausing`: what is pushed stays here; `connecting`: the other relay is called; `resuming`: its log is compared with what this device knows. */
export type RegionSwitchStep = 'pausing' | 'connecting' | 'resuming';

/** Where a change of region led. */
export interface RegionMove {
  /** Whether the log there was found to hold exactly what this device knew; what it lacks is pushed again. */
  readonly verified: boolean;
}

/** Takes the space of a device to the relay of a region, or leaves it where it was and rejects. */
export interface RegionMover {
  move(region: Region, step: (step: RegionSwitchStep) => void): Promise<RegionMove>;
  /** Whether the space is in that region now, whoever took it there. */
  isAt?(region: Region): boolean;
  /** Calls the listener when that may have changed. */
  subscribe?(listener: () => void): () => void;
}

export interface RegionsState {
  /** `failed`: there is no list, neither from the relay nor from an earlier time. */
  readonly phase: 'idle' | 'loading' | 'ready' | 'failed';
  readonly regions: readonly MeasuredRegion[];
  /** The region in use, if it is known. */
  readonly currentId: string | null;
  readonly suggestedId: string | null;
  /** The region the user chose; null: the nearest is fine. */
  readonly choiceId: string | null;
  /** Whether switchTo() takes the space along. */
  readonly canMove: boolean;
  readonly switching: { readonly to: string; readonly step: RegionSwitchStep } | null;
  /** The last change of region of this process. */
  readonly moved: (RegionMove & { readonly to: string }) | null;
  readonly error: ClientError | null;
}

export interface RegionClientOptions {
  /** Base URL of a relay that lists the regions, for example `https://relay.example`. */
  readonly origin: string;
  /** The region in use. */
  readonly current?: string | null;
  readonly storage?: RegionStorage;
  readonly mover?: RegionMover;
  readonly fetch?: typeof globalThis.fetch;
  /** A clock that does not jump, and timers; the platform's own when absent. */
  readonly environment?: Partial<Pick<Surroundings, 'now' | 'after'>>;
}

interface KnownProbe extends Probe {
  readonly endpoint: string;
  readonly at: number;
}

/** The regions of a relay: reads the list, measures, suggests the nearest, and remembers what was chosen. A store that a user interface can show. */
export class RegionClient {
  readonly #origin: string;
  readonly #surroundings: Surroundings;
  readonly #storage: RegionStorage;
  readonly #mover: RegionMover | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #probes = new Map<string, KnownProbe>();
  #listed: readonly Region[] = [];
  #memory: Promise<RegionMemory | null> | undefined;
  #refreshing: Promise<void> | undefined;
  #state: RegionsState;

  constructor(options: RegionClientOptions) {
    const { origin, storage, mover, fetch = (...args) => globalThis.fetch(...args), environment } = options;
    this.#origin = origin;
    this.#storage = storage ?? new MemoryRegionStorage();
    this.#mover = mover;
    this.#surroundings = { ...steadyClock(environment), fetch };
    this.#state = {
      phase: 'idle',
      regions: [],
      currentId: options.current ?? null,
      suggestedId: null,
      choiceId: null,
      canMove: mover !== undefined,
      switching: null,
      moved: null,
      error: null,
    };
    if (mover?.isAt !== undefined) mover.subscribe?.(() => this.#show({}));
  }

  /** Calls the listener after each change; the returned function ends it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  };

  /** The state of now; the same object until something changes. */
  readonly getSnapshot = (): RegionsState => this.#state;

  /** Reads the list and measures what was not measured in the last five minutes, or everything. Failures are in the state. */
  refresh({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    if (force) this.#probes.clear();
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Remembers the region the user wants, without going there; null: the nearest. Throws `unknown_region`. */
  async choose(id: string | null): Promise<void> {
    await this.#remembered();
    if (id !== null) this.#regionOf(id);
    this.#change({ choiceId: id });
    await this.#save();
  }

  /** Chooses a region and takes the space there. Throws `unknown_region`, `region_busy` or `region_unreachable`; then the space is where it was. */
  async switchTo(id: string): Promise<void> {
    const region = this.#regionOf(id);
    if (this.#state.switching !== null) throw new ClientError('region_busy', 'a change of region is under way', { temporary: true });
    const mover = this.#mover;
    if (mover === undefined || id === this.#state.currentId) return this.choose(id);
    this.#change({ switching: { to: id, step: 'pausing' }, moved: null, error: null });
    try {
      if (region.endpoint === '') throw new ClientError('region_unreachable', 'the region has no relay');
      const move = await mover.move(region, (step) => this.#change({ switching: { to: id, step } }));
      this.#change({ currentId: id, switching: null, moved: { ...move, to: id } });
    } catch (cause) {
      const error = cause instanceof ClientError ? cause : new ClientError('region_unreachable', 'the space could not be opened in the region', { cause });
      this.#change({ switching: null, error });
      throw error;
    }
    await this.choose(id);
  }

  async #refresh(): Promise<void> {
    const kept = await this.#remembered();
    if (this.#state.phase !== 'ready') this.#change({ phase: 'loading' });
    try {
      this.#listed = await fetchRegions(this.#origin, this.#surroundings);
      this.#show({ phase: 'ready', error: null });
      await this.#save();
    } catch (cause) {
      const error = cause instanceof ClientError ? cause : new ClientError('internal', 'the regions could not be kept', { cause });
      if (this.#listed.length === 0) this.#listed = (kept?.regions ?? []).map((region) => ({ ...region, status: 'unknown' }));
      this.#show({ phase: this.#listed.length > 0 ? 'ready' : 'failed', error });
    }
    await this.#measure();
  }

  async #measure(): Promise<void> {
    const oldest = this.#surroundings.now() - REGION_PROBE_FRESH_MS;
    const due = this.#listed.filter(({ id, endpoint }) => {
      const known = this.#probes.get(id);
      return endpoint !== '' && (known === undefined || known.endpoint !== endpoint || known.at < oldest);
    });
    const next = async (): Promise<void> => {
      for (let region = due.shift(); region !== undefined; region = due.shift()) {
        const { id, endpoint } = region;
        this.#probes.set(id, { ...(await probeRegion(endpoint, this.#surroundings)), endpoint, at: this.#surroundings.now() });
        this.#show({});
      }
    };
    await Promise.all(Array.from({ length: REGION_PROBES_AT_ONCE }, next));
    // Only when all are known: a suggestion that jumps from row to row helps nobody.
    this.#change({ suggestedId: bestRegion(this.#state.regions, this.#state.suggestedId) });
  }

  #show(change: Partial<RegionsState>): void {
    const regions = this.#listed.map((region) => {
      const probe = this.#probes.get(region.id);
      if (probe === undefined || probe.endpoint !== region.endpoint) return { ...region, latencyMs: null };
      // What a relay says of its own store a probe cannot see.
      const status = probe.status === 'online' && region.status === 'degraded' ? 'degraded' : probe.status;
      return { ...region, status, latencyMs: probe.latencyMs };
    });
    const at = regions.find((region) => this.#mover?.isAt?.(region));
    this.#change({ ...change, regions, ...(at === undefined ? {} : { currentId: at.id }) });
  }

  #regionOf(id: string): Region {
    const region = this.#state.regions.find((known) => known.id === id);
    if (region === undefined) throw new ClientError('unknown_region', 'no region of the list has that id');
    return region;
  }

  /** What an earlier run left, read once. */
  #remembered(): Promise<RegionMemory | null> {
    this.#memory ??= this.#storage.load().then((memory) => {
      if (memory !== null) this.#change({ choiceId: memory.choice });
      return memory;
    });
    return this.#memory;
  }

  #save(): Promise<void> {
    return this.#storage.save({ choice: this.#state.choiceId, regions: this.#listed });
  }

  #change(change: Partial<RegionsState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}
