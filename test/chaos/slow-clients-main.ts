// The torture run's harness around slow-clients.ts: thousands of slow connections, while good clients must hardly notice and a
// newcomer must get in. The slow ones live in a process of their own, so that they do not slow down the measurement.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeRawSpace, RawClient } from '../support/raw-client.ts';
import { freePort, startRelay } from '../support/relay-process.ts';
import { GoodClients, p99 } from './good-clients.ts';
import { attack, KINDS, type AttackReport, type Kind } from './slow-clients.ts';

const CONNECTIONS = 4000;
const SECONDS_MIN = 60;
const BASELINE_SECONDS = 10;
const WINDOW_MS = 2000;
/** A slow client may outlive its limit by this: thousands of time-outs are not due at one moment. */
const SLACK_MS = 5000;
const P99_RATIO_MAX = 2;
const CONTROL_CONNECTIONS = 100;
const CONTROL_SECONDS = 12;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '0' }, attack: { type: 'string' }, connections: { type: 'string', default: String(CONNECTIONS) } },
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const median = (sorted: readonly number[]): number => sorted.toSorted((a, b) => a - b)[Math.floor(sorted.length / 2)] ?? Number.NaN;

/** The attack in another process; resolves with its report. */
function attackers(port: number, connections: number, seconds: number): Promise<AttackReport> {
  const args = [process.argv[1] ?? '', '--attack', String(port), '--seconds', String(seconds), '--connections', String(connections)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (data: Buffer) => (printed += data.toString()));
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve(JSON.parse(printed) as AttackReport) : reject(new Error(`the attack ended with ${code}`))));
  });
}

/** Kinds that were borne longer than their limit allows. */
function borneTooLong(report: AttackReport): Kind[] {
  return (Object.keys(KINDS) as Kind[]).filter((kind) => report.kinds[kind].borneMs > KINDS[kind].limitMs + SLACK_MS);
}

/** Median of the p99 of each window, in ms. */
async function measure(good: GoodClients, untilMs: number): Promise<number> {
  good.take();
  const windows: number[] = [];
  while (Date.now() + WINDOW_MS <= untilMs) {
    await sleep(WINDOW_MS);
    windows.push(p99(good.take()));
  }
  return median(windows);
}

/** Newcomers, one after the other, until the time is up; those that did not get in are counted. */
async function newcomers(address: string, untilMs: number): Promise<{ welcomed: number; turnedAway: number }> {
  const counts = { welcomed: 0, turnedAway: 0 };
  while (Date.now() < untilMs) {
    try {
      const space = await makeRawSpace(['write']);
      const [device] = space.devices;
      if (device !== undefined) (await RawClient.open(address, space, device)).close();
      counts.welcomed += 1;
    } catch {
      counts.turnedAway += 1;
    }
    await sleep(500);
  }
  return counts;
}

async function harness(seconds: number): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-slow-'));
  const relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  const good = await GoodClients.start(relay.address);
  await sleep(1000);
  const before = await measure(good, Date.now() + BASELINE_SECONDS * 1000);
  const endMs = Date.now() + seconds * 1000;
  const [report, during, arrivals] = await Promise.all([attackers(relay.port, CONNECTIONS, seconds), measure(good, endMs), newcomers(relay.address, endMs - 2000)]);
  await good.stop();
  await relay.stop();
  rmSync(dir, { recursive: true, force: true });
  const cut = Object.values(report.kinds).reduce((sum, kind) => sum + kind.cut, 0);
  console.log(JSON.stringify({ p99BeforeMs: before, p99DuringMs: during, arrivals, report }));
  const findings = [
    ...borneTooLong(report).map((kind) => `slow ${kind} was borne for ${report.kinds[kind].borneMs} ms`),
    ...(during > before * P99_RATIO_MAX ? [`p99 of good clients went from ${before.toFixed(1)} to ${during.toFixed(1)} ms`] : []),
    ...(good.failures > 0 ? [`${good.failures} good clients were cut off`] : []),
    ...(arrivals.turnedAway > 0 ? [`${arrivals.turnedAway} newcomers were turned away`] : []),
  ];
  const control = await controlReport();
  return {
    counts: { connections: report.opened, cut, newcomers: arrivals.welcomed },
    violations: findings.map((what) => ({ what, replay: 'npm run torture -- --only slow-clients' })),
    control: { caught: borneTooLong(control).includes('head'), what: `a server without time-outs bore a slow head for ${control.kinds.head.borneMs} ms` },
  };
}

/** The same attack on an HTTP server whose time-outs are off. */
async function controlReport(): Promise<AttackReport> {
  const server: Server = createServer({ headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, connectionsCheckingInterval: 1000 }, (_, answer) => answer.end('ok'));
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const report = await attackers(port, CONTROL_CONNECTIONS, CONTROL_SECONDS);
  server.closeAllConnections();
  server.close();
  return report;
}

if (values.attack === undefined) console.log(JSON.stringify(await harness(Math.max(SECONDS_MIN, Number(values.seconds)))));
else console.log(JSON.stringify(await attack(Number(values.attack), Number(values.connections), Number(values.seconds))));
