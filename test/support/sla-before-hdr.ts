// Records as the version before the table `hdr64` wrote and read them: ten bounds a decade, a line of four lists of numbers. Kept as it
// was, so that a relay that comes from there, or is rolled back to it, can be tested.

/** Upper ends of its buckets in microseconds. */
const BOUNDS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].flatMap((decade) => [10, 12, 15, 20, 25, 30, 40, 50, 60, 80].map((step) => step * decade)).concat(100_000_000);
const DECADE = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100];

export interface OldRecord {
  readonly times: readonly number[];
  readonly counts: readonly number[];
  /** Count by upper end. */
  readonly durations: ReadonlyMap<number, number>;
  readonly syncs: ReadonlyMap<number, number>;
}

export function oldBuckets(micros: readonly number[]): Map<number, number> {
  const buckets = new Map<number, number>();
  for (const each of micros) {
    const bound = BOUNDS.find((upper) => upper >= each) ?? 0;
    buckets.set(bound, (buckets.get(bound) ?? 0) + 1);
  }
  return buckets;
}

export function oldLine({ times, counts, durations, syncs }: OldRecord): string {
  return JSON.stringify([times, counts, [...durations].flat(), [...syncs].flat()]);
}

export function readOldLine(line: string): OldRecord | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return null;
  }
  const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((each) => typeof each === 'number' && Number.isFinite(each) && each >= 0);
  if (!Array.isArray(parsed) || parsed.length !== 4 || !parsed.every(isNumbers)) return null;
  const [times = [], counts = [], durations = [], syncs = []] = parsed;
  return times.length === 5 && counts.length === 7 ? { times, counts, durations: pairs(durations), syncs: pairs(syncs) } : null;
}

function pairs(flat: readonly number[]): Map<number, number> {
  return new Map(Array.from({ length: Math.floor(flat.length / 2) }, (_, place) => [flat[2 * place] ?? 0, flat[2 * place + 1] ?? 0]));
}

export function oldQuantileMs(durations: ReadonlyMap<number, number>, share: number): number {
  const buckets = [...durations].map(([bound, count]) => ({ upper: bound === 0 ? 100_000_000 : bound, count })).toSorted((a, b) => a.upper - b.upper);
  const wanted = share * buckets.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  for (const { upper, count } of buckets) {
    const scale = 10 ** (Math.floor(Math.log10(upper) + 1e-9) - 1);
    const place = DECADE.findIndex((step) => Math.abs(step * scale - upper) < scale / 1000);
    const lower = place < 0 ? upper * 0.75 : place === 0 ? 8 * scale : (DECADE[place - 1] ?? 0) * scale;
    if (below + count >= wanted && count > 0) return (lower + ((upper - lower) * (wanted - below)) / count) / 1000;
    below += count;
  }
  return 0;
}
