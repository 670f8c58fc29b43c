/*
 * Which region of an ordered list to be at. A device decides by the list and its own probes alone; that devices with the same list and the
 * same view of the relays decide the same is all that brings them together.
 *
 * Invariants: F1 a region is left only after several failures in a row, and only for one that answers; F2 a device returns to an earlier
 * region only after that one was well for the whole waiting time; F3 a region that fails soon after a return has its waiting time doubled.
 */
import { FAILOVER_FAILURES, FAILOVER_RETURN_MS_MAX } from '../limits.js';

/** `failing`: the last probe failed; `down`: several in a row did. */
export type RegionHealth = 'unknown' | 'well' | 'failing' | 'down';

interface Watched {
  readonly id: string;
  failures: number;
  wellSince: number | null;
  returnMs: number;
  returnedAt: number | null;
}

export class FailoverOrder {
  readonly #returnMs: number;
  readonly #regions: readonly Watched[];

  constructor(ids: readonly string[], returnMs: number) {
    this.#returnMs = returnMs;
    this.#regions = ids.map((id) => ({ id, failures: 0, wellSince: null, returnMs, returnedAt: null }));
  }

  probed(id: string, isWell: boolean, now: number): void {
    const region = this.#of(id);
    if (isWell) {
      region.failures = 0;
      region.wellSince ??= now;
    } else {
      region.failures += 1;
      region.wellSince = null;
    }
  }

  healthOf(id: string): RegionHealth {
    const { failures, wellSince } = this.#of(id);
    if (wellSince !== null) return 'well';
    if (failures === 0) return 'unknown';
    return failures < FAILOVER_FAILURES ? 'failing' : 'down';
  }

  /** The first region that answers; null when none does. */
  first(): string | null {
    return this.#regions.find(({ wellSince }) => wellSince !== null)?.id ?? null;
  }

  /** Where to go from this region now; null: stay. */
  target(currentId: string, now: number): string | null {
    const at = this.#regions.findIndex(({ id }) => id === currentId);
    if (this.healthOf(currentId) === 'down') return this.first();
    const earlier = this.#regions.slice(0, at).find(({ wellSince, returnMs }) => wellSince !== null && now - wellSince >= returnMs);
    return earlier?.id ?? null;
  }

  /** The device went from one region to another. */
  moved(fromId: string, toId: string, now: number): void {
    const [from, to] = [this.#of(fromId), this.#of(toId)];
    if (from.returnedAt !== null && this.healthOf(fromId) === 'down') {
      const held = now - from.returnedAt;
      from.returnMs = held < 2 * from.returnMs ? Math.min(2 * from.returnMs, FAILOVER_RETURN_MS_MAX) : this.#returnMs;
    }
    to.returnedAt = this.#regions.indexOf(to) < this.#regions.indexOf(from) ? now : null;
  }

  /** How long a return to this region waits. */
  returnMsOf(id: string): number {
    return this.#of(id).returnMs;
  }

  #of(id: string): Watched {
    const region = this.#regions.find((known) => known.id === id);
    if (region === undefined) throw new RangeError('no region of the list has that id');
    return region;
  }
}
