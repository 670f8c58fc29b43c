// A contest: all contestants of a row run, and each repeat visits them in turn, so that a slow minute hits all alike.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { middleOf, sentenceOf } from './numbers.mjs';
import { Absent, runForJson } from './processes.mjs';
import { LOAD_PROGRAM, startTarget } from './servers.mjs';

export { median } from './numbers.mjs';

/** What a generator run may take beyond its window: connecting, warming up, draining. */
const EXTRA_MS = 60_000;

/** A generator this busy may be what was measured. */
const SATURATED_SHARE = 0.95;
/** At a steady pace: p99 of the lateness from which it is. */
const LATE_US_MAX = 1000;

/**
 * @typedef {object} Context
 * @property {import('./options.mjs').Options} options
 * @property {string} dir
 * @property {{server: string | null, load: string | null}} pins
 * @property {number} deadline  milliseconds of `performance.now()`
 */

/**
 * @typedef {object} Contest
 * @property {'push' | 'fanout'} mode
 * @property {Record<string, string | number>} flags  of the generator
 * @property {readonly import('./servers.mjs').Contestant[]} contestants
 */

/**
 * @typedef {object} Run  what the generator printed, in one form for all modes
 * @property {number} rate  entries or deliveries per second
 * @property {Latency} latencyUs
 * @property {number} serverCpuUs  per entry or delivery
 * @property {number} loadCpuShare
 * @property {boolean} saturated  the generator may be what was measured
 * @property {number} faults  lost, doubled or unanswered
 * @property {Output} raw
 */

/** @typedef {{p50: number, p99: number}} Latency  microseconds */
/** @typedef {{latency_us: Latency, wall_seconds: number, load_cpu_seconds: number, rate?: number, late_us?: Latency, lost?: number, duplicates?: number, unanswered?: number}} OutputBase */
/** @typedef {OutputBase & {entries_per_second?: number, server_cpu_us_per_entry?: number, deliveries_per_second?: number, server_cpu_us_per_delivery?: number}} Output */

/** @typedef {{server: string, runs: Run[], failure: string | null, absent: string | null}} Result */
/** @typedef {Result & {target: import('./servers.mjs').Target | null}} Entry */

/**
 * @param {Context} context
 * @param {string} id
 * @param {Contest} contest
 * @returns {Promise<Result[]>}
 */
export async function measureContest(context, id, contest) {
  const dataDir = join(context.dir, id);
  const wanted = contest.contestants.filter(({ name }) => context.options.servers === null || context.options.servers.includes(name));
  /** @type {Entry[]} */
  const entries = [];
  try {
    for (const contestant of wanted) entries.push(await open(context, contestant, join(dataDir, contestant.name)));
    for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
      for (const entry of entries) await visit(context, contest, entry);
    }
  } finally {
    for (const { target } of entries) await target?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  return entries.map(({ server, runs, failure, absent }) => ({ server, runs, failure, absent }));
}

/**
 * @param {Context} context
 * @param {import('./servers.mjs').Contestant} contestant
 * @param {string} dataDir
 * @returns {Promise<Entry>}
 */
async function open(context, contestant, dataDir) {
  const entry = { server: contestant.name, runs: [], failure: null, absent: null, target: null };
  try {
    return { ...entry, target: await contestant.start(context.pins.server, dataDir) };
  } catch (error) {
    return error instanceof Absent ? { ...entry, absent: error.message } : { ...entry, failure: sentenceOf(error) };
  }
}

/**
 * @param {Context} context
 * @param {Contest} contest
 * @param {Entry} entry
 */
async function visit(context, contest, entry) {
  if (entry.failure !== null || entry.absent !== null || entry.target === null) return;
  if (performance.now() > context.deadline) {
    if (entry.runs.length === 0) entry.absent = 'not measured: the time was up (--minutes)';
    return;
  }
  try {
    entry.runs.push(asRun(await runAgainst(context, contest, entry.target)));
  } catch (error) {
    if (error instanceof Absent) entry.absent = error.message;
    else entry.failure = sentenceOf(error);
  }
}

/**
 * @param {Context} context
 * @param {Contest} contest
 * @param {import('./servers.mjs').Target} target
 * @returns {Promise<Output>}
 */
function runAgainst(context, contest, target) {
  const flags = { ...contest.flags, '--seconds': context.options.seconds, ...target.flags };
  if (target.inProcess !== undefined) return runForJson(context.pins.server, target.inProcess(flags), context.options.seconds * 2000 + EXTRA_MS);
  return load(context, contest.mode, { '--target': target.target, '--server-pid': target.pid, ...flags });
}

/**
 * @param {Output} raw
 * @returns {Run}
 */
function asRun(raw) {
  const loadCpuShare = raw.load_cpu_seconds / raw.wall_seconds;
  const paced = (raw.rate ?? 0) > 0;
  return {
    rate: raw.entries_per_second ?? raw.deliveries_per_second ?? 0,
    latencyUs: raw.latency_us,
    serverCpuUs: raw.server_cpu_us_per_entry ?? raw.server_cpu_us_per_delivery ?? 0,
    loadCpuShare,
    // At a steady pace the generator spins, and what shows that it is behind is how late its messages leave.
    saturated: paced ? (raw.late_us?.p99 ?? 0) > LATE_US_MAX : loadCpuShare > SATURATED_SHARE,
    faults: (raw.lost ?? 0) + (raw.duplicates ?? 0) + (raw.unanswered ?? 0),
    raw,
  };
}

/**
 * Runs the generator.
 * @template T
 * @param {Context} context
 * @param {string} mode
 * @param {Record<string, string | number>} flags
 * @returns {Promise<T>}
 */
export function load(context, mode, flags) {
  const command = [LOAD_PROGRAM, mode, ...Object.entries(flags).flatMap(([name, value]) => [name, String(value)])];
  return runForJson(context.pins.load, command, Number(flags['--seconds'] ?? 0) * 2000 + EXTRA_MS);
}

/** @typedef {{append_fdatasync_us: Latency, prepared_fdatasync_us: Latency}} DiskOutput */
/** @typedef {{appendUs: number, preparedUs: number, roundTripUs: number}} Floor */

/**
 * What no server can beat: a bare durable write, and a round trip with nothing in it. Medians, in microseconds.
 * @param {Context} context
 * @returns {Promise<Floor>}
 */
export async function measureFloor(context) {
  const dataDir = join(context.dir, 'floor');
  const seconds = Math.min(context.options.seconds, 1) / 2;
  const echo = await startTarget('limit', context.pins.server, dataDir);
  try {
    /** @type {Floor[]} */
    const seen = [];
    for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
      /** @type {DiskOutput} */
      const disk = await load(context, 'disk', { '--dir': dataDir, '--bytes': 1024, '--seconds': seconds });
      /** @type {Output} */
      const trip = await load(context, 'push', { '--target': echo.target.replace('limit:', 'echo:'), '--bytes': 1024, '--seconds': seconds });
      seen.push({ appendUs: disk.append_fdatasync_us.p50, preparedUs: disk.prepared_fdatasync_us.p50, roundTripUs: trip.latency_us.p50 });
    }
    return {
      appendUs: middleOf(seen.map(({ appendUs }) => appendUs)),
      preparedUs: middleOf(seen.map(({ preparedUs }) => preparedUs)),
      roundTripUs: middleOf(seen.map(({ roundTripUs }) => roundTripUs)),
    };
  } finally {
    await echo.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
