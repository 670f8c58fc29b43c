// Which relay to ask: the one the user chose, else the nearest that is well; after a failure the next one, and back when the first may be well again.
import { ClientError } from '../client-error.js';
import { REGION_PROBES_AT_ONCE, REGION_PROBE_FRESH_MS, REGIONS_MAX } from '../limits.js';
import { bestRegion } from '../region/best-region.js';
import type { MeasuredRegion } from '../region/region-client.js';
import { fetchRegions } from '../region/region-list.js';
import type { Region } from '../region/region-list.js';
import { probeRegion } from '../region/region-probe.js';
import type { RegionStorage } from '../region/region-storage.js';
import type { Surroundings } from '../region/timed-fetch.js';
import { FAILED_RELAY_MS } from './limits.js';

/** A relay that an app names itself. */
export interface RelayRegion {
  readonly id: string;
  /** Base URL: `https://eu.example`. */
  readonly endpoint: string;
  readonly name?: string;
  readonly location?: string;
}

interface Known {
  readonly region: Region;
  latencyMs: number | null;
  status: Region['status'];
  /** When it failed last; null: it is not known to. */
  failedAt: number | null;
  /** Whether it is being looked at, if it is well again. */
  isLookedAt: boolean;
}

/** Relays with what is known of them. */
export class RelayChoice {
  readonly #surroundings: Surroundings;
  readonly #storage: RegionStorage;
  readonly #origin: string | null;
  #known: Known[];
  #choice: string | null;
  #nearest: string | null = null;
  #probedAt: number | null = null;
  #preparing: Promise<void> | undefined;
  #remembered: Promise<void> | undefined;

  constructor(surroundings: Surroundings, storage: RegionStorage, relays: string | readonly RelayRegion[], choice: string | null) {
    this.#surroundings = surroundings;
    this.#storage = storage;
    this.#origin = typeof relays === 'string' ? originOf(relays) : null;
    const given = typeof relays === 'string' ? [{ id: 'default', endpoint: relays }] : relays;
    if (given.length === 0 || given.length > REGIONS_MAX) throw new ClientError('bad_option', `from 1 to ${REGIONS_MAX} relays are needed`);
    this.#known = given.map(regionOf).map(unmeasured);
    this.#choice = choice;
    if (choice !== null && this.#origin === null) this.#knownOf(choice);
  }

  get regions(): readonly MeasuredRegion[] {
    return this.#known.map(({ region, latencyMs, status }) => ({ ...region, latencyMs, status }));
  }

  /** The region the user chose; null: the nearest. */
  get choice(): string | null {
    return this.#choice;
  }

  /** Origins of all relays. */
  get endpoints(): readonly string[] {
    return this.#known.map(({ region }) => region.endpoint);
  }

  /** Chooses a region, or the nearest with null. Throws `unknown_region`. */
  async choose(id: string | null): Promise<void> {
    await this.prepare();
    if (id !== null) this.#knownOf(id).failedAt = null;
    this.#choice = id;
    await this.#storage.save({ choice: id, regions: this.#known.map(({ region }) => region) });
  }

  /** Reads the list and measures. Only the first time somebody waits for it; when it is old, it is done again beside the work. */
  async prepare({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    const isFresh = this.#probedAt !== null && this.#surroundings.now() - this.#probedAt < REGION_PROBE_FRESH_MS;
    if (isFresh && !force) return;
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = undefined;
    });
    if (this.#probedAt === null || force) await this.#preparing;
    // Whoever does wait hears of a storage that fails.
    else this.#preparing.catch(() => undefined);
  }

  /** The relays in the order in which they are asked: those that failed come last, the one that failed first before the others. */
  order(): readonly Region[] {
    this.#lookAfter();
    return this.#byWish().toSorted((a, b) => (a.failedAt ?? 0) - (b.failedAt ?? 0)).map(({ region }) => region);
  }

  /** Looks whether relays that failed a while ago are well again; where another one is, no request has to find out, and wait for who says nothing. */
  #lookAfter(): void {
    const { now } = this.#surroundings;
    if (this.#known.every(({ failedAt }) => failedAt !== null)) return;
    for (const known of this.#known) {
      if (known.isLookedAt || known.failedAt === null || now() - known.failedAt < FAILED_RELAY_MS) continue;
      known.isLookedAt = true;
      void probeRegion(known.region.endpoint, this.#surroundings).then(({ status, latencyMs }) => {
        [known.isLookedAt, known.status] = [false, status];
        known.failedAt = status === 'offline' ? now() : null;
        known.latencyMs = latencyMs ?? known.latencyMs;
      });
    }
  }

