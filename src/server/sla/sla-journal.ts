// Keeps records and outages over restarts: a file per UTC day with what each minute was, joined into hours when the day is over, and
// into one record when a month is; a file of outages, and one that is written over every second with what is unfinished. Readers overlook lines they cannot read.
import type { OperationFiles } from '../operations/operation-files.js';
import { OUTAGE_REASONS, type Outage, type OutageReason } from './outage.js';
import { DAYS_KEPT, DAY_MS, HOURS_KEPT_DAYS, OUTAGES_MAX, byDay, byHour } from './sla-history.js';
import { decodeExact, decodeOutage, decodeRecord, decodeRecords, encodeExact, encodeOutage, encodeRecord, recordLines } from './sla-line.js';
import { stretch, type SlaRecord } from './sla-record.js';
import type { LastRun } from './sla-recorder.js';

const OUTAGES = 'outages.jsonl';
const CURRENT = 'current.json';
/** Written over in one piece; what is shorter is filled up. A minute so varied that its exact durations do not fit leaves its rough ones. */
const CURRENT_BYTES = 8192;
/** Writes that may wait; a disk that is slower loses minutes, and says so. */
const WAITING_MAX = 100;
/** Of an older day no minute is kept as such in memory either. */
const MINUTES_KEPT_DAYS = 3;

export interface Kept {
  readonly records: readonly SlaRecord[];
  readonly outages: readonly Outage[];
  readonly lastRun: LastRun | null;
}

export class SlaJournal {
  readonly #files: OperationFiles;
  readonly #failed: (error: unknown) => void;
  #writes: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** The unfinished stretch that waits to be written, or null. */
  #latest: string | null = null;

  /** `failed` is told of every write that did not succeed. */
  constructor(files: OperationFiles, failed: (error: unknown) => void) {
    this.#files = files;
    this.#failed = failed;
  }

  /** Reads everything, joins what is old enough, removes days that are no longer kept. */
  async load(nowMs: number): Promise<Kept> {
    const days = (await this.#files.list()).filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name));
    const records: SlaRecord[] = [];
    for (const name of days) records.push(...(await this.#loadDay(name, nowMs)));
    const outages = await this.#loadOutages();
    const { unfinished, lastRun } = decodeCurrent(await this.#files.read(CURRENT));
    const ascending = records.toSorted((a, b) => a.fromMs - b.fromMs);
    const endMs = ascending.at(-1)?.toMs ?? null;
    if (unfinished !== null && unfinished.fromMs >= (endMs ?? 0) && unfinished.toMs > unfinished.fromMs) {
      ascending.push(unfinished);
      this.record([unfinished]);
    }
    // What was recorded after the last word of a run is a later sign of life.
    const atMs = Math.max(lastRun?.atMs ?? 0, ascending.at(-1)?.toMs ?? 0);
    const isLater = lastRun === null || atMs > lastRun.atMs;
    return { records: ascending, outages, lastRun: atMs === 0 ? null : { atMs, inOrder: !isLater && lastRun.inOrder, outage: isLater ? null : lastRun.outage } };
  }

  record(records: readonly SlaRecord[]): void {
    this.#write(async () => {
      for (const [day, inDay] of perFile(records)) await this.#files.append(`${day}.jsonl`, inDay.map(recordLines).join(''));
    });
  }

  outage(outage: Outage): void {
    this.#write(() => this.#files.append(OUTAGES, `${encodeOutage(outage)}\n`));
  }

  /** What a run that ends now leaves behind. On a slow disk only the newest is written. */
  current(record: SlaRecord, lastRun: LastRun): void {
    const isQueued = this.#latest !== null;
    const rough = { ...lastRun, record: encodeRecord(record) };
    const texts = [{ ...rough, exact: encodeExact(record) }, rough, { ...lastRun, record: null }].map((each) => JSON.stringify(each));
    this.#latest = texts.find((text) => text.length < CURRENT_BYTES) ?? null;
    if (isQueued) return;
    const isTaken = this.#write(async () => {
      const text = this.#latest;
      this.#latest = null;
      if (text !== null) await this.#files.overwrite(CURRENT, `${text.padEnd(CURRENT_BYTES - 1)}\n`);
    });
    if (!isTaken) this.#latest = null;
  }

