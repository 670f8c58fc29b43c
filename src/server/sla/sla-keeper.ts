// Recorder, history and journal as one: what the rest of the relay asks about its past. Until it is opened, and where there is
// no data directory, it keeps what it records in memory only.
import type { OperationFiles } from '../operations/operation-files.js';
import type { Outage, OutageReason } from './outage.js';
import { DAY_MS, HOURS_KEPT_DAYS, HOUR_MS, SlaHistory } from './sla-history.js';
import { SlaJournal } from './sla-journal.js';
import type { SlaRecord, SlaSum } from './sla-record.js';
import { SlaRecorder, type Instant, type RelayState, type Totals } from './sla-recorder.js';

export class SlaKeeper {
  readonly #history = new SlaHistory();
  #journal: SlaJournal | null = null;
  #recorder: SlaRecorder | null = null;
  #tidiedHour = 0;

  /** Reads what earlier runs left and begins to record. */
  async open(files: OperationFiles | null, now: Instant, failed: (error: unknown) => void): Promise<void> {
    const journal = files === null ? null : new SlaJournal(files, failed);
    const kept = await journal?.load(now.wallMs);
    this.#history.load(kept?.records ?? [], now.wallMs);
    for (const outage of kept?.outages ?? []) this.#history.addOutage(outage);
    this.#journal = journal;
    const sink = {
      record: (records: readonly SlaRecord[]) => {
        for (const record of records) this.#history.add(record);
        journal?.record(records);
      },
      outage: (outage: Outage) => {
        this.#history.addOutage(outage);
        journal?.outage(outage);
      },
    };
    this.#recorder = new SlaRecorder(sink, now, kept?.lastRun ?? null);
  }

  /** What the relay is now and all it ever did in this run. */
  tick(now: Instant, state: RelayState, totals: Totals | null): void {
    const recorder = this.#recorder;
    if (recorder === null) return;
    recorder.tick(now, state, totals);
    this.#journal?.current(recorder.current, { atMs: recorder.atMs, inOrder: false, outage: recorder.outage });
    if (Math.floor(now.wallMs / HOUR_MS) !== this.#tidiedHour) this.#tidy(now.wallMs);
  }

  /** The run ends in order; what follows until the next one is planned. */
  async close(now: Instant): Promise<void> {
    const [recorder, journal] = [this.#recorder, this.#journal];
    this.#recorder = null;
    this.#journal = null;
    if (recorder === null) return;
    recorder.tick(now, 'planned', null);
    recorder.finish();
    await journal?.close({ atMs: recorder.atMs, inOrder: true, outage: recorder.outage });
  }

  sum(fromMs: number, toMs: number): SlaSum {
    return this.#history.sum(fromMs, toMs, this.#recorder?.current ?? null);
  }

  /** Outages that touch a period, the one under way included; its end is the period's. */
  outages(fromMs: number, toMs: number): Outage[] {
    const open: { readonly fromMs: number; readonly reason: OutageReason } | null = this.#recorder?.outage ?? null;
    const ended = this.#history.outages(fromMs, toMs);
    return open === null || open.fromMs >= toMs ? ended : [...ended, { ...open, toMs: Math.max(open.fromMs, this.#recorder?.atMs ?? toMs) }];
  }

  /** When measuring began, or null. */
  get beganMs(): number | null {
    return this.#history.beganMs ?? this.#recorder?.current.fromMs ?? null;
  }

  #tidy(nowMs: number): void {
    this.#history.tidy(nowMs);
    // What is over is summed up here, once an hour and after the start, and not by the scrape that asks for it.
    this.#history.sum(nowMs - HOURS_KEPT_DAYS * DAY_MS, nowMs);
    const day = Math.floor(nowMs / DAY_MS);
    if (this.#tidiedHour !== 0 && day !== Math.floor((this.#tidiedHour * HOUR_MS) / DAY_MS)) void this.#journal?.joinDays(nowMs);
    this.#tidiedHour = Math.floor(nowMs / HOUR_MS);
  }
}
