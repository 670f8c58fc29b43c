// Records and outages as lines of text. A line that cannot be read (a torn tail, say) is null, and its reader goes on without it.
import { COUNT_KEYS, emptySum, type SlaRecord } from './sla-record.js';
import type { Outage, OutageReason } from './outage.js';
import { OUTAGE_REASONS } from './outage.js';
import type { Durations } from './durations.js';

export function encodeRecord(record: SlaRecord): string {
  const times = [record.fromMs, record.toMs, record.upMs, record.downMs, record.plannedMs];
  return JSON.stringify([times, COUNT_KEYS.map((key) => record[key]), [...record.durations].flat(), [...record.syncs].flat()]);
}

export function decodeRecord(line: string): SlaRecord | null {
  const parsed = parse(line);
  if (!Array.isArray(parsed) || parsed.length !== 4 || !parsed.every(isNumbers)) return null;
  const [times = [], counts = [], durations = [], syncs = []] = parsed;
  const [fromMs, toMs, upMs, downMs, plannedMs] = times;
  if (times.length !== 5 || counts.length !== COUNT_KEYS.length || fromMs === undefined || toMs === undefined || toMs < fromMs) return null;
  const record = { ...emptySum(fromMs, toMs), upMs: upMs ?? 0, downMs: downMs ?? 0, plannedMs: plannedMs ?? 0, durations: pairs(durations), syncs: pairs(syncs) };
  return { ...record, ...Object.fromEntries(COUNT_KEYS.map((key, place) => [key, counts[place] ?? 0])) };
}

export function encodeOutage({ fromMs, toMs, reason }: Outage): string {
  return JSON.stringify([fromMs, toMs, reason]);
}

export function decodeOutage(line: string): Outage | null {
  const parsed = parse(line);
  if (!Array.isArray(parsed) || parsed.length !== 3) return null;
  const [fromMs, toMs, reason]: unknown[] = parsed;
  return isTime(fromMs) && isTime(toMs) && isReason(reason) && toMs >= fromMs ? { fromMs, toMs, reason } : null;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isTime);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isReason(value: unknown): value is OutageReason {
  return OUTAGE_REASONS.some((reason) => reason === value);
}

function pairs(flat: readonly number[]): Durations {
  const map = new Map<number, number>();
  for (let place = 0; place + 1 < flat.length; place += 2) map.set(flat[place] ?? 0, flat[place + 1] ?? 0);
  return map;
}
