// What is said about a metric: the one description that the scrape, the reference page and the tests read.
import type { LabelName, Labels } from './closed-labels.js';

export interface MetricRow {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
}

/** A metric with labels from closed lists. */
export interface LabelledRow extends MetricRow {
  readonly labels: readonly LabelName[];
}

/** One value of a metric. `suffix` is what a histogram appends to its name. */
export interface Sample {
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels: Labels;
  readonly value: number;
}

/** A metric, and how its values are read at a scrape. */
export interface Readable<Row extends MetricRow = MetricRow> {
  readonly row: Row;
  readonly read: () => readonly Sample[];
}

/** A value without labels; none when there is nothing to tell. */
export function single(value: number | null): readonly Sample[] {
  return value === null ? [] : [{ labels: {}, value }];
}
