// Durations as relays have them, from a seed: log-normal with a second, slower kind, as a cache and a disk give. And the exact percentiles.
import { placeOf } from '../../src/server/latency-buckets.js';
import { DurationsBuilder } from '../../src/server/sla/durations.js';

export interface LatencyShape {
  readonly seed: number;
  readonly medianMicros: number;
  /** Standard deviation of the logarithm. */
  readonly spread: number;
  /** Share of those that take thirty times as long. */
  readonly slowShare: number;
  readonly count: number;
}

/** In microseconds, with nanoseconds behind the point. */
export function latencies({ seed, medianMicros, spread, slowShare, count }: LatencyShape): number[] {
  let state = seed >>> 0;
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => {
    const scale = draw() < slowShare ? 30 : 1;
    let normal = -6;
    for (let term = 0; term < 12; term += 1) normal += draw();
    return Math.round(Math.min(100_000_000, Math.max(1, medianMicros * scale * Math.exp(spread * normal))) * 1000) / 1000;
  });
}

export function exactMs(micros: readonly number[], share: number): number {
  const sorted = micros.toSorted((a, b) => a - b);
  return (sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0) / 1000;
}

export function builderOf(micros: readonly number[]): DurationsBuilder {
  const builder = new DurationsBuilder();
  for (const each of micros) builder.add(placeOf(each), 1);
  return builder;
}
