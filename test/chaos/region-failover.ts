// The region that two devices use is killed, frozen or made slow, or all are killed, again and again, while they write: how long until both work at the next one,
// and does each hold everything that was receipted, once, also after the region is gone for good?
import { join } from 'node:path';
import type { FailoverRegion } from '../../src/client/node.js';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { FailoverDevice } from '../support/failover-device.ts';
import { freePort, startRelay, type RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/test-space.ts';

const RETURN_AFTER_MS = 1000;
const WAIT_MS_MAX = 30_000;
const IDS = ['one', 'two', 'three'];
/** Later than a region may answer a probe. */
const SLOW_MS = 3000;
const FAILURES = ['kill', 'freeze', 'slow', 'blackout'] as const;

export interface FailoverRun {
  readonly dir: string;
  readonly endMs: number;
  readonly roundsMax: number;
  /** False: devices that take the other log for a copy of the one they know, as the control. */
  readonly failsOver: boolean;
}

export interface FailoverReport {
  kills: number;
  freezes: number;
  slows: number;
  /** All regions killed at once. */
  blackouts: number;
  receipted: number;
  /** From the failure until a device was online at another region. */
  readonly tookMs: number[];
  readonly violations: string[];
}

export async function runFailover({ dir, endMs, roundsMax, failsOver }: FailoverRun): Promise<FailoverReport> {
  const report: FailoverReport = { kills: 0, freezes: 0, slows: 0, blackouts: 0, receipted: 0, tookMs: [], violations: [] };
  const relays = await Promise.all(IDS.map(async (id) => startRelay({ dataDir: join(dir, id), port: await freePort() })));
  const way = await CuttingProxy.to(relays[0]?.port ?? 0);
  const regions = relays.map(({ address }, i) => ({ id: IDS[i] ?? '', relay: i === 0 ? way.over(address) : address }));
  const devices = [0, 1].map(() => new FailoverDevice(regions, RETURN_AFTER_MS, failsOver));
  try {
    const [first] = devices;
    const link = (await first?.found())?.link ?? '';
    for (const other of devices.slice(1)) await other.start(link);
    const pushed: string[] = [];
    for (let round = 0; round < roundsMax && Date.now() < endMs && report.violations.length === 0; round += 1) {
      await oneFailure(round, { relays, way, devices, report, pushed, dir }).catch((cause: unknown) => report.violations.push(cause instanceof Error ? cause.message : String(cause)));
    }
    // For good: what it alone held would be lost with it.
    await relays[0]?.kill();
    await judge(devices, regions, link, pushed, report, failsOver);
  } finally {
    await Promise.all(devices.map(({ failover }) => failover.close()));
    await Promise.all(relays.map((relay) => relay.kill()));
    await way.close();
  }
  return report;
}

interface Scene {
  readonly relays: RelayProcess[];
  /** The devices' way to the first. */
  readonly way: CuttingProxy;
  readonly devices: readonly FailoverDevice[];
  readonly report: FailoverReport;
  readonly pushed: string[];
  readonly dir: string;
}

/** The preferred region fails, the devices write at the next one, and it comes back. */
async function oneFailure(round: number, { relays, way, devices, report, pushed, dir }: Scene): Promise<void> {
  const areAt = (id: string): Promise<void> => until(`all are at ${id}`, () => devices.every(({ regionId }) => regionId === id), WAIT_MS_MAX);
  const write = async (where: string): Promise<void> => {
    for (const [i, device] of devices.entries()) {
      const text = `${round} ${where} ${i}`;
      await device.push(text);
      pushed.push(text);
      report.receipted += 1;
    }
  };
  const relay = relays[0];
  if (relay === undefined) return;
  const failure = FAILURES[round % FAILURES.length] ?? 'kill';
  const restart = async (at: number): Promise<void> => {
    relays[at] = await startRelay({ dataDir: join(dir, IDS[at] ?? ''), port: relays[at]?.port ?? 0 });
  };
  await areAt('one');
  await write('before');
  const failedAt = Date.now();
  if (failure === 'kill') await relay.kill();
  else if (failure === 'freeze') process.kill(relay.pid, 'SIGSTOP');
  else if (failure === 'slow') way.delayMs = SLOW_MS;
  else await Promise.all(relays.map((each) => each.kill()));
  report[`${failure}s`] += 1;
  if (failure === 'blackout') {
    await until('all see that none answers', () => devices.every(({ failover }) => failover.getSnapshot().phase === 'unreachable'), WAIT_MS_MAX);
    await Promise.all([restart(1), restart(2)]);
  }
  const took = devices.map(async (device) => {
    await until('a device is at another region', () => device.regionId !== null && device.regionId !== 'one', WAIT_MS_MAX);
    if (failure !== 'blackout') report.tookMs.push(Date.now() - failedAt);
  });
  await Promise.all(took);
  await write('after');
  if (failure === 'freeze') process.kill(relay.pid, 'SIGCONT');
  else if (failure === 'slow') way.delayMs = 0;
  else await restart(0);
}

async function judge(devices: readonly FailoverDevice[], regions: readonly FailoverRegion[], link: string, pushed: readonly string[], report: FailoverReport, failsOver: boolean): Promise<void> {
  const fresh = new FailoverDevice(regions, RETURN_AFTER_MS, failsOver);
  const all = [...devices, fresh];
  try {
    await fresh.start(link);
    const wanted = pushed.toSorted().join('\n');
    await until('every device holds every receipted text, once', () => all.every(({ texts }) => texts.toSorted().join('\n') === wanted), WAIT_MS_MAX);
  } catch (cause) {
    report.violations.push(`${cause instanceof Error ? cause.message : String(cause)}: ${all.map(({ texts }) => `${texts.length} (${pushed.filter((text) => !texts.includes(text)).length} missing)`).join(', ')} of ${pushed.length}`);
  } finally {
    await fresh.failover.close();
  }
  report.violations.push(...all.flatMap(({ told }) => told));
}
