// Records and outages as lines of text. A line that cannot be read (a torn tail, say) is null, and its reader goes on without it.
//
// A record is one line with its times, its counts and rough durations, as every version reads it; the line behind it, which earlier
// versions overlook, has the durations bucket by bucket, under the name of the table of buckets. What was written before has only the first.
import { TABLE } from '../latency-buckets.js';
import { NO_DURATIONS, readDurations, type Durations } from './durations.js';
import type { Outage, OutageReason } from './outage.js';
import { OUTAGE_REASONS } from './outage.js';
import { fromRough, toRough } from './rough-durations.js';
import { COUNT_KEYS, stretch, type SlaRecord } from './sla-record.js';

/** The durations of a record, bucket by bucket. */
export type ExactDurations = Pick<SlaRecord, 'fromMs' | 'toMs' | 'durations' | 'syncs'>;

export function encodeRecord(record: SlaRecord): string {
  const times = [record.fromMs, record.toMs, record.upMs, record.downMs, record.plannedMs];
  return JSON.stringify([times, COUNT_KEYS.map((key) => record[key]), toRough(record.durations), toRough(record.syncs)]);
}

/** Null when it has no durations. */
export function encodeExact({ fromMs, toMs, durations, syncs }: SlaRecord): string | null {
  return durations.length + syncs.length === 0 ? null : JSON.stringify([TABLE, fromMs, toMs, base64(durations), base64(syncs)]);
}

/** A record as lines of a file. */
export function recordLines(record: SlaRecord): string {
  const exact = encodeExact(record);
  return exact === null ? `${encodeRecord(record)}\n` : `${encodeRecord(record)}\n${exact}\n`;
}

/** `exact` are the durations behind it, if they are its own. */
export function decodeRecord(line: string, exact: ExactDurations | null = null): SlaRecord | null {
  const parsed = parse(line);
  if (!Array.isArray(parsed) || parsed.length !== 4 || !parsed.every(isNumbers)) return null;
  const [times = [], counts = [], durations = [], syncs = []] = parsed;
  const [fromMs, toMs, upMs, downMs, plannedMs] = times;
  if (times.length !== 5 || counts.length !== COUNT_KEYS.length || fromMs === undefined || toMs === undefined || toMs < fromMs) return null;
  const kept = exact !== null && exact.fromMs === fromMs && exact.toMs === toMs ? exact : { durations: fromRough(durations), syncs: fromRough(syncs) };
  const record = { ...stretch(fromMs, toMs, 'up'), upMs: upMs ?? 0, downMs: downMs ?? 0, plannedMs: plannedMs ?? 0, durations: kept.durations, syncs: kept.syncs };
  return { ...record, ...Object.fromEntries(COUNT_KEYS.map((key, place) => [key, counts[place] ?? 0])) };
}

/** Null also when they are in a table that is not known. */
export function decodeExact(line: string): ExactDurations | null {
  const parsed = line.startsWith('["') ? parse(line) : null;
  if (!Array.isArray(parsed) || parsed.length !== 5) return null;
  const [table, fromMs, toMs, durations, syncs]: unknown[] = parsed;
  if (table !== TABLE || !isTime(fromMs) || !isTime(toMs)) return null;
  const [ofRequests = null, ofSyncs = null] = [durations, syncs].map(fromBase64);
  return ofRequests === null || ofSyncs === null ? null : { fromMs, toMs, durations: ofRequests, syncs: ofSyncs };
}

/** The records of a file. */
export function decodeRecords(text: string | null): SlaRecord[] {
  const lines = (text ?? '').split('\n');
  return lines.flatMap((line, place) => (line.startsWith('[[') ? (decodeRecord(line, decodeExact(lines[place + 1] ?? '')) ?? []) : []));
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

function base64(durations: Durations): string {
  return Buffer.from(durations.buffer, durations.byteOffset, durations.byteLength).toString('base64');
}

/** Bytes of their own: those of a short buffer would keep a larger piece of memory. */
function fromBase64(text: unknown): Durations | null {
  if (typeof text !== 'string') return null;
  return text === '' ? NO_DURATIONS : readDurations(new Uint8Array(Buffer.from(text, 'base64')));
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
