// What a full history of the service level takes: memory, disk, reading it at a start, and adding up each period. Log-normal latencies with a slow
// second kind, 4,000 draws a record. `node --expose-gc benches/sla-history.mjs`, after `npm run build`.
import { DAY_MS, DAYS_KEPT, HOURS_KEPT_DAYS, HOUR_MS, MINUTES_KEPT_MS, MINUTE_MS, SlaHistory } from '../dist/server/sla/sla-history.js';
import { placeOf } from '../dist/server/latency-buckets.js';
import { decodeRecords, recordLines } from '../dist/server/sla/sla-line.js';
import { emptySum, recordOf } from '../dist/server/sla/sla-record.js';
import { PERIODS, periodRange, summarize } from '../dist/server/sla/sla-summary.js';

const NOW_MS = Date.UTC(2026, 10, 28, 9, 41);
const DRAWS = 4000;
const ROUNDS = 60;
/** More than this for a history that is full is a defect. */
const MEGABYTES_MAX = 16;
const collect = globalThis.gc ?? (() => undefined);
if (globalThis.gc === undefined) throw new Error('run it with --expose-gc');

let state = 1;
const draw = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};

/**
 * @param {number} medianMicros
 * @param {number} spread
 */
function latency(medianMicros, spread) {
  let normal = -6;
  for (let term = 0; term < 12; term += 1) normal += draw();
  return medianMicros * (draw() < 0.02 ? 30 : 1) * Math.exp(spread * normal);
}

/**
 * @param {number} fromMs
 * @param {number} lengthMs
 */
function record(fromMs, lengthMs) {
  const sum = emptySum(fromMs, fromMs + lengthMs);
  sum.upMs = lengthMs;
  for (let place = 0; place < DRAWS; place += 1) {
    sum.durations.add(placeOf(latency(1500, 0.5)), 1 + Math.floor(draw() * 40));
    if (place % 2 === 0) sum.syncs.add(placeOf(latency(900, 0.4)), 1 + Math.floor(draw() * 20));
  }
  return recordOf(sum);
}

/** Days, then hours, then minutes, as they are on disk. */
function fullHistory() {
  const hoursFromMs = Math.floor(NOW_MS / DAY_MS - HOURS_KEPT_DAYS) * DAY_MS;
  const minutesFromMs = Math.floor((NOW_MS - MINUTES_KEPT_MS) / HOUR_MS) * HOUR_MS;
  /** @type {string[]} */
  const lines = [];
  const fill = (/** @type {number} */ fromMs, /** @type {number} */ toMs, /** @type {number} */ lengthMs) => {
    for (let atMs = fromMs; atMs < toMs; atMs += lengthMs) lines.push(recordLines(record(atMs, lengthMs)));
  };
  fill(hoursFromMs - (DAYS_KEPT - HOURS_KEPT_DAYS - 1) * DAY_MS, hoursFromMs, DAY_MS);
  fill(hoursFromMs, minutesFromMs, HOUR_MS);
  fill(minutesFromMs, NOW_MS - MINUTE_MS, MINUTE_MS);
  return lines;
}

function megabytes() {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

const texts = fullHistory();
const bytes = texts.reduce((sum, text) => sum + text.length, 0);
const before = megabytes();
const cpu = process.cpuUsage();
const history = new SlaHistory();
history.load(texts.flatMap((text) => decodeRecords(text)), NOW_MS);
const { user, system } = process.cpuUsage(cpu);
const taken = megabytes() - before;
console.log(`${history.size} records: ${taken.toFixed(1)} MB in memory, ${(bytes / 1e6).toFixed(1)} MB on disk (${Math.round(bytes / history.size)} bytes each), read with ${Math.round((user + system) / 1000)} ms of CPU`);
for (const period of /** @type {(keyof typeof PERIODS)[]} */ (Object.keys(PERIODS))) {
  const { fromMs, toMs } = periodRange(period, NOW_MS);
  const times = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    summarize(history.sum(fromMs, toMs), { targetPercent: 99.9, websocketsOpen: 0 });
    return performance.now() - began;
  }).toSorted((a, b) => a - b);
  console.log(`${period}: ${(times[ROUNDS / 2] ?? 0).toFixed(2)} ms (median of ${ROUNDS})`);
}
console.log(`with the sums that are remembered: ${(megabytes() - before).toFixed(1)} MB`);
if (taken > MEGABYTES_MAX) process.exitCode = 1;
