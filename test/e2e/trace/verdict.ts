// What must hold, and the table that says so.
import type { DramaResult, Script } from './acts.ts';
import type { DeviceReport } from './messages.ts';
import type { SinkResult } from './sinks.ts';

export interface Facts {
  readonly script: Script;
  readonly drama: DramaResult & { readonly sinks: readonly SinkResult[]; readonly diskBytes: number };
  readonly control: readonly SinkResult[];
  readonly laps: readonly Lap[];
}

/** One race: A types everything as fast as it can, through the relay and without one. */
export interface Lap {
  readonly seconds: number;
  readonly directSeconds: number;
  readonly wireBytes: number;
  readonly diskBytes: number;
  readonly report: DeviceReport;
}

export interface Verdict {
  readonly what: string;
  readonly holds: boolean;
}

/** Sealed bytes on the wire and on disk, as parts of the bytes handed to sealing and of the raw per-edit updates. */
const SEALED_RATIO_MAX = 1.3;
const RAW_RATIO_MAX = 0.8;

const median = (values: readonly number[]): number => values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export function judge({ drama, control, laps }: Facts): Verdict[] {
  const { a, b, c } = drama.reports;
  const worst = (part: (lap: Lap) => number): number => Math.max(...laps.map(part));
  return [
    { what: 'the three texts equal endContent plus the canaries', holds: drama.textsEqual },
    { what: 'no misbehaviour, rejection or error on any device', holds: [a, b, c].every(({ troubles }) => troubles.length === 0) },
    { what: 'A verified receipts, A and B verified acks', holds: a.receiptsVerified > 0 && a.acksVerified > 0 && b.acksVerified > 0 },
    { what: 'C started from the snapshot of A', holds: c.bootstrapped },
    { what: 'every tick of the paced segment arrived', holds: drama.latenciesMs.length > 0 && drama.latenciesMs.every(Number.isFinite) },
    { what: `wire ≤ ${SEALED_RATIO_MAX} × handed to sealing`, holds: worst((lap) => lap.wireBytes / lap.report.mergedBytes) <= SEALED_RATIO_MAX },
    { what: `disk ≤ ${SEALED_RATIO_MAX} × handed to sealing`, holds: worst((lap) => lap.diskBytes / lap.report.mergedBytes) <= SEALED_RATIO_MAX },
    {
      what: `wire and disk ≤ ${RAW_RATIO_MAX} × raw per-edit updates`,
      holds: worst((lap) => Math.max(lap.wireBytes, lap.diskBytes) / lap.report.rawBytes) <= RAW_RATIO_MAX,
    },
    { what: 'no canary in any place', holds: drama.sinks.every(({ bytes, hits }) => bytes > 0 && hits === 0) },
    { what: 'control: canaries in each place', holds: control.length === drama.sinks.length && control.every(({ hits }) => hits > 0) },
  ];
}

const count = (value: number): string => value.toLocaleString('en-US');
const ratio = (value: number): string => value.toFixed(2);

function percentile(values: readonly number[], part: number): string {
  const sorted = values.toSorted((left, right) => left - right);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(1);
}

export function printTable(facts: Facts, verdicts: readonly Verdict[]): void {
  const { drama, control, laps, script } = facts;
  const { a, b, c } = drama.reports;
  const race = laps[0];
  if (race === undefined) return;
  const { rawBytes, mergedBytes, edits } = race.report;
  const troubles = [a, b, c].flatMap((report) => report.troubles);
  const rows: [string, string][] = [
    ['edits (canaries included)', count(edits)],
    ['entries (A in the race; drama at C)', `${count(race.report.entries)}; ${count(c.entries)}`],
    ['raw per-edit updates', `${count(rawBytes)} bytes`],
    [`handed to sealing, window ${script.windowMs} ms`, `${count(mergedBytes)} bytes`],
    ['on the wire, all devices to relay', `${count(race.wireBytes)} bytes = ${ratio(race.wireBytes / mergedBytes)} × sealed input, ${ratio(race.wireBytes / rawBytes)} × raw`],
    ['on disk', `${count(race.diskBytes)} bytes = ${ratio(race.diskBytes / mergedBytes)} × sealed input, ${ratio(race.diskBytes / rawBytes)} × raw`],
    ['throughput', `${ratio(median(laps.map((lap) => lap.directSeconds / lap.seconds)))} × the same without a relay (median of ${laps.length}; ${count(Math.round(edits / median(laps.map((lap) => lap.seconds))))} edits/s)`],
    ['delivery latency, paced', `p50 ${percentile(drama.latenciesMs, 0.5)} ms, p99 ${percentile(drama.latenciesMs, 0.99)} ms (batch window included)`],
    ['receipts verified (A)', count(a.receiptsVerified)],
    ['acks verified (A, B, C)', count(sum([a.acksVerified, b.acksVerified, c.acksVerified]))],
    ['troubles', troubles.length === 0 ? 'none' : [...new Set(troubles)].join(', ')],
    ...drama.sinks.map(({ sink, bytes, hits }, at): [string, string] => [
      `canaries in ${sink}`,
      `${hits} in ${count(bytes)} bytes; control ${control[at]?.hits ?? 0} in ${count(control[at]?.bytes ?? 0)}`,
    ]),
  ];
  console.log('');
  for (const [name, value] of rows) console.log(`${name.padEnd(38)} ${value}`);
  console.log('');
  for (const { what, holds } of verdicts) console.log(`${holds ? 'holds ' : 'FAILED'}  ${what}`);
}
