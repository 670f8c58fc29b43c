// The load plan: 1,000 connections push 10,000 entries a minute, 1 KiB to 10 MB, more than 10 MB/s, at a steady pace. A push is
// late from the moment it was due, so a queue anywhere shows in the latency.
import { readFileSync } from 'node:fs';
import { loadGenerator, runGenerator } from '../support/load-generator.ts';
import { freePort, startRelay, type RelayProcess } from '../support/relay-process.ts';

const CONNECTIONS = 1000;
const SPACES = 8;
const PUSHES_PER_SECOND = 10_000 / 60;
const P99_MS_MAX = 100;
/** Of the sizes on average; a run of seconds may draw smaller ones. */
const MEGABYTES_PER_SECOND_MIN = 10;
const QUEUE_MS_MAX = 1000;
/** Flat: the highest of the last third over the highest of the second; the first is the warm-up. */
const FLAT_RATIO_MAX = 1.1;
const MEMORY_LOOKS = 60;
const STOP_MS = 2500;

interface Output {
  readonly entries: number;
  readonly sent_bytes: number;
  readonly wall_seconds: number;
  readonly unanswered: number;
  readonly latency_us: { readonly p50: number; readonly p99: number; readonly longest: number };
}

export interface PlanReport {
  readonly pushes: number;
  readonly megabytes: number;
  readonly megabytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  readonly unanswered: number;
  readonly memoryMib: number;
  readonly memoryRatio: number;
}

export interface PlanOptions {
  readonly dataDir: string;
  readonly seconds: number;
  /** How the generator is compiled. */
  readonly profile: 'dev' | 'torture';
  /** The control: the relay's process is stopped for a while in the middle. */
  readonly stopped?: boolean;
}

/** Resident memory, in bytes. */
function residentBytes(pid: number): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

function flatness(looks: readonly number[]): number {
  const third = Math.floor(looks.length / 3);
  return Math.max(...looks.slice(2 * third)) / Math.max(...looks.slice(third, 2 * third));
}

function stopInTheMiddle(relay: RelayProcess, seconds: number): NodeJS.Timeout {
  return setTimeout(() => {
    process.kill(relay.pid, 'SIGSTOP');
    setTimeout(() => process.kill(relay.pid, 'SIGCONT'), STOP_MS);
  }, seconds * 500);
}

/** Runs the plan against the product. */
export async function runLoadPlan({ dataDir, seconds, profile, stopped = false }: PlanOptions): Promise<PlanReport> {
  const generator = await loadGenerator(profile);
  const relay = await startRelay({ dataDir, port: await freePort() });
  const looks: number[] = [];
  const looking = setInterval(() => looks.push(residentBytes(relay.pid)), (seconds * 1000) / MEMORY_LOOKS);
  const stopping = stopped ? stopInTheMiddle(relay, seconds) : undefined;
  try {
    const shape = ['--connections', `${CONNECTIONS}`, '--spaces', `${SPACES}`, '--rate', `${PUSHES_PER_SECOND}`, '--mix', 'yes'];
    const seen = (await runGenerator(generator, ['push', '--target', relay.address, '--seconds', `${seconds}`, ...shape])) as Output;
    return {
      pushes: seen.entries,
      megabytes: Math.round(seen.sent_bytes / 1e6),
      megabytesPerSecond: seen.sent_bytes / seen.wall_seconds / 1e6,
      p50Ms: seen.latency_us.p50 / 1000,
      p99Ms: seen.latency_us.p99 / 1000,
      longestMs: seen.latency_us.longest / 1000,
      unanswered: seen.unanswered,
      memoryMib: Math.round(Math.max(...looks) / 1024 / 1024),
      memoryRatio: flatness(looks),
    };
  } finally {
    clearInterval(looking);
    clearTimeout(stopping);
    await relay.stop();
  }
}

/** What of the plan was not held in any run, however short. */
export function brokenPromises(report: PlanReport): string[] {
  return [
    ...(report.unanswered > 0 ? [`${report.unanswered} pushes without a receipt`] : []),
    ...(report.longestMs > QUEUE_MS_MAX ? [`a push waited ${report.longestMs.toFixed(0)} ms`] : []),
  ];
}

/** What of the plan was not held; for runs of a minute and more. */
export function brokenPlan(report: PlanReport): string[] {
  return [
    ...brokenPromises(report),
    ...(report.p99Ms > P99_MS_MAX ? [`p99 was ${report.p99Ms.toFixed(1)} ms`] : []),
    ...(report.megabytesPerSecond < MEGABYTES_PER_SECOND_MIN ? [`${report.megabytesPerSecond.toFixed(1)} MB/s were offered`] : []),
    ...(report.memoryRatio > FLAT_RATIO_MAX ? [`memory grew by a factor of ${report.memoryRatio.toFixed(2)}`] : []),
  ];
}
