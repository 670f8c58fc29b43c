// Faults of what a process stands on: file descriptors, time, being stopped.
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSpace, openSpace } from '../../src/client/node.ts';
import { freePort } from '../support/relay-process.ts';
import { Findings, type Effort, type FaultReport, type FaultSkip } from './report.ts';
import { counter, health, isAlive, underLoad } from './relay-under-fault.ts';
import { Faults, shimMissing } from './shim.ts';

const DAY_MS = 24 * 3_600_000;
const onLinux = process.platform === 'linux';

/** Lowers the limit of open files of a running process to a few more than it has. */
function limitFiles(pid: number, more: number): void {
  const open = readdirSync(`/proc/${pid}/fd`).length + more;
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${open}:`]);
}

/** What newcomers hear: how many were told that there is no room. */
async function knock(port: number, count: number): Promise<{ told: number; sockets: Socket[] }> {
  let told = 0;
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.once('data', (data: Buffer) => (told += data.toString('latin1').startsWith('HTTP/1.1 503 ') ? 1 : 0));
    return socket;
  });
  await sleep(1000);
  return { told, sockets };
}

/** It waits between two failures, longer each time. */
const ACCEPT_ERRORS_PER_SECOND_MAX = 50;

/** No file descriptor is left: who is there stays, who comes is told, nothing spins, and later it goes on. */
export async function tooManyFiles({ scale }: Effort): Promise<FaultReport | FaultSkip> {
  const name = 'too-many-files';
  if (!onLinux) return { name, skipped: 'needs Linux' };
  const findings = new Findings();
  const adminPort = await freePort();
  await underLoad(findings, { adminPort, load: { writers: 1, inFlight: 1 } }, async ({ relay, load, port }) => {
    limitFiles(relay.pid, 10);
    const startedMs = performance.now();
    const { told, sockets } = await knock(port, 40);
    await sleep(1000 * scale);
    findings.fact('toldOf503', told);
    findings.expect(told >= 1, 'nobody was told that there is no room');
    findings.expect(await load.receiptsWithin(20, 5000), 'the session that was there got no receipts');
    findings.expect(load.reconnects === 0, 'the session that was there was cut');
    for (const socket of sockets) socket.destroy();
    const welcomed = async (): Promise<boolean> => (await health(port, 'live')).status === 200;
    const until = Date.now() + 10_000;
    let isWelcome = await welcomed();
    while (!isWelcome && Date.now() < until) {
      await sleep(100);
      isWelcome = await welcomed();
    }
    findings.expect(isWelcome, 'nobody gets in after descriptors were free again');
    const errors = await counter(adminPort, 'relay_accept_errors_total');
    findings.fact('acceptErrors', errors);
    const most = ((performance.now() - startedMs) / 1000) * ACCEPT_ERRORS_PER_SECOND_MAX;
    findings.expect(errors > 0 && errors <= most, `the accept loop failed ${errors} times, which is never or without a pause`);
    findings.expect(isAlive(relay.pid), 'the process does not live');
  });
  return findings.report(name);
}

/** The control of the above: a server without a descriptor kept back tells nobody. */
export async function plainServerTellsNobody(): Promise<boolean> {
  const program = "require('http').createServer((_, answer) => answer.end()).listen(0, '127.0.0.1', function () { console.log(this.address().port) })";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const port = await new Promise<number>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(Number(data.toString()))));
    limitFiles(child.pid ?? 0, 10);
    const { told, sockets } = await knock(port, 40);
    for (const socket of sockets) socket.destroy();
    return told === 0;
  } finally {
    child.kill('SIGKILL');
  }
}

/** The clock jumps by a day, forth and back: nothing is refused or forgotten, and attested times never go back. */
export async function clockSteps({ scale }: Effort): Promise<FaultReport | FaultSkip> {
  const name = 'clock-steps';
  const missing = shimMissing();
  if (missing !== null) return { name, skipped: missing };
  const findings = new Findings();
  const faults = new Faults();
  // With this retention a believed jump forgets everything.
  const env = { ...faults.env, RELAY_RETENTION: '1h' };
  await underLoad(findings, { env, load: { writers: 2, inFlight: 4 } }, async ({ relay, load }) => {
    const before = load.newestTimeMs;
    for (const offsetMs of [DAY_MS, 0, -DAY_MS, 0]) {
      faults.moveClock(offsetMs);
      // The sweep runs once a minute; only the long form waits for it.
      await sleep(scale > 1 ? 65_000 : 300);
      findings.expect(await load.receiptsWithin(20, 5000), `no receipts with the clock off by ${offsetMs / DAY_MS} days`);
    }
    findings.fact('attestedAheadMs', load.newestTimeMs - before);
    findings.expect(load.newestTimeMs - before > DAY_MS / 2, 'the clock did not move: the shim is not there');
    findings.expect(load.newestTimeMs - before < 1.5 * DAY_MS, 'a clock that goes to and fro drives the attested time ahead');
    findings.expect(load.timesBack === 0, `${load.timesBack} attested times went back`);
    findings.expect(load.refusals.size === 0, `refused: ${[...load.refusals.keys()].join(', ')}`);
    findings.expect(isAlive(relay.pid), 'the process does not live');
  });
  faults.close();
  return findings.report(name);
}

const HEARTBEAT_MS = 500;

/** The process is stopped for a while: clients notice, come back, and nothing is stored twice or lost. */
export async function stopped({ scale }: Effort): Promise<FaultReport | FaultSkip> {
  const name = 'stopped';
  if (!onLinux) return { name, skipped: 'needs Linux' };
  const findings = new Findings();
  await underLoad(findings, { env: { RELAY_HEARTBEAT: `${HEARTBEAT_MS}ms` } }, async ({ relay, load }) => {
    const writer = await createSpace({ relay: relay.address, batchWindowMs: 1 });
    await writer.whenSynced();
    const reader = await openSpace({ link: writer.link ?? '' });
    const read: string[] = [];
    const accused: string[] = [];
    for (const space of [writer, reader]) space.on('misbehaviour', ({ kind }) => accused.push(kind));
    reader.subscribe(({ items }) => read.push(...items.map((item) => new TextDecoder().decode(item))));
    const written: string[] = [];
    const write = (): void => void writer.push(new TextEncoder().encode(written[written.push(String(written.length)) - 1] ?? ''));
    for (let i = 0; i < 20; i += 1) write();
    await writer.whenSynced();
    process.kill(relay.pid, 'SIGSTOP');
    const stoppedMs = performance.now();
    let noticedMs = Number.NaN;
    while (performance.now() - stoppedMs < Math.max(2500, 1000 * scale)) {
      write();
      if (Number.isNaN(noticedMs) && writer.status.status !== 'online') noticedMs = performance.now() - stoppedMs;
      await sleep(50);
    }
    process.kill(relay.pid, 'SIGCONT');
    const signal = AbortSignal.timeout(30_000);
    await Promise.all([writer.whenSynced({ signal }), reader.whenSynced({ signal })]);
    for (const until = Date.now() + 5000; read.length < written.length && Date.now() < until; ) await sleep(20);
    findings.fact('noticedAfterMs', noticedMs);
    findings.fact('written', written.length);
    findings.expect(noticedMs < 4 * HEARTBEAT_MS, `the client noticed after ${noticedMs.toFixed(0)} ms`);
    findings.expect(read.join() === written.join(), `${read.length} items read, ${written.length} written, or in another order`);
    findings.expect(accused.length === 0, `an honest relay was accused of ${accused.join(', ')}`);
    findings.expect(await load.receiptsWithin(50, 10_000), 'no receipts after the process went on');
    await Promise.all([writer.close(), reader.close()]);
  });
  return findings.report(name);
}
