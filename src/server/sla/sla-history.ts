// All records in memory: minutes of the last day, hours before that. Bounded by the days that are kept.
import { addRecord, emptySum, joined, type SlaRecord, type SlaSum } from './sla-record.js';
import type { Outage } from './outage.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** How long minutes are kept before they are joined into hours. */
export const MINUTES_KEPT_MS = 26 * HOUR_MS;
/** How long hours and outages are kept. */
export const DAYS_KEPT = 400;
export const OUTAGES_MAX = 10_000;

export class SlaHistory {
  /** Ascending, none overlapping another. */
  #records: SlaRecord[] = [];
  #outages: Outage[] = [];

  /** Adds what came after everything before. */
  add(record: SlaRecord): void {
    this.#records.push(record);
  }

  addOutage(outage: Outage): void {
    this.#outages.push(outage);
    if (this.#outages.length > OUTAGES_MAX) this.#outages.shift();
  }

  /** Joins old minutes into hours and lets go what is older than is kept. */
  tidy(nowMs: number): void {
    const oldestMs = nowMs - DAYS_KEPT * DAY_MS;
    this.#outages = this.#outages.filter(({ toMs }) => toMs >= oldestMs);
    const kept = this.#records.filter(({ toMs }) => toMs >= oldestMs);
    const minutesFromMs = Math.floor((nowMs - MINUTES_KEPT_MS) / HOUR_MS) * HOUR_MS;
    const recent = kept.filter(({ fromMs }) => fromMs >= minutesFromMs);
    this.#records = [...byHour(kept.filter(({ fromMs }) => fromMs < minutesFromMs)), ...recent];
  }

  /** The sum of what lies in a period, the parts of records at its ends by their share. */
  sum(fromMs: number, toMs: number, current: SlaRecord | null = null): SlaSum {
    const sum = emptySum(fromMs, toMs);
    for (let place = this.#firstEndingAfter(fromMs); place < this.#records.length; place += 1) {
      const record = this.#records[place];
      if (record === undefined || record.fromMs >= toMs) break;
      addShare(sum, record);
    }
    if (current !== null) addShare(sum, current);
    return sum;
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

  /** When measuring began, or null. */
  get beganMs(): number | null {
    return this.#records[0]?.fromMs ?? null;
  }
}

function addShare(sum: SlaSum, record: SlaRecord): void {
  const insideMs = Math.min(sum.toMs, record.toMs) - Math.max(sum.fromMs, record.fromMs);
  if (insideMs > 0) addRecord(sum, record, insideMs / (record.toMs - record.fromMs));
}

/** Joins the records of each hour into one; no record is longer than an hour, or crosses into the next. */
export function byHour(records: readonly SlaRecord[]): SlaRecord[] {
  const hours = new Map<number, SlaRecord[]>();
  for (const record of records) {
    const hour = Math.floor(record.fromMs / HOUR_MS);
    const inHour = hours.get(hour);
    if (inHour === undefined) hours.set(hour, [record]);
    else inHour.push(record);
  }
  return [...hours.values()].flatMap((inHour) => joined(inHour) ?? []);
}