  /** The last words of a run. */
  async close(lastRun: LastRun): Promise<void> {
    this.current(stretch(lastRun.atMs, lastRun.atMs, 'up'), lastRun);
    await this.#writes;
    await this.#files.close();
  }

  /** Joins the days that have become old enough with this one. */
  async joinDays(nowMs: number): Promise<void> {
    for (const age of [MINUTES_KEPT_DAYS + 1, HOURS_KEPT_DAYS + 1]) await this.#loadDay(`${dayOf(nowMs - age * DAY_MS)}.jsonl`, nowMs).catch(this.#failed);
  }

  /** A file that has grown beyond what is read is cut to that. */
  async #loadOutages(): Promise<Outage[]> {
    const all = decodeLines(await this.#files.read(OUTAGES), decodeOutage);
    const kept = all.slice(-OUTAGES_MAX);
    if (kept.length < all.length) await this.#files.replace(OUTAGES, kept.map((outage) => `${encodeOutage(outage)}\n`).join(''));
    return kept;
  }

  async #loadDay(name: string, nowMs: number): Promise<SlaRecord[]> {
    const startMs = Date.parse(`${name.slice(0, 10)}T00:00:00Z`);
    if (startMs < nowMs - (DAYS_KEPT + 1) * DAY_MS) {
      await this.#files.remove(name);
      return [];
    }
    const text = await this.#files.read(name);
    const records = decodeRecords(text);
    if (startMs >= nowMs - MINUTES_KEPT_DAYS * DAY_MS) {
      // What follows a torn tail must not be lost with it.
      if (text !== null && text !== '' && !text.endsWith('\n')) this.#write(() => this.#files.append(name, '\n'));
      return records;
    }
    const ascending = records.toSorted((a, b) => a.fromMs - b.fromMs);
    const joined = startMs >= nowMs - HOURS_KEPT_DAYS * DAY_MS ? byHour(ascending) : byDay(ascending);
    if (joined.length < records.length) await this.#files.replace(name, joined.map(recordLines).join(''));
    return joined;
  }

  /** False when too many wait. */
  #write(write: () => Promise<void>): boolean {
    if (this.#waiting >= WAITING_MAX) {
      this.#failed(new Error(`more than ${WAITING_MAX} writes wait`));
      return false;
    }
    this.#waiting += 1;
    this.#writes = this.#writes
      .then(write)
      .catch(this.#failed)
      .then(() => {
        this.#waiting -= 1;
      });
    return true;
  }
}

function perFile(records: readonly SlaRecord[]): Map<string, SlaRecord[]> {
  const days = new Map<string, SlaRecord[]>();
  for (const record of records) {
    const day = dayOf(record.fromMs);
    const inDay = days.get(day);
    if (inDay === undefined) days.set(day, [record]);
    else inDay.push(record);
  }
  return days;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function decodeLines<T>(text: string | null, decode: (line: string) => T | null): T[] {
  return (text ?? '').split('\n').flatMap((line) => decode(line) ?? []);
}

function decodeCurrent(text: string | null): { unfinished: SlaRecord | null; lastRun: LastRun | null } {
  const none = { unfinished: null, lastRun: null };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? '');
  } catch {
    return none;
  }
  if (typeof parsed !== 'object' || parsed === null) return none;
  const { atMs, inOrder, outage, record, exact } = parsed as Record<string, unknown>;
  if (typeof atMs !== 'number' || typeof inOrder !== 'boolean') return none;
  return { unfinished: typeof record === 'string' ? decodeRecord(record, typeof exact === 'string' ? decodeExact(exact) : null) : null, lastRun: { atMs, inOrder, outage: decodeOpenOutage(outage) } };
}

function decodeOpenOutage(value: unknown): LastRun['outage'] {
  if (typeof value !== 'object' || value === null) return null;
  const { fromMs, reason } = value as Record<string, unknown>;
  const known: OutageReason | undefined = OUTAGE_REASONS.find((each) => each === reason);
  return typeof fromMs === 'number' && known !== undefined ? { fromMs, reason: known } : null;
}
