// The labels metrics may have, each with every value it can take. Whatever is not in the list becomes `other`, so that
// nothing that came in from outside can become a label value.
import { ERRORS } from '../../protocol/errors.js';

/** Where requests come in; the names are the core's. */
export const ROUTES = ['websocket_push', 'session', 'push', 'read', 'frames', 'blob', 'foreign', 'control'] as const;
export type Route = (typeof ROUTES)[number];

const OUTCOMES = ['ok', 'client_error', 'relay_error'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Upper ends of the buckets that are shown, in seconds; each is the end of one of the core's finer buckets, so that what is below it is counted exactly. */
export const SHOWN_BOUNDS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 8] as const;

export const CLOSED_LABELS = {
  route: ROUTES,
  outcome: OUTCOMES,
  code: Object.keys(ERRORS),
  period: ['1h', '24h', '7d', '30d'],
  percentile: ['p50', 'p95', 'p99'],
  le: [...SHOWN_BOUNDS_SECONDS.map(String), '+Inf'],
} as const satisfies Record<string, readonly string[]>;

export type LabelName = keyof typeof CLOSED_LABELS;
export type Labels = Readonly<Partial<Record<LabelName, string>>>;

/** The value, or `other` when it is not in the label's list. */
function closedValue(label: LabelName, value: string): string {
  return (CLOSED_LABELS[label] as readonly string[]).includes(value) ? value : 'other';
}

/** The labels with every value closed. */
export function closedLabels(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, closedValue(label as LabelName, value)]));
}
