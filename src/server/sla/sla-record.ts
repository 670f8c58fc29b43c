// What is kept of a stretch of time: how much of it the relay was up, and what it did. Records of neighbouring stretches add up.
import { DurationsBuilder, NO_DURATIONS, type Durations } from './durations.js';

/** Counts of a stretch. */
export interface SlaCounts {
  readonly ok: number;
  readonly clientErrors: number;
  readonly relayErrors: number;
  /** Messages on WebSockets. */
  readonly messages: number;
  /** WebSockets that were refused, broke a rule or were lost. */
  readonly connectionErrors: number;
  readonly durationMicros: number;
  readonly syncMicros: number;
}

/** A stretch of at most an hour, or a whole day. What of it is neither up, down nor planned was not measured. */
export interface SlaRecord extends SlaCounts {
  /** Milliseconds since the Unix epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly upMs: number;
  readonly downMs: number;
  readonly plannedMs: number;
  readonly durations: Durations;
  readonly syncs: Durations;
}

export type TimeKind = 'up' | 'down' | 'planned';

export const COUNT_KEYS = ['ok', 'clientErrors', 'relayErrors', 'messages', 'connectionErrors', 'durationMicros', 'syncMicros'] as const satisfies readonly (keyof SlaCounts)[];
const TIME_KEYS = ['upMs', 'downMs', 'plannedMs'] as const;

/** A record under construction. */
export type SlaSum = { -readonly [K in Exclude<keyof SlaRecord, 'durations' | 'syncs'>]: SlaRecord[K] } & { readonly durations: DurationsBuilder; readonly syncs: DurationsBuilder };

export function emptySum(fromMs: number, toMs: number): SlaSum {
  return {
    fromMs,
    toMs,
    upMs: 0,
    downMs: 0,
    plannedMs: 0,
    ok: 0,
    clientErrors: 0,
    relayErrors: 0,
    messages: 0,
    connectionErrors: 0,
    durationMicros: 0,
    syncMicros: 0,
    durations: new DurationsBuilder(),
    syncs: new DurationsBuilder(),
  };
}

/** Adds a share of a record: all of it, or the part of it that lies in a period. */
export function addRecord(sum: SlaSum, record: SlaRecord, share = 1): void {
  for (const key of [...TIME_KEYS, ...COUNT_KEYS]) sum[key] += record[key] * share;
  sum.durations.addPacked(record.durations, share);
  sum.syncs.addPacked(record.syncs, share);
}

/** One record of neighbouring ones. */
export function joined(records: readonly SlaRecord[]): SlaRecord | null {
  const [first, last] = [records[0], records.at(-1)];
  if (first === undefined || last === undefined) return null;
  if (first === last) return first;
  const sum = emptySum(first.fromMs, last.toMs);
  for (const record of records) addRecord(sum, record);
  return recordOf(sum);
}

/** A stretch in which nothing was counted. */
export function stretch(fromMs: number, toMs: number, kind: TimeKind): SlaRecord {
  return { ...emptySum(fromMs, toMs), [`${kind}Ms`]: toMs - fromMs, durations: NO_DURATIONS, syncs: NO_DURATIONS };
}

/** The sum of whole records as one that is kept. */
export function recordOf(sum: SlaSum): SlaRecord {
  return { ...sum, durations: sum.durations.pack(), syncs: sum.syncs.pack() };
}
