// The metrics of the process. Written here because the usual default set breaks the naming rules that promtool checks.
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { MetricRow } from './relay-metrics.js';

/** A metric of this side of the border, and how it is read. */
export type OwnFigure = MetricRow & { readonly read: () => number };

export interface ProcessFigures {
  readonly rows: readonly OwnFigure[];
  readonly stop: () => void;
}

const NS = 1e-9;
const US = 1e-6;
const LAG_RESOLUTION_MS = 20;

/** Starts measuring; `stop` ends the event-loop monitor. */
export function startProcessFigures(): ProcessFigures {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const startSeconds = Date.now() / 1000 - process.uptime();
  return {
    rows: [
      gauge('process_start_time_seconds', 'Start of the process since the Unix epoch.', () => startSeconds),
      gauge('process_resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss()),
      gauge('process_open_fds', 'Open file descriptors; 0 where the system does not tell.', openDescriptors),
      gauge('relay_js_heap_used_bytes', 'Used JavaScript heap.', () => process.memoryUsage().heapUsed),
      gauge('relay_js_event_loop_lag_max_seconds', 'Longest event-loop delay since the last scrape.', () => longestLag(lag)),
      { ...gauge('process_cpu_seconds_total', 'User and system CPU time.', cpuSeconds), type: 'counter' },
    ],
    stop: () => {
      lag.disable();
    },
  };
}

function gauge(name: string, help: string, read: () => number): MetricRow & { readonly read: () => number } {
  return { name, help, type: 'gauge', divisor: 1, read };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * US;
}

function longestLag(lag: IntervalHistogram): number {
  const seconds = lag.max * NS;
  lag.reset();
  return seconds;
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
