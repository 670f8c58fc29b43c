// Scrape: what `/metrics` costs the relay's processor, and how long `/metrics` takes while sessions are open and pushes come, beside a bare server that answers with as many bytes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../lib/measure.mjs';
import { middleOf } from '../lib/numbers.mjs';
import { startServer } from '../lib/processes.mjs';
import { baseline, freePort, LOAD_PROGRAM, PORT_LINE, startRelay } from '../lib/servers.mjs';
import { atMost, singleRow } from '../lib/single-row.mjs';

const GROUPS = 10;
const CONNECTIONS = 100;
const SCRAPES = 100;
const WARM_UPS = 20;
const CPU_MS_TARGET = 10;
/** A tick of the figures in /proc. */
const TICK_MS = 10;
/** Pushed before, so that every route class and histogram has figures. */
const SPACES = 50;
const SEED = 17;

/**
 * Milliseconds of processor time that a process has used.
 * @param {number} pid
 */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/**
 * Milliseconds of each scrape, by the clock and of the server's processor, and what the last one was.
 * @param {string} url
 * @param {number} pid
 */
async function scrapes(url, pid) {
  /** @type {number[]} */
  const ms = [];
  let [text, before] = ['', 0];
  for (let at = 0; at < WARM_UPS + SCRAPES; at += 1) {
    if (at === WARM_UPS) before = cpuMs(pid);
    const began = performance.now();
    text = await (await fetch(url)).text();
    if (at >= WARM_UPS) ms.push(performance.now() - began);
    // Longer than a snapshot is shared, so that each scrape reads the core.
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  ms.sort((a, b) => a - b);
  return { middle: middleOf(ms), p95: ms[Math.floor(ms.length * 0.95)] ?? 0, cpu: (cpuMs(pid) - before) / SCRAPES, text };
}

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const SCRAPE_ROWS = [
  singleRow({
    id: 'scrape',
    family: 'scrape',
    title: `/metrics with ${GROUPS * CONNECTIONS} sessions open, beside a bare server that answers with as many bytes`,
    see: async (context) => {
      const port = await freePort();
      const relay = await startRelay(context.pins.server, join(context.dir, 'scrape'), ['--admin.port', String(port)]);
      const space = { '--target': relay.target, '--seed': SEED, '--spaces': SPACES, '--entries': 10 };
      await load(context, 'fill', { ...space, '--bytes': 128, '--seconds': 60 });
      const flags = ['--target', relay.target, '--groups', String(GROUPS), '--connections', String(CONNECTIONS)];
      const held = await startServer(context.pins.load, [LOAD_PROGRAM, 'idle', ...flags], /"open":(\d+)/, { input: true });
      /** @type {{middle: number, p95: number, cpu: number, bare: number}[]} */
      const runs = [];
      let [series, bytes] = [0, 0];
      try {
        for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
          const { middle, p95, cpu, text } = await scrapes(`http://127.0.0.1:${port}/metrics`, relay.pid);
          series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
          bytes = Buffer.byteLength(text);
          const bare = await startServer(context.pins.server, [...baseline('static-http.mjs'), String(bytes)], PORT_LINE);
          runs.push({ middle, p95, cpu, bare: (await scrapes(`http://127.0.0.1:${bare.found}/`, bare.pid).finally(() => bare.stop())).middle });
        }
      } finally {
        await held.stop();
        await relay.stop();
      }
      const middle = middleOf(runs.map((run) => run.middle));
      const bare = middleOf(runs.map((run) => run.bare));
      return {
        lines: [`relay       ${middle.toFixed(2)} ms, one in twenty longer than ${middleOf(runs.map(({ p95 }) => p95)).toFixed(2)} ms; ${series} series, ${bytes} bytes`, `bare        ${bare.toFixed(2)} ms`],
        figures: [
          atMost('relay.cpu-ms', 'relay: ms of processor per scrape', middleOf(runs.map(({ cpu }) => cpu)), CPU_MS_TARGET, false),
          atMost('relay.scrape/bare', 'relay: scrape ÷ bare server', middleOf(runs.map((run) => run.middle / run.bare)), null),
        ],
        raw: runs,
      };
    },
  }),
];
