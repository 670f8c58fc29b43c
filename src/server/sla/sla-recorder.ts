// Accounts for every moment: what the relay was, second by second, and what it did meanwhile. It is told the time; the wall
// clock names moments, the monotonic clock says how much time really passed between two of them.
//
// Invariants:
// 1. No moment is counted twice, also when the wall clock is set back.
// 2. Time that passed on the wall clock only (it was set forward, or the machine slept) is not measured.
// 3. What is not in the order to stop is down: a relay that comes back without having said good-bye was gone since its last sign of life.
import type { RelayMeasures, RelayStats } from '../../native/relay-port.js';
import type { Outage, OutageReason } from './outage.js';
import { DAYS_KEPT, DAY_MS, HOUR_MS, MINUTE_MS } from './sla-history.js';
import { emptySum, recordOf, stretch, type SlaRecord, type SlaSum, type TimeKind } from './sla-record.js';

/** Difference between the clocks above which the wall clock was moved. */
const CLOCK_JUMP_MS = 5_000;
/** Shorter planned or unplanned breaks are no outage worth a line. */
const OUTAGE_MS_MIN = 1;
/** Pushes are answered, sessions opened and pages served in a time of their own; a read may be asked to wait, a blob is as slow as it is large. */
const TIMED_ROUTES: readonly string[] = ['websocket_push', 'session', 'push', 'frames', 'control'];

/** Counts of what was not measured. */
const NONE = new Float64Array(0);

export type RelayState = 'up' | Exclude<OutageReason, 'crash'>;

export interface Instant {
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export type Figures = Pick<
  RelayStats,
  'messagesInTotal' | 'messagesOutTotal' | 'upgradesRefusedTotal' | 'protocolErrorsTotal' | 'resetsTotal' | 'heartbeatTimeoutsTotal' | 'handshakesFailedTotal'
>;
export type Totals = { readonly measures: RelayMeasures; readonly stats: Figures };

/** Who keeps what was recorded. */
export interface RecordSink {
  /** Ascending, and after everything before. */
  record(records: readonly SlaRecord[]): void;
  outage(outage: Outage): void;
}

/** How a run before this one ended. */
export interface LastRun {
  /** Its last sign of life. */
  readonly atMs: number;
  readonly inOrder: boolean;
  /** The outage it was in. */
  readonly outage: { readonly fromMs: number; readonly reason: OutageReason } | null;
}

export class SlaRecorder {
  readonly #sink: RecordSink;
  #last: Instant;
  #current: SlaSum;
  /** The same as it was at the last tick; made when it is asked for. */
  #packed: SlaRecord | null = null;
  #before: Totals | null = null;
  #outage: { readonly fromMs: number; readonly reason: OutageReason } | null = null;

  /** Begins now; what lies between the last run and now is accounted for. */
  constructor(sink: RecordSink, now: Instant, lastRun: LastRun | null) {
    this.#sink = sink;
    // A wall clock that was set back since then goes on where the last run ended.
    const startMs = Math.max(now.wallMs, lastRun?.atMs ?? 0);
    this.#last = { wallMs: startMs, monotonicMs: now.monotonicMs };
    this.#current = emptySum(startMs, startMs);
    if (lastRun !== null && startMs > lastRun.atMs) this.#fillGap(lastRun, startMs);
  }

  /** The stretch under way. */
  get current(): SlaRecord {
    this.#packed ??= recordOf(this.#current);
    return this.#packed;
  }

  /** The outage under way, and its beginning. */
  get outage(): { readonly fromMs: number; readonly reason: OutageReason } | null {
    return this.#outage;
  }

  /** The end of what is accounted for. */
  get atMs(): number {
    return this.#last.wallMs;
  }

