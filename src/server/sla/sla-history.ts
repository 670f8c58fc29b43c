// All records in memory: minutes of the last day, hours of the last month, days before that. Bounded by the days that are kept, and
// by a number of records where a relay was started so often that minutes are in pieces.
import { addRecord, emptySum, joined, type SlaRecord, type SlaSum } from './sla-record.js';
import type { Outage } from './outage.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** How long minutes are kept before they are joined into hours. */
export const MINUTES_KEPT_MS = 26 * HOUR_MS;
/** For how many days hours are kept before they are joined into days: a period of 30 days begins with an hour. Reports count whole days. */
export const HOURS_KEPT_DAYS = 32;
/** How long days and outages are kept. */
export const DAYS_KEPT = 400;
export const OUTAGES_MAX = 10_000;
/** Records in memory; there are 2,800 when 400 days are full. What makes more of them are pieces of minutes, which are then joined early. */
export const RECORDS_MAX = 5_000;
/** Of these many newest records none is joined early. */
const RECENT_MIN = 120;

export class SlaHistory {
  /** Ascending, none overlapping another. */
  #records: SlaRecord[] = [];
  #outages: Outage[] = [];
  /** Sums of hours and days that are over, by when they begin: those a period was asked for in whose time there are shorter records. */
  readonly #whole = new Map([
    [DAY_MS, new Map<number, SlaRecord>()],
    [HOUR_MS, new Map<number, SlaRecord>()],
  ]);

  /** What earlier runs left, ascending. */
  load(records: readonly SlaRecord[], nowMs: number): void {
    this.#records = [...records];
    this.tidy(nowMs);
  }

  /** Adds what came after everything before. */
  add(record: SlaRecord): void {
    this.#records.push(record);
    if (this.#records.length <= RECORDS_MAX) return;
    this.tidy(record.toMs);
    if (this.#records.length > RECORDS_MAX / 2) this.#records = [...byHour(this.#records.slice(0, -RECENT_MIN)), ...this.#records.slice(-RECENT_MIN)];
  }

  addOutage(outage: Outage): void {
    this.#outages.push(outage);
    if (this.#outages.length > OUTAGES_MAX) this.#outages.shift();
  }

  /** Joins what is old enough and lets go what is older than is kept. */
  tidy(nowMs: number): void {
    const oldestMs = nowMs - DAYS_KEPT * DAY_MS;
    this.#outages = this.#outages.filter(({ toMs }) => toMs >= oldestMs);
    const minutesFromMs = Math.floor((nowMs - MINUTES_KEPT_MS) / HOUR_MS) * HOUR_MS;
    const hoursFromMs = Math.floor(nowMs / DAY_MS - HOURS_KEPT_DAYS) * DAY_MS;
    const kept = this.#records.filter(({ toMs }) => toMs >= oldestMs);
    const between = (fromMs: number, toMs: number): SlaRecord[] => kept.filter((record) => record.fromMs >= fromMs && record.fromMs < toMs);
    this.#records = [...byDay(between(-Infinity, hoursFromMs)), ...byHour(between(hoursFromMs, minutesFromMs)), ...between(minutesFromMs, Infinity)];
    for (const [lengthMs, keptFromMs] of [[HOUR_MS, minutesFromMs], [DAY_MS, hoursFromMs]] as const) {
      const whole = this.#whole.get(lengthMs);
      for (const startMs of whole?.keys() ?? []) if (startMs < keptFromMs) whole?.delete(startMs);
    }
  }

  /** The sum of what lies in a period, the parts of records at its ends by their share. */
  sum(fromMs: number, toMs: number, current: SlaRecord | null = null): SlaSum {
    const sum = emptySum(fromMs, toMs);
    for (let place = this.#firstEndingAfter(fromMs); place < this.#records.length; ) {
      const record = this.#records[place];
      if (record === undefined || record.fromMs >= toMs) break;
      const whole = this.#wholeFrom(place, fromMs, toMs);
      addShare(sum, whole?.record ?? record);
      place = whole?.next ?? place + 1;
    }
    if (current !== null) addShare(sum, current);
    return sum;
  }

  /** A day or an hour that begins with this record, is over, and lies in the period as a whole, with the place behind it. */
  #wholeFrom(place: number, fromMs: number, toMs: number): { readonly record: SlaRecord; readonly next: number } | null {
    const firstMs = this.#records[place]?.fromMs ?? Infinity;
    const beforeMs = this.#records[place - 1]?.fromMs ?? -Infinity;
    const lastMs = this.#records.at(-1)?.fromMs ?? -Infinity;
    for (const [lengthMs, known] of this.#whole) {
      const startMs = Math.floor(firstMs / lengthMs) * lengthMs;
      const endMs = startMs + lengthMs;
      if (startMs < fromMs || endMs > Math.min(toMs, lastMs) || beforeMs >= startMs) continue;
      const next = this.#firstEndingAfter(endMs);
      const record = known.get(startMs) ?? joined(this.#records.slice(place, next));
      if (record === null || next - place < 2) continue;
      known.set(startMs, record);
      return { record, next };
    }
    return null;
  }

  /** By halves: a page asks for ninety days, each by itself. */
  #firstEndingAfter(fromMs: number): number {
    let [low, high] = [0, this.#records.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#records[middle]?.toMs ?? Infinity) <= fromMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Outages that touch a period, oldest first. */
  outages(fromMs: number, toMs: number): Outage[] {
    return this.#outages.filter((outage) => outage.toMs > fromMs && outage.fromMs < toMs);
  }

  /** How many records there are. */
  get size(): number {
    return this.#records.length;
  }

  /** When measuring began, or null. */
  get beganMs(): number | null {
    return this.#records[0]?.fromMs ?? null;
  }
}

function addShare(sum: SlaSum, record: SlaRecord): void {
  const insideMs = Math.min(sum.toMs, record.toMs) - Math.max(sum.fromMs, record.fromMs);
  if (insideMs > 0) addRecord(sum, record, insideMs / (record.toMs - record.fromMs));
}

/** Joins the records of each hour into one; no record crosses into the next hour but one of a whole day. */
export function byHour(records: readonly SlaRecord[]): SlaRecord[] {
  return by(HOUR_MS, records);
}

/** Joins the records of each UTC day into one. */
export function byDay(records: readonly SlaRecord[]): SlaRecord[] {
  return by(DAY_MS, records);
}

function by(lengthMs: number, records: readonly SlaRecord[]): SlaRecord[] {
  const stretches = new Map<number, SlaRecord[]>();
  for (const record of records) {
    const stretch = Math.floor(record.fromMs / lengthMs);
    const inside = stretches.get(stretch);
    if (inside === undefined) stretches.set(stretch, [record]);
    else inside.push(record);
  }
  return [...stretches.values()].flatMap((inside) => joined(inside) ?? []);
}
