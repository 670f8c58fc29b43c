// Measuring one row: all its servers run, and each repeat visits them in turn, so that a slow minute hits all alike.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { runForJson } from './processes.mjs';
import { LOAD_PROGRAM, startTarget } from './servers.mjs';

/** What a generator run may take beyond its window: connecting, warming up, draining. */
const EXTRA_MS = 40_000;

/**
 * @typedef {object} Context
 * @property {import('./options.mjs').Options} options
 * @property {string} dir
 * @property {{server: string | null, load: string | null}} pins
 * @property {number} deadline  milliseconds of `performance.now()`
 */

/**
 * @typedef {object} Run  what the generator printed, in one form for both modes
 * @property {number} rate  entries or deliveries per second
 * @property {Latency} latencyUs
 * @property {number} serverCpuUs  per entry or delivery
 * @property {number} loadCpuShare
 * @property {number} faults  lost, doubled or unanswered
 * @property {PushOutput | FanoutOutput} raw
 */

/** @typedef {{p50: number, p99: number}} Latency  microseconds */
/** @typedef {{latency_us: Latency, wall_seconds: number, load_cpu_seconds: number}} Output */
/** @typedef {Output & {entries_per_second: number, server_cpu_us_per_entry: number, unanswered: number}} PushOutput */
/** @typedef {Output & {deliveries_per_second: number, server_cpu_us_per_delivery: number, lost: number, duplicates: number}} FanoutOutput */
/** @typedef {{append_fdatasync_us: Latency, prepared_fdatasync_us: Latency}} DiskOutput */

/** @typedef {{server: import('./rows.mjs').ServerName, runs: Run[], failure: string | null}} Result */

/**
 * @param {Context} context
 * @param {import('./rows.mjs').Row} row
 * @returns {Promise<Result[]>}
 */
export async function measureRow(context, row) {
  const dataDir = join(context.dir, row.id);
  const names = row.servers.filter((name) => context.options.servers.includes(name));
  /** @type {(Result & {target: import('./servers.mjs').Target | null})[]} */
  const entries = [];
  try {
    for (const server of names) entries.push(await open(context, server, join(dataDir, server)));
    for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
      for (const entry of entries) await visit(context, row, entry);
    }
  } finally {
    for (const { target } of entries) await target?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  return entries.map(({ server, runs, failure }) => ({ server, runs, failure }));
}

/**
 * @param {Context} context
 * @param {import('./rows.mjs').ServerName} server
 * @param {string} dataDir
 */
async function open(context, server, dataDir) {
  try {
    const target = await startTarget(server, context.pins.server, dataDir);
    return { server, runs: [], failure: null, target };
  } catch (error) {
    return { server, runs: [], failure: sentenceOf(error), target: null };
  }
}

/**
 * @param {Context} context
 * @param {import('./rows.mjs').Row} row
 * @param {Result & {target: import('./servers.mjs').Target | null}} entry
 */
async function visit(context, row, entry) {
  if (entry.failure !== null || entry.target === null) return;
  if (performance.now() > context.deadline) {
    if (entry.runs.length === 0) entry.failure = 'not measured: the time was up (--minutes)';
    return;
  }
  try {
    entry.runs.push(await runLoad(context, row, entry.target));
  } catch (error) {
    entry.failure = sentenceOf(error);
  }
}

/**
 * @param {Context} context
 * @param {import('./rows.mjs').Row} row
 * @param {import('./servers.mjs').Target} target
 * @returns {Promise<Run>}
 */
async function runLoad(context, row, target) {
  const flags = {
    '--target': target.target,
    '--connections': row.connections,
    '--in-flight': row.inFlight,
    '--bytes': row.bytes,
    '--seconds': context.options.seconds,
    '--server-pid': target.pid,
  };
  return row.mode === 'push' ? pushRun(await load(context, row.mode, flags)) : fanoutRun(await load(context, row.mode, flags));
}

/**
 * @param {PushOutput} raw
 * @returns {Run}
 */
function pushRun(raw) {
  return {
    rate: raw.entries_per_second,
    latencyUs: raw.latency_us,
    serverCpuUs: raw.server_cpu_us_per_entry,
    loadCpuShare: raw.load_cpu_seconds / raw.wall_seconds,
    faults: raw.unanswered,
    raw,
  };
}

/**
 * @param {FanoutOutput} raw
 * @returns {Run}
 */
function fanoutRun(raw) {
  return {
    rate: raw.deliveries_per_second,
    latencyUs: raw.latency_us,
    serverCpuUs: raw.server_cpu_us_per_delivery,
    loadCpuShare: raw.load_cpu_seconds / raw.wall_seconds,
    faults: raw.lost + raw.duplicates,
    raw,
  };
}

/**
 * @template T
 * @param {Context} context
 * @param {string} mode
 * @param {Record<string, string | number>} flags
 * @returns {Promise<T>}
 */
function load(context, mode, flags) {
  const command = [LOAD_PROGRAM, mode, ...Object.entries(flags).flatMap(([name, value]) => [name, String(value)])];
  return runForJson(context.pins.load, command, context.options.seconds * 2000 + EXTRA_MS);
}

/**
 * What no server can beat: a bare durable write, and a round trip with nothing in it. Medians, in microseconds.
 * @param {Context} context
 * @returns {Promise<{appendUs: number, preparedUs: number, roundTripUs: number}>}
 */
export async function measureFloor(context) {
  const dataDir = join(context.dir, 'floor');
  const seconds = Math.min(context.options.seconds, 1);
  const echo = await startTarget('limit', context.pins.server, dataDir);
  try {
    /** @type {{appendUs: number, preparedUs: number, roundTripUs: number}[]} */
    const seen = [];
    for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
      /** @type {DiskOutput} */
      const disk = await load(context, 'disk', { '--dir': dataDir, '--bytes': 1024, '--seconds': seconds / 2 });
      /** @type {PushOutput} */
      const trip = await load(context, 'push', { '--target': echo.target.replace('limit:', 'echo:'), '--bytes': 1024, '--seconds': seconds / 2 });
      seen.push({
        appendUs: disk.append_fdatasync_us.p50,
        preparedUs: disk.prepared_fdatasync_us.p50,
        roundTripUs: trip.latency_us.p50,
      });
    }
    return {
      appendUs: median(seen, ({ appendUs }) => appendUs).appendUs,
      preparedUs: median(seen, ({ preparedUs }) => preparedUs).preparedUs,
      roundTripUs: median(seen, ({ roundTripUs }) => roundTripUs).roundTripUs,
    };
  } finally {
    await echo.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/**
 * The item in the middle; of an even number the lower of the two.
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => number} valueOf
 * @returns {T}
 */
export function median(items, valueOf) {
  const sorted = [...items].sort((a, b) => valueOf(a) - valueOf(b));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error('there is no median of nothing');
  return middle;
}

/** @param {unknown} error */
function sentenceOf(error) {
  return error instanceof Error ? error.message : String(error);
}
