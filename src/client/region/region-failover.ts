/*
 * Keeps a space at the first region of a list that works. Regions do not copy spaces to each other, so a device that moves says so, and
 * carries along what others may lack; see ARCHITECTURE.md.
 */
import { AddressError, parseRelayAddress } from '../../protocol/address.js';
import { httpOrigin } from '../connection/http-origin.js';
import { ClientError } from '../client-error.js';
import type { Environment, Timer } from '../environment.js';
import { FAILOVER_AGAIN_MS, FAILOVER_OPEN_RETRY_MS, FAILOVER_OTHERS_PROBE_MS, FAILOVER_PROBE_MS, FAILOVER_PROBE_TIMEOUT_MS, FAILOVER_REGIONS_MAX, FAILOVER_RETURN_MS } from '../limits.js';
import type { Space } from '../space/space.js';
import { FailoverOrder } from './failover-order.js';
import type { RegionHealth } from './failover-order.js';
import { fetchWithin, steadyClock } from './timed-fetch.js';

/** A region with the address of its relay, key included. */
export interface FailoverRegion {
  readonly id: string;
  readonly relay: string;
}

/** How often regions are asked whether they are well. A region that hangs is left after about `probeMs + againMs + 2 * timeoutMs`. */
export interface FailoverTiming {
  /** Between two questions to the region in use, and to the others. */
  readonly probeMs: number;
  readonly othersMs: number;
  /** A region that takes longer to answer counts as failing. */
  readonly timeoutMs: number;
  /** Before a region that failed is asked again. */
  readonly againMs: number;
}

export interface RegionFailoverOptions {
  /** The preferred first; the same list, in the same order, on every device of the space. */
  readonly regions: readonly FailoverRegion[];
  /** Opens this device at a relay: `(relay) => openSpace({ storage, relay, parts: [failover] })`, with the app's listeners. */
  readonly open: (relay: string) => Promise<Space>;
  /** How long an earlier region must have been well before this device returns to it; a minute when absent. */
  readonly returnAfterMs?: number;
  /** What is left out is as the guide says: 1.2 s, 5 s, 1.2 s and 0.1 s. */
  readonly timing?: Partial<FailoverTiming>;
  readonly fetch?: typeof globalThis.fetch;
  readonly environment?: Partial<Pick<Environment, 'now' | 'after'>>;
}

/** `S`: the space of an app, or the one that its tabs share. */
export interface FailoverState<S = Space> {
  /** `moving`: the space is on its way, and there is none to push to; `unreachable`: no region answers, and the space waits where it is. */
  readonly phase: 'starting' | 'settled' | 'moving' | 'unreachable' | 'closed';
  /** The space of now; null while it is on its way. */
  readonly space: S | null;
  /** The region in use, whose relay gives the receipts; null before the first. */
  readonly regionId: string | null;
  /** Whether it is another one than the preferred: only devices that made the same move are reached. */
  readonly failedOver: boolean;
  readonly regions: readonly { readonly id: string; readonly health: RegionHealth }[];
  /** Why the space could not be opened at the region in use; it is tried again. */
  readonly error: ClientError | null;
}

/** Keeps a space at the first region of a list that works. A store that a user interface can show. */
export class RegionFailover {
  readonly #options: RegionFailoverOptions;
  readonly #clock: Pick<Environment, 'now' | 'after'>;
  readonly #order: FailoverOrder;
  readonly #origins: ReadonlyMap<string, string>;
  readonly #timers = new Map<string, Timer>();
  readonly #asking = new Map<string, Promise<void>>();
  readonly #timing: FailoverTiming;
  readonly #listeners = new Set<() => void>();
  #unlisten: () => void = () => undefined;
  #work: Promise<void> | undefined;
  #unsharedOnTheWay = false;
  #state: FailoverState;

