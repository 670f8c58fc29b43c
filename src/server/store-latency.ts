// How long the disk takes, from figures sampled once a second: the mean of the syncs of the last minute, or, when pushes wait
// and no sync ends, how long that has been so.
import type { RelayStats } from '../native/relay-port.js';

const WINDOW_MS = 60_000;
/** One more than the window holds at one sample a second. */
const SAMPLES_MAX = 61;

type Figures = Pick<RelayStats, 'syncsTotal' | 'syncMicrosTotal' | 'pushesWaiting'>;

interface Sample {
  readonly atMs: number;
  readonly figures: Figures;
}

export class StoreLatency {
  readonly #samples: Sample[] = [];
  /** When pushes began to wait without a sync ending, or null. */
  #stalledSinceMs: number | null = null;

  sample(figures: Figures, nowMs: number): void {
    const last = this.#samples.at(-1);
    const isStalled = figures.pushesWaiting > 0 && last !== undefined && last.figures.syncsTotal === figures.syncsTotal && last.figures.pushesWaiting > 0;
    this.#stalledSinceMs = isStalled ? (this.#stalledSinceMs ?? last.atMs) : null;
    this.#samples.push({ atMs: nowMs, figures });
    while (this.#samples.length > SAMPLES_MAX || (this.#samples[0]?.atMs ?? nowMs) < nowMs - WINDOW_MS) this.#samples.shift();
  }

  /** 0 when nothing was written in the last minute. */
  latencyMs(nowMs: number): number {
    const stalledMs = this.#stalledSinceMs === null ? 0 : nowMs - this.#stalledSinceMs;
    return Math.max(stalledMs, this.#meanMs());
  }

  #meanMs(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined) return 0;
    const syncs = last.figures.syncsTotal - first.figures.syncsTotal;
    return syncs <= 0 ? 0 : (last.figures.syncMicrosTotal - first.figures.syncMicrosTotal) / syncs / 1000;
  }
}
