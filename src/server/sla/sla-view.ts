// The past as it is asked for over and over: each answer is worked out once in a while, however often it is asked for.
import type { Outage } from './outage.js';
import { DAY_MS } from './sla-history.js';
import type { SlaKeeper } from './sla-keeper.js';
import { availability, periodRange, summarize, type Availability, type Period, type SlaSummary } from './sla-summary.js';

/** How long an answer is given again. */
const SHARE_MS = 5_000;

export interface DayFigures extends Availability {
  /** UTC day, `YYYY-MM-DD`. */
  readonly day: string;
}

export interface SlaViewDeps {
  readonly keeper: SlaKeeper;
  readonly targetPercent: () => number;
  readonly websocketsOpen: () => number;
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number;
}

export class SlaView {
  readonly #deps: SlaViewDeps;
  readonly #shared = new Map<string, { readonly atMs: number; readonly value: unknown }>();

  constructor(deps: SlaViewDeps) {
    this.#deps = deps;
  }

  summary(period: Period): SlaSummary {
    return this.#share(`summary ${period}`, (nowMs) => {
      const { fromMs, toMs } = periodRange(period, nowMs);
      return this.summaryOf(fromMs, toMs);
    });
  }

  /** The same for any stretch, worked out anew. */
  summaryOf(fromMs: number, toMs: number): SlaSummary {
    const { keeper, targetPercent, websocketsOpen } = this.#deps;
    return summarize(keeper.sum(fromMs, toMs), { targetPercent: targetPercent(), websocketsOpen: websocketsOpen() });
  }

  /** The last days, oldest first, today included. */
  days(count: number): readonly DayFigures[] {
    return this.#share(`days ${count}`, (nowMs) => {
      const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
      return Array.from({ length: count }, (_, place) => this.day(today - (count - 1 - place) * DAY_MS));
    });
  }

  day(startMs: number): DayFigures {
    return { day: new Date(startMs).toISOString().slice(0, 10), ...availability(this.#deps.keeper.sum(startMs, startMs + DAY_MS)) };
  }

  outages(fromMs: number, toMs: number): Outage[] {
    return this.#deps.keeper.outages(fromMs, toMs);
  }

  get beganMs(): number | null {
    return this.#deps.keeper.beganMs;
  }

  get nowMs(): number {
    return this.#deps.clock();
  }

  #share<T>(key: string, work: (nowMs: number) => T): T {
    const nowMs = this.#deps.clock();
    const shared = this.#shared.get(key);
    if (shared !== undefined && Math.abs(nowMs - shared.atMs) < SHARE_MS) return shared.value as T;
    const value = work(nowMs);
    this.#shared.set(key, { atMs: nowMs, value });
    return value;
  }
}