  /** Throws `bad_option` and `bad_address`. */
  constructor(options: RegionFailoverOptions) {
    const { regions, returnAfterMs = FAILOVER_RETURN_MS, environment, timing } = options;
    const ids = regions.map(({ id }) => id);
    const isList = ids.length > 0 && ids.length <= FAILOVER_REGIONS_MAX && new Set(ids).size === ids.length;
    if (!isList) throw new ClientError('bad_option', `a space fails over between 1 and ${FAILOVER_REGIONS_MAX} regions, each with an id of its own`);
    this.#options = options;
    this.#origins = new Map(regions.map(({ id, relay }) => [id, originOf(relay)]));
    this.#clock = steadyClock(environment);
    // A region that is waited for is asked several times in that time.
    const othersMs = Math.min(timing?.othersMs ?? FAILOVER_OTHERS_PROBE_MS, returnAfterMs / 3);
    this.#timing = { probeMs: FAILOVER_PROBE_MS, timeoutMs: FAILOVER_PROBE_TIMEOUT_MS, againMs: FAILOVER_AGAIN_MS, ...timing, othersMs };
    if (!Object.values(this.#timing).every((ms) => ms > 0)) throw new ClientError('bad_option', 'the times of a failover are above 0');
    this.#order = new FailoverOrder(ids, returnAfterMs);
    this.#state = { phase: 'starting', space: null, regionId: null, failedOver: false, regions: ids.map((id) => ({ id, health: 'unknown' })), error: null };
  }

  /** Calls the listener after each change; the returned function ends it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  };

  /** The state of now; the same object until something changes. */
  readonly getSnapshot = (): FailoverState => this.#state;

  /**
   * Whether something pushed may be on this device only. While the relay in use does not answer, what it alone holds for other devices counts too.
   */
  get hasUnsyncedChanges(): boolean {
    const { space, regionId } = this.#state;
    if (space === null) return this.#unsharedOnTheWay;
    const isWell = regionId !== null && this.#order.healthOf(regionId) === 'well';
    return isWell ? space.hasUnsyncedChanges : space.hasUnsharedChanges;
  }

  /** Asks all regions and opens the space at the first that answers; at the first of the list when none does. A device that was in one of them goes on there when it answers. */
  async start(lastId: string | null = null): Promise<Space> {
    if (this.#work !== undefined || this.#state.phase !== 'starting') throw new ClientError('bad_option', 'the failover was started before');
    const ids = this.#options.regions.map(({ id }) => id);
    const last = ids.find((id) => id === lastId);
    if (last !== undefined) await this.#probe(last);
    const goesOn = last !== undefined && this.#order.healthOf(last) === 'well';
    if (!goesOn) await Promise.all(ids.map((id) => this.#probe(id)));
    const id = (goesOn ? last : this.#order.first()) ?? ids[0] ?? '';
    await this.#go(id, null);
    // Another tab of the app has the device: it is this one's turn when that one goes.
    while (!this.#closed && this.#state.error?.code === 'storage_in_use') {
      await new Promise<void>((resolve) => this.#clock.after(FAILOVER_OPEN_RETRY_MS, resolve));
      if (!this.#closed) await this.#go(this.#order.first() ?? id, null);
    }
    const { space, error } = this.#state;
    if (space !== null) return space;
    if (!this.#closed) this.#change({ phase: 'starting', regionId: null });
    throw error ?? new ClientError('closed', 'the failover was closed');
  }

  /** Ends the probes and closes the space; what is stored stays. */
  async close(): Promise<void> {
    this.#change({ phase: 'closed' });
    for (const timer of this.#timers.values()) timer.cancel();
    this.#unlisten();
    await this.#work;
    await this.#state.space?.close();
    this.#change({ space: null });
  }

  get #closed(): boolean {
    return this.#state.phase === 'closed';
  }

  #probe(id: string): Promise<void> {
    const asking = this.#asking.get(id) ?? this.#ask(id).finally(() => this.#asking.delete(id));
    this.#asking.set(id, asking);
    return asking;
  }

  async #ask(id: string): Promise<void> {
    const surroundings = { ...this.#clock, fetch: this.#options.fetch ?? ((...args: Parameters<typeof fetch>) => globalThis.fetch(...args)) };
    const url = `${this.#origins.get(id)}/health/live`;
    const isWell = await fetchWithin(surroundings, url, { mode: 'no-cors', cache: 'no-store', credentials: 'omit' }, this.#timing.timeoutMs, seemsWell).catch(() => false);
    this.#order.probed(id, isWell, this.#clock.now());
    this.#decide();
  }

  #schedule(id: string): void {
    if (this.#closed) return;
    this.#timers.get(id)?.cancel();
    const isCurrent = id === this.#state.regionId;
    const failing = isCurrent && this.#order.healthOf(id) === 'failing';
    const { againMs, probeMs, othersMs } = this.#timing;
    const waitMs = failing ? againMs : isCurrent ? probeMs : othersMs;
    this.#timers.set(id, this.#clock.after(waitMs, () => void this.#look(id)));
  }

  async #look(id: string): Promise<void> {
    await this.#probe(id);
    const { regionId } = this.#state;
    // Where to go is decided by fresh answers.
    if (id === regionId && this.#order.healthOf(id) !== 'well') for (const { id: other } of this.#options.regions) if (other !== id) void this.#probe(other);
    this.#schedule(id);
  }

  #decide(): void {
    const { regionId, phase } = this.#state;
    this.#show();
    if (regionId === null || phase === 'starting' || this.#closed || this.#work !== undefined) return;
    const target = this.#order.target(regionId, this.#clock.now());
    if (target === null || target === regionId) return;
    this.#work = this.#go(target, regionId).finally(() => {
      this.#work = undefined;
      this.#decide();
    });
  }

  async #go(id: string, fromId: string | null): Promise<void> {
    const relay = this.#options.regions.find((region) => region.id === id)?.relay ?? '';
    const { space } = this.#state;
    this.#unsharedOnTheWay = space?.hasUnsharedChanges ?? false;
    this.#unlisten();
    const failedOver = id !== this.#options.regions[0]?.id;
    if (fromId !== null) this.#order.moved(fromId, id, this.#clock.now());
    this.#change({ phase: 'moving', space: null, regionId: id, failedOver });
    await space?.close();
    try {
      await this.#arrive(await this.#options.open(relay));
    } catch (cause) {
      const error = cause instanceof ClientError ? cause : new ClientError('region_unreachable', 'the space could not be opened in the region', { cause, temporary: true });
      this.#change({ error });
      if (fromId !== null) this.#timers.set('', this.#clock.after(FAILOVER_OPEN_RETRY_MS, () => this.#again()));
    }
  }

  async #arrive(space: Space): Promise<void> {
    if (this.#closed) return space.close();
    this.#unlisten = space.on('status', ({ status }) => {
      const { regionId } = this.#state;
      // A connection that broke is a reason to look at once.
      if (status === 'offline' && regionId !== null) void this.#look(regionId);
    });
    this.#change({ phase: 'settled', space, error: null });
    for (const { id } of this.#options.regions) this.#schedule(id);
    this.#show();
  }

  // No space is open: wherever the order leads now, it is opened there.
  #again(): void {
    const { regionId, space } = this.#state;
    if (this.#closed || space !== null || regionId === null || this.#work !== undefined) return;
    const target = this.#order.target(regionId, this.#clock.now()) ?? regionId;
    this.#work = this.#go(target, regionId).finally(() => {
      this.#work = undefined;
      this.#decide();
    });
  }

  #show(): void {
    const regions = this.#options.regions.map(({ id }) => ({ id, health: this.#order.healthOf(id) }));
    const isSame = regions.every(({ health }, i) => health === this.#state.regions[i]?.health);
    const { phase, regionId } = this.#state;
    const settles = phase === 'settled' || phase === 'unreachable';
    const isLost = regionId !== null && this.#order.healthOf(regionId) === 'down' && this.#order.first() === null;
    const next = settles ? (isLost ? 'unreachable' : 'settled') : phase;
    if (!isSame || next !== phase) this.#change({ regions, phase: next });
  }

  #change(change: Partial<FailoverState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Of another origin a page is shown that there was an answer, not which. */
async function seemsWell(response: Response): Promise<boolean> {
  await response.body?.cancel();
  return response.type === 'opaque' || response.ok;
}

function originOf(relay: string): string {
  try {
    return httpOrigin(parseRelayAddress(relay));
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ClientError('bad_address', cause.message, { cause, hint: 'Each region needs the address of its relay, with its key.' });
  }
}
