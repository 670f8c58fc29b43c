// Little memory: the relay is started in a memory cgroup and offered far more than fits into it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './load.ts';
import { Findings, type Effort, type FaultReport, type FaultSkip } from './report.ts';
import { isAlive, underLoad } from './relay-under-fault.ts';

const CGROUPS = '/sys/fs/cgroup/memory';
const MIB = 1 << 20;
const LIMIT_BYTES = 192 * MIB;
const SAMPLE_MS = 20;

/** What the relay is told it may use, and what it may use beside: a write queue for each connection, and pushes that wait. */
const ASSEMBLY_MIB = 16;
const IN_FLIGHT_MIB = 1;
const WRITE_QUEUE_MIB = 1;
const WAITING_PUSHES_MIB = 32;
const ENV = { RELAY_LIMITS_ASSEMBLY_MAX: `${ASSEMBLY_MIB}MiB`, RELAY_LIMITS_PUSH_IN_FLIGHT_MAX: `${IN_FLIGHT_MIB}MiB` };

const CALM = { writers: 2, inFlight: 4, entryBytes: 4 * 1024 };
/** More connections, more pushes on each, larger ones. */
const FLOOD = { writers: 20, inFlight: 320, entryBytes: 32 * 1024 };
const FLOOD_RECEIPTS = 200;
const FLOOD_MS_MAX = 30_000;
/** Pages that the allocator keeps, and what a run beside others adds. */
const SLACK_SHARE = 1.1;

/** A memory cgroup (version 1) with a limit. */
class MemoryGroup {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Null where none can be made. */
  static make(name: string): MemoryGroup | null {
    const path = `${CGROUPS}/sealrelay-${name}-${process.pid}`;
    try {
      if (!existsSync(`${CGROUPS}/memory.limit_in_bytes`)) return null;
      mkdirSync(path);
      writeFileSync(`${path}/memory.limit_in_bytes`, String(LIMIT_BYTES));
      return new MemoryGroup(path);
    } catch {
      return null;
    }
  }

  /** Whatever is started meanwhile is in the group from its first page on. */
  async startingIn<T>(start: () => Promise<T>): Promise<T> {
    writeFileSync(`${this.#path}/cgroup.procs`, String(process.pid));
    try {
      return await start();
    } finally {
      writeFileSync(`${CGROUPS}/cgroup.procs`, String(process.pid));
    }
  }

  /** Memory that only a process's end gives back; what the system keeps of files does not count. */
  get heldMib(): number {
    const held = /^total_rss (\d+)/m.exec(readFileSync(`${this.#path}/memory.stat`, 'utf8'));
    return Number(held?.[1] ?? 0) / MIB;
  }

  get kills(): number {
    return Number(/oom_kill (\d+)/.exec(readFileSync(`${this.#path}/memory.oom_control`, 'utf8'))?.[1] ?? 0);
  }

  remove(): void {
    rmdirSync(this.#path);
  }
}

/** The most that a group held while something went on. */
async function peakDuring(group: MemoryGroup, ms: number): Promise<number> {
  let peak = group.heldMib;
  for (const end = performance.now() + ms; performance.now() < end; await sleep(SAMPLE_MS)) peak = Math.max(peak, group.heldMib);
  return peak;
}

/**
 * Far more than ten times the load, more bytes under way than the whole group may hold: the relay stays within what it was told and what is
 * documented beside, the kernel kills nothing, and receipts go on: for the flood under it, for the others soon after it.
 */
export async function littleMemory({ scale }: Effort): Promise<FaultReport | FaultSkip> {
  const name = 'little-memory';
  const group = MemoryGroup.make('test');
  if (group === null) return { name, skipped: 'needs the right to make a memory cgroup (version 1)' };
  const findings = new Findings();
  const startedIn = <T>(start: () => Promise<T>): Promise<T> => group.startingIn(start);
  try {
    await underLoad(findings, { env: ENV, load: CALM, startedIn }, async ({ relay, load }) => {
      const calmMib = await peakDuring(group, 1000);
      const floods = await Load.start({ ...FLOOD, address: relay.address });
      const offeredMib = (FLOOD.writers * FLOOD.inFlight * FLOOD.entryBytes) / MIB;
      const flood = { flows: false };
      const arrived = floods.receiptsWithin(FLOOD_RECEIPTS, FLOOD_MS_MAX).finally(() => (flood.flows = true));
      let peakMib = 0;
      while (!flood.flows) peakMib = Math.max(peakMib, await peakDuring(group, SAMPLE_MS));
      peakMib = Math.max(peakMib, await peakDuring(group, 800 + 200 * scale));
      const connections = CALM.writers + FLOOD.writers;
      const boundMib = (calmMib + ASSEMBLY_MIB + WAITING_PUSHES_MIB + connections * (IN_FLIGHT_MIB + WRITE_QUEUE_MIB)) * SLACK_SHARE;
      for (const [fact, value] of Object.entries({ calmMib, offeredMib, peakMib, boundMib, kills: group.kills })) findings.fact(fact, value);
      findings.fact('receiptsOfFlood', floods.receipts);
      findings.expect(calmMib > 20, `the group holds ${calmMib.toFixed(0)} MiB: the relay is not in it`);
      findings.expect(offeredMib > LIMIT_BYTES / MIB, 'what is offered would fit');
      findings.expect(peakMib <= boundMib, `the relay held ${peakMib.toFixed(0)} MiB; at most ${boundMib.toFixed(0)}`);
      findings.expect(await arrived, 'the flood got hardly any receipts');
      await floods.stop();
      findings.expect(await load.receiptsWithin(50, 10_000), 'no receipts for the others after the flood');
      findings.expect(group.kills === 0 && isAlive(relay.pid), `the kernel killed ${group.kills} times`);
      const { lost, doubled, gaps } = await floods.compare(relay.address);
      findings.expect(lost + doubled + gaps === 0, `of the flood: ${lost} lost, ${doubled} doubled, ${gaps} gaps`);
    });
  } finally {
    group.remove();
  }
  return findings.report(name);
}

/** The control of the above: a process that takes what it is offered is killed in such a group; null where there is none. */
export async function takerIsKilled(): Promise<boolean | null> {
  const group = MemoryGroup.make('control');
  if (group === null) return null;
  // Bounded, so that it does no harm where the group is not in force.
  const program = 'const held = []; while (held.length < 128) held.push(Buffer.alloc(1 << 22, 1));';
  const child = await group.startingIn(async () => spawn(process.execPath, ['-e', program], { stdio: 'ignore' }));
  const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
  const killed = signal === 'SIGKILL' && group.kills > 0;
  group.remove();
  return killed;
}
