// Durations counted by bucket. What is kept is packed: most buckets are empty, so a histogram is the ones that are not, as bytes, in memory
// as on disk. What is being added up has a number for each bucket.
import type { RelayMeasures } from '../../native/relay-port.js';
import { BUCKETS, lowerMicros, upperMicros } from '../latency-buckets.js';

type Counted = Pick<RelayMeasures['syncs'], 'places' | 'counts'>;

/** Of each bucket that holds something, ascending: how far it is from the one before, and its count, as LEB128. */
export type Durations = Uint8Array;
export const NO_DURATIONS: Durations = new Uint8Array(0);

/** A byte of a number has seven bits of it. */
const GROUP = 128;
/** A number has at most eight of them, as many as the largest one that is exact. */
const SCALE_MAX = GROUP ** 7;

/** Durations that are added up. */
export class DurationsBuilder {
  /** One for each bucket, and one behind; made with the first duration. */
  #counts: Float64Array | null = null;
  #count = 0;

  /** How many durations there are. */
  get count(): number {
    return this.#count;
  }

  add(place: number, count: number): void {
    const counts = this.#all();
    counts[place] = (counts[place] ?? 0) + count;
    this.#count += count;
  }

  /** Adds packed ones, or a share of them. */
  addPacked(durations: Durations, share = 1): void {
    if (durations.length === 0) return;
    const counts = this.#all();
    let added = 0;
    eachBucket(durations, (place, count) => {
      counts[place] = (counts[place] ?? 0) + count * share;
      added += count * share;
    });
    this.#count += added;
  }

  /** Adds what came since the last look. A core that was started anew counts from 0 again. */
  addGrown(now: Counted, before: Counted | null): void {
    let earlier = 0;
    for (const [at, place] of now.places.entries()) {
      // What held something then holds something now.
      const wasFilled = before?.places[earlier] === place;
      const fresh = (now.counts[at] ?? 0) - (wasFilled ? (before?.counts[earlier] ?? 0) : 0);
      if (wasFilled) earlier += 1;
      if (fresh > 0) this.add(place, fresh);
    }
  }

  pack(): Durations {
    if (this.#counts === null) return NO_DURATIONS;
    const bytes: number[] = [];
    let before = 0;
    for (const [place, count] of this.#counts.entries()) {
      const whole = Math.round(count);
      if (whole <= 0) continue;
      append(bytes, place - before);
      append(bytes, Math.min(whole, Number.MAX_SAFE_INTEGER));
      before = place;
    }
    return Uint8Array.from(bytes);
  }

  /** Values below which these shares (0 to 1) of the durations are, in milliseconds, interpolated inside a bucket; 0 when there are none. */
  quantilesMs(shares: readonly number[]): number[] {
    return shares.map((share) => this.#quantileMs(share * this.#count));
  }

  /** The upper end of the highest bucket that holds anything, in milliseconds. */
  get highestMs(): number {
    const place = this.#counts?.findLastIndex((count) => count > 0) ?? -1;
    return place < 0 ? 0 : upperOf(place) / 1000;
  }

  #all(): Float64Array {
    this.#counts ??= new Float64Array(BUCKETS + 1);
    return this.#counts;
  }

  #quantileMs(wanted: number): number {
    let below = 0;
    for (const [place, count] of this.#counts?.entries() ?? []) {
      if (count > 0 && below + count >= wanted) {
        const [lower, upper] = [lowerOf(place), upperOf(place)];
        return (lower + ((upper - lower) * Math.max(0, wanted - below)) / count) / 1000;
      }
      below += count;
    }
    return this.highestMs;
  }
}

/** What is longer than all buckets is taken for the end of the last one. */
function upperOf(place: number): number {
  return upperMicros(Math.min(place, BUCKETS - 1));
}

function lowerOf(place: number): number {
  return place === BUCKETS ? upperOf(place) : lowerMicros(place);
}

/** The bytes as durations, or null when they are none. */
export function readDurations(bytes: Uint8Array): Durations | null {
  let last = -1;
  const isWhole = eachBucket(bytes, (place) => {
    last = place <= last || place > BUCKETS ? Infinity : place;
  });
  return isWhole && last <= BUCKETS ? bytes : null;
}

/** Visits the buckets that hold something. False when the bytes end in the middle of one, or hold a number that is too large. */
export function eachBucket(bytes: Uint8Array, visit: (place: number, count: number) => void): boolean {
  let place = 0;
  let isPlace = true;
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte % GROUP) * scale;
    if (byte >= GROUP) {
      scale *= GROUP;
      if (scale > SCALE_MAX) return false;
      continue;
    }
    if (isPlace) place += value;
    else visit(place, value);
    isPlace = !isPlace;
    value = 0;
    scale = 1;
  }
  return isPlace && scale === 1;
}

function append(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= GROUP) {
    bytes.push((rest % GROUP) + GROUP);
    rest = Math.floor(rest / GROUP);
  }
  bytes.push(rest);
}
