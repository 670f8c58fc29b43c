// The metrics with labels: requests and their durations by route, syncs of the store, errors by code.
import type { RelayMeasures } from '../../native/relay-port.js';
import { placeOf } from '../latency-buckets.js';
import { SHOWN_BOUNDS_SECONDS, type Labels } from './closed-labels.js';
import type { LabelledRow, Readable, Sample } from './metric-row.js';

type Durations = RelayMeasures['syncs'];

const US = 1_000_000;
/** The bounds that are shown, and the core's bucket that each of them ends. */
const SHOWN = SHOWN_BOUNDS_SECONDS.map((bound) => ({ le: String(bound), last: placeOf(Math.round(bound * US)) }));

export const MEASURE_ROWS = {
  requests: {
    name: 'relay_requests_total',
    help: 'Requests by where they came in and how they ended; pushes over a WebSocket are counted one by one.',
    type: 'counter',
    labels: ['route', 'outcome'],
  },
  durations: {
    name: 'relay_request_duration_seconds',
    help: 'Time from a request to its answer, of those that ended well. Reads may be asked to wait for entries.',
    type: 'histogram',
    labels: ['route'],
  },
  syncs: {
    name: 'relay_store_sync_duration_seconds',
    help: 'Time of the sync calls that make commits durable.',
    type: 'histogram',
    labels: [],
  },
  errors: {
    name: 'relay_errors_sent_total',
    help: 'Errors sent to clients of the native protocol, by their name in the registry; those that happened.',
    type: 'counter',
    labels: ['code'],
  },
} as const satisfies Record<string, LabelledRow>;

/** How they are read, in the order of the table. */
export function measureMetrics(measures: () => RelayMeasures | null): readonly Readable[] {
  const from = (row: LabelledRow, samples: (taken: RelayMeasures) => readonly Sample[]): Readable => ({
    row,
    read: () => {
      const taken = measures();
      return taken === null ? [] : samples(taken);
    },
  });
  return [
    from(MEASURE_ROWS.requests, ({ requests }) => requests.flatMap(outcomesOf)),
    from(MEASURE_ROWS.durations, ({ requests }) => requests.flatMap(({ route, ok }) => histogram(ok, { route }))),
    from(MEASURE_ROWS.syncs, ({ syncs }) => histogram(syncs, {})),
    from(MEASURE_ROWS.errors, ({ errors }) => errors.map(({ code, count }) => ({ labels: { code }, value: count }))),
  ];
}

function outcomesOf({ route, ok, clientErrors, relayErrors }: RelayMeasures['requests'][number]): Sample[] {
  return [
    { labels: { route, outcome: 'ok' }, value: sum(ok.counts) },
    { labels: { route, outcome: 'client_error' }, value: clientErrors },
    { labels: { route, outcome: 'relay_error' }, value: relayErrors },
  ];
}

/** The core's buckets joined into the fewer ones that are shown, cumulative as Prometheus wants them. */
function histogram({ places, counts, micros }: Durations, labels: Labels): Sample[] {
  const samples: Sample[] = [];
  let [at, below] = [0, 0];
  for (const { le, last } of SHOWN) {
    for (; (places[at] ?? Infinity) <= last; at += 1) below += counts[at] ?? 0;
    samples.push({ suffix: '_bucket', labels: { ...labels, le }, value: below });
  }
  const total = sum(counts);
  samples.push({ suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: total });
  return [...samples, { suffix: '_sum', labels, value: micros / US }, { suffix: '_count', labels, value: total }];
}

function sum(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0);
}