  /** What the relay is now; it is taken to have been so since the last call. */
  tick(now: Instant, state: RelayState, totals: Totals | null): void {
    this.#packed = null;
    const passedMs = Math.max(0, now.monotonicMs - this.#last.monotonicMs);
    const wallMs = now.wallMs - this.#last.wallMs;
    const fromMs = wallMs - passedMs > CLOCK_JUMP_MS ? now.wallMs - passedMs : this.#last.wallMs;
    const toMs = Math.max(this.#last.wallMs, now.wallMs);
    this.#account(fromMs, toMs, kindOf(state));
    this.#turn(fromMs, toMs, state);
    this.#last = { wallMs: toMs, monotonicMs: now.monotonicMs };
    if (totals !== null) this.#count(totals);
  }

  /** Hands over what is unfinished; nothing is recorded any more. */
  finish(): void {
    if (this.#current.toMs > this.#current.fromMs) this.#sink.record([recordOf(this.#current)]);
    this.#current = emptySum(this.#last.wallMs, this.#last.wallMs);
    this.#packed = null;
  }

  #fillGap({ atMs, inOrder, outage }: LastRun, startMs: number): void {
    const reason = inOrder ? 'planned' : 'crash';
    const fromMs = Math.max(atMs, startMs - DAYS_KEPT * DAY_MS);
    this.#sink.record(pieces(fromMs, startMs, HOUR_MS).map((piece) => stretch(piece.fromMs, piece.toMs, inOrder ? 'planned' : 'down')));
    if (outage !== null && outage.reason !== reason) this.#sink.outage({ ...outage, toMs: atMs });
    this.#sink.outage({ fromMs: outage?.reason === reason ? outage.fromMs : atMs, toMs: startMs, reason });
  }

  #account(fromMs: number, toMs: number, kind: TimeKind): void {
    for (const piece of pieces(fromMs, toMs, MINUTE_MS)) {
      if (Math.floor(piece.fromMs / MINUTE_MS) !== Math.floor(this.#current.fromMs / MINUTE_MS)) {
        if (this.#current.toMs > this.#current.fromMs) this.#sink.record([recordOf(this.#current)]);
        this.#current = emptySum(piece.fromMs, piece.fromMs);
      }
      this.#current.toMs = piece.toMs;
      this.#current[`${kind}Ms`] += piece.toMs - piece.fromMs;
    }
  }

  #turn(fromMs: number, toMs: number, state: RelayState): void {
    if (state === (this.#outage?.reason ?? 'up')) return;
    if (this.#outage !== null && toMs - this.#outage.fromMs >= OUTAGE_MS_MIN) this.#sink.outage({ ...this.#outage, toMs: fromMs });
    this.#outage = state === 'up' ? null : { fromMs, reason: state };
  }

  #count(totals: Totals): void {
    const { measures, stats } = totals;
    const before = this.#before;
    const sum = this.#current;
    for (const { route, ok, clientErrors, relayErrors } of measures.requests) {
      const earlier = before?.measures.requests.find((other) => other.route === route) ?? null;
      sum.ok += total(ok.counts) - total(earlier?.ok.counts ?? NONE);
      sum.clientErrors += clientErrors - (earlier?.clientErrors ?? 0);
      sum.relayErrors += relayErrors - (earlier?.relayErrors ?? 0);
      if (!TIMED_ROUTES.includes(route)) continue;
      sum.durations.addGrown(ok, earlier?.ok ?? null);
      sum.durationMicros += ok.micros - (earlier?.ok.micros ?? 0);
    }
    sum.syncs.addGrown(measures.syncs, before?.measures.syncs ?? null);
    sum.syncMicros += measures.syncs.micros - (before?.measures.syncs.micros ?? 0);
    sum.messages += messagesOf(stats) - (before === null ? 0 : messagesOf(before.stats));
    sum.connectionErrors += errorsOf(stats) - (before === null ? 0 : errorsOf(before.stats));
    this.#before = totals;
  }
}

function kindOf(state: RelayState): TimeKind {
  if (state === 'up' || state === 'planned') return state;
  return 'down';
}

/** A stretch cut at whole multiples of a length. */
function pieces(fromMs: number, toMs: number, lengthMs: number): { fromMs: number; toMs: number }[] {
  const cut: { fromMs: number; toMs: number }[] = [];
  for (let at = fromMs; at < toMs; ) {
    const end = Math.min(toMs, (Math.floor(at / lengthMs) + 1) * lengthMs);
    cut.push({ fromMs: at, toMs: end });
    at = end;
  }
  return cut;
}

function total(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function messagesOf({ messagesInTotal, messagesOutTotal }: Figures): number {
  return messagesInTotal + messagesOutTotal;
}

function errorsOf(stats: Figures): number {
  return stats.upgradesRefusedTotal + stats.protocolErrorsTotal + stats.resetsTotal + stats.heartbeatTimeoutsTotal + stats.handshakesFailedTotal;
}
