// The metrics of the process. Written here because the usual default set breaks the naming rules that promtool checks.
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { single, type MetricRow, type Readable } from './metric-row.js';

export interface ProcessFigures {
  readonly rows: readonly Readable[];
  readonly stop: () => void;
}

const NS = 1e-9;
const US = 1e-6;
const LAG_RESOLUTION_MS = 20;

export const PROCESS_ROWS = {
  start: gauge('process_start_time_seconds', 'Start of the process since the Unix epoch.'),
  resident: gauge('process_resident_memory_bytes', 'Resident memory of the process.'),
  descriptors: gauge('process_open_fds', 'Open file descriptors; 0 where the system does not tell.'),
  heap: gauge('relay_js_heap_used_bytes', 'Used JavaScript heap.'),
  lagMean: gauge('relay_js_event_loop_lag_mean_seconds', 'Mean event-loop delay since the last scrape.'),
  lagP99: gauge('relay_js_event_loop_lag_p99_seconds', 'Event-loop delay that one in a hundred exceeded since the last scrape.'),
  lagMax: gauge('relay_js_event_loop_lag_max_seconds', 'Longest event-loop delay since the last scrape.'),
  cpu: { name: 'process_cpu_seconds_total', help: 'User and system CPU time.', type: 'counter' },
  logLost: { name: 'relay_log_lines_lost_total', help: 'Lines of the log lost because their place took none: a full disk, a pipe or a log server that is away.', type: 'counter' },
} as const satisfies Record<string, MetricRow>;

/** Starts measuring; `stop` ends the event-loop monitor. */
export function startProcessFigures(logLinesLost: () => number): ProcessFigures {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const startSeconds = Date.now() / 1000 - process.uptime();
  const reads: Readonly<Record<keyof typeof PROCESS_ROWS, () => number>> = {
    start: () => startSeconds,
    resident: () => process.memoryUsage.rss(),
    descriptors: openDescriptors,
    heap: () => process.memoryUsage().heapUsed,
    lagMean: () => beyondResolution(lag.mean),
    lagP99: () => beyondResolution(lag.percentile(99)),
    // The last of the three in a scrape, and the one that begins anew.
    lagMax: () => maxAndReset(lag),
    cpu: cpuSeconds,
    logLost: logLinesLost,
  };
  return {
    rows: Object.entries(reads).map(([key, read]) => ({ row: PROCESS_ROWS[key as keyof typeof PROCESS_ROWS], read: () => single(read()) })),
    stop: () => {
      lag.disable();
    },
  };
}

function gauge(name: string, help: string): MetricRow {
  return { name, help, type: 'gauge' };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * US;
}

/** The monitor measures from tick to tick; what is more than its own period is delay. NaN before the first tick. */
function beyondResolution(nanoseconds: number): number {
  const seconds = nanoseconds * NS - LAG_RESOLUTION_MS / 1000;
  return seconds > 0 ? seconds : 0;
}

function maxAndReset(lag: IntervalHistogram): number {
  const seconds = beyondResolution(lag.max);
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