  /** Whether it is the relay to ask when all are well. */
  isFirst(id: string): boolean {
    return this.#byWish()[0]?.region.id === id;
  }

  failed(id: string): void {
    for (const known of this.#known) if (known.region.id === id) known.failedAt = this.#surroundings.now();
  }

  worked(id: string): void {
    for (const known of this.#known) if (known.region.id === id) known.failedAt = null;
  }

  #byWish(): readonly Known[] {
    const rank = ({ region, latencyMs }: Known): number => (region.id === this.#choice ? -2 : region.id === this.#nearest ? -1 : (latencyMs ?? Number.MAX_SAFE_INTEGER));
    return this.#known.toSorted((a, b) => rank(a) - rank(b));
  }

  async #prepare(): Promise<void> {
    await (this.#remembered ??= this.#remember());
    if (this.#origin !== null) await this.#list(this.#origin);
    if (this.#known.length > 1) await this.#measure();
    this.#probedAt = this.#surroundings.now();
  }

  /** The choice of an earlier run, unless the app made one. */
  async #remember(): Promise<void> {
    const memory = await this.#storage.load();
    if (memory === null) return;
    this.#choice ??= memory.choice;
    if (this.#origin !== null) this.#adopt(this.#origin, memory.regions);
  }

  /** A list that cannot be had leaves what is known. */
  async #list(origin: string): Promise<void> {
    const listed = await fetchRegions(origin, this.#surroundings).catch(() => []);
    if (listed.length === 0) return;
    this.#adopt(origin, listed);
    await this.#storage.save({ choice: this.#choice, regions: listed });
  }

  #adopt(origin: string, regions: readonly Region[]): void {
    const usable = regions.filter(({ endpoint }) => endpoint !== '' && isAsSafe(endpoint, origin)).map((region) => ({ ...region, endpoint: originOf(region.endpoint) }));
    if (usable.length === 0) return;
    this.#known = usable.map((region) => this.#known.find((known) => known.region.endpoint === region.endpoint && known.region.id === region.id) ?? unmeasured(region));
  }

  async #measure(): Promise<void> {
    const due = [...this.#known];
    const next = async (): Promise<void> => {
      for (let known = due.shift(); known !== undefined; known = due.shift()) {
        const { status, latencyMs } = await probeRegion(known.region.endpoint, this.#surroundings);
        known.status = status;
        known.latencyMs = latencyMs;
        if (status === 'offline') known.failedAt = this.#surroundings.now();
      }
    };
    await Promise.all(Array.from({ length: REGION_PROBES_AT_ONCE }, next));
    this.#nearest = bestRegion(this.regions, this.#nearest);
  }

  #knownOf(id: string): Known {
    const known = this.#known.find(({ region }) => region.id === id);
    if (known === undefined) throw new ClientError('unknown_region', 'no region of the list has that id');
    return known;
  }
}

function regionOf({ id, endpoint, name = id, location = '' }: RelayRegion): Region {
  return { id, endpoint: originOf(endpoint), name, location, status: 'unknown' };
}

function unmeasured(region: Region): Known {
  return { region, latencyMs: null, status: region.status, failedAt: null, isLookedAt: false };
}

function originOf(endpoint: string): string {
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) throw new ClientError('bad_address', 'the address of a relay is an http or https URL');
  return new URL(endpoint).origin;
}

/** A list must not lead from TLS to none: the token goes where it points. */
function isAsSafe(endpoint: string, origin: string): boolean {
  return endpoint.startsWith('https://') || origin.startsWith('http://');
}
