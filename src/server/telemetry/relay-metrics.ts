// The metrics of the data plane: one row per figure of the native snapshot. No labels, so no id can ever become one.
import type { RelayStats } from '../../native/relay-port.js';

export interface MetricRow {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** What the snapshot's number is multiplied with to get the base unit of the name. */
  readonly scale: number;
}

const MS = 0.001;

export const RELAY_METRICS = {
  uptimeMs: { name: 'relay_uptime_seconds', type: 'gauge', scale: MS, help: 'Time since the relay started.' },
  eventLoopSilenceMs: {
    name: 'relay_event_loop_silence_seconds',
    type: 'gauge',
    scale: MS,
    help: 'Time since the JavaScript event loop last said that it turns.',
  },
  eventsDroppedTotal: {
    name: 'relay_events_dropped_total',
    type: 'counter',
    scale: 1,
    help: 'Log events of the core lost because nobody read them in time.',
  },
} as const satisfies Record<keyof RelayStats, MetricRow>;
