// Cuts the power of the product's disk under load, again and again: the disk is cloned at a random moment, the clone is mounted
// (its journal is replayed), a relay is started on it, and what it holds is compared with every receipt that was there before
// the clone was begun. The next session goes on with such a disk, or with a new one.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareHeld, idle, makeWriters, type Load, type Receipts, type Writer } from '../chaos/receipted-writers.ts';
import type { RawSpace } from '../support/raw-client.ts';
import { freePort, startRelay, type RelayProcess } from '../support/relay-process.ts';
import type { Disk, FileSystem, LoopDisks, MountedDisk } from './loop-disks.ts';

const WRITERS = 8;
/** A cut counts only when the relay was giving this many receipts a second. */
const RECEIPTS_PER_SECOND_MIN = 1000;
/** From one cut to the next. */
const PAUSE_MS_MAX = 60;
/** Until the first receipt, and a little longer; a machine that is busy with other tests takes its time. */
const START_MS_MAX = 60_000;
const LEAD_MS_MAX = 120;
/** A start on a disk whose power was cut takes about so long; a cut falls into it. */
const RESTART_MS = 250;
/** Where a disk on which something was wrong is kept, as the relay that was asked left it. */
const KEPT_IN = '.build/power-cut';

export interface CutOptions {
  readonly disks: LoopDisks;
  readonly kind: FileSystem;
  /** Cuts of each session. */
  readonly cuts: number;
  /** Sessions on one disk, each on what a cut of the one before left. */
  readonly sessions: number;
  /** Environment of the relay under load; the one that is asked after the cut is always honest. */
  readonly env?: Readonly<Record<string, string>>;
  /** No session starts after this moment (`Date.now()`). */
  readonly endMs?: number;
}

export interface CutReport {
  /** Cuts under enough load, cuts of a start, and cuts that were no use. */
  cuts: number;
  cutsOfStarts: number;
  idleCuts: number;
  /** Cuts after which something was wrong. */
  badCuts: number;
  receipts: number;
  entriesCompared: number;
  loadedMs: number;
  /** What was wrong, in words. */
  readonly broken: string[];
}

/** The disk at one moment, and what had been acknowledged by then. */
interface Cut {
  readonly disk: Disk;
  readonly receipts: readonly Receipts[];
  readonly ofStart: boolean;
  readonly loaded: boolean;
}

export const nothingCut = (): CutReport => ({ cuts: 0, cutsOfStarts: 0, idleCuts: 0, badCuts: 0, receipts: 0, entriesCompared: 0, loadedMs: 0, broken: [] });

/** Sessions on one disk; adds to the report. */
export async function cutPower(options: CutOptions, report: CutReport): Promise<void> {
  const { space, writers } = await makeWriters(WRITERS);
  let disk = await options.disks.make(options.kind);
  const port = await freePort();
  for (let session = 0; session < options.sessions; session += 1) {
    if (Date.now() > (options.endMs ?? Number.POSITIVE_INFINITY)) break;
    const run = new Session(options, report, { space, writers, port, fresh: session === 0 });
    const cuts = await run.underLoad(disk).catch((cause: unknown) => {
      report.broken.push(`${options.kind}: under load: ${firstLine(cause)}`);
      return [];
    });
    options.disks.remove(disk);
    let next: Disk | undefined;
    for (const [at, cut] of cuts.entries()) {
      const shown = await run.check(cut);
      // The last disk that came back carries the next session: what it showed is acknowledged from now on.
      if (shown !== undefined && at === cuts.length - 1) {
        writers.forEach((writer, number) => (writer.receipts = new Map(shown[number])));
        next = cut.disk;
      } else {
        options.disks.remove(cut.disk);
      }
    }
    if (next === undefined) return;
    disk = next;
  }
  options.disks.remove(disk);
}

interface Place {
  readonly space: RawSpace;
  readonly writers: readonly Writer[];
  readonly port: number;
  readonly fresh: boolean;
}

class Session {
  readonly #options: CutOptions;
  readonly #report: CutReport;
  readonly #place: Place;

  constructor(options: CutOptions, report: CutReport, place: Place) {
    this.#options = options;
    this.#report = report;
    this.#place = place;
  }

  /** Runs a relay under load on a disk, cuts it, and takes both down. */
  async underLoad(disk: Disk): Promise<Cut[]> {
    const mounted = this.#options.disks.mount(disk);
    const cuts: Cut[] = [];
    try {
      // On a disk that was cut the start mends what it finds: it may be cut itself.
      const duringStart = this.#place.fresh ? undefined : sleep(randomInt(RESTART_MS)).then(() => this.#cut(disk, { ofStart: true, loaded: false }));
      const relay = await this.#start(mounted, this.#options.env);
      try {
        if (duringStart !== undefined) cuts.push(await duringStart);
        await this.#load(disk, relay, cuts);
      } finally {
        await relay.kill();
      }
    } finally {
      await mounted.unmount();
    }
    return cuts;
  }

  async #load(disk: Disk, relay: RelayProcess, cuts: Cut[]): Promise<void> {
    const loads = this.#place.writers.map(() => idle());
    const running = Promise.all(this.#place.writers.map((writer, at) => writer.run(relay.address, this.#place.space, loads[at])));
    const receipted = (): number => loads.reduce((sum, load) => sum + load.receipted, 0);
    for (const until = Date.now() + START_MS_MAX; receipted() === 0 && Date.now() < until; ) await sleep(2);
    await sleep(randomInt(LEAD_MS_MAX));
    for (let at = 0; at < this.#options.cuts; at += 1) {
      await sleep(randomInt(1, PAUSE_MS_MAX));
      cuts.push(await this.#cut(disk, { ofStart: false, loaded: isLoaded(loads) }));
    }
    this.#report.loadedMs += lastedMs(loads);
    await relay.kill();
    await running;
    this.#report.receipts += receipted();
    const refused = loads.reduce((sum, load) => sum + load.refused, 0);
    if (refused > 0 && this.#options.env === undefined) this.#report.broken.push(`${refused} pushes were refused`);
  }

  async #cut(disk: Disk, of: Pick<Cut, 'ofStart' | 'loaded'>): Promise<Cut> {
    const receipts = this.#place.writers.map((writer) => new Map(writer.receipts));
    return { disk: await this.#options.disks.cut(disk), receipts, ...of };
  }

  /** Starts a relay on a cut disk and compares; returns what it showed, or nothing when something was wrong. */
  async check(cut: Cut): Promise<readonly Receipts[] | undefined> {
    const { broken, ...before } = this.#report;
    if (cut.ofStart) this.#report.cutsOfStarts += 1;
    else if (cut.loaded) this.#report.cuts += 1;
    else this.#report.idleCuts += 1;
    try {
      const mounted = this.#options.disks.mount(cut.disk);
      try {
        const relay = await this.#start(mounted);
        return await this.#compare(relay, cut).finally(() => relay.kill());
      } finally {
        await mounted.unmount();
      }
    } catch (cause) {
      this.#report.badCuts += 1;
      const which = `${cut.disk.kind}, cut ${before.cuts + before.cutsOfStarts + before.idleCuts + 1}`;
      broken.push(`${which}: ${firstLine(cause)}`);
      if (this.#options.env === undefined) this.#options.disks.keep(cut.disk, KEPT_IN);
      return undefined;
    }
  }

  async #compare(relay: RelayProcess, cut: Cut): Promise<readonly Receipts[]> {
    const { space, writers } = this.#place;
    const { shown, ...held } = await compareHeld(relay.address, space, writers, cut.receipts);
    this.#report.entriesCompared += held.receipted;
    if (held.missing + held.corrupted + held.doubled + held.gaps > 0) throw new Error(JSON.stringify(held));
    return shown;
  }

  #start(mounted: MountedDisk, env: Readonly<Record<string, string>> = {}): Promise<RelayProcess> {
    return startRelay({ dataDir: join(mounted.dir, 'data'), port: this.#place.port, env });
  }
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
}

function lastedMs(loads: readonly Load[]): number {
  return Math.max(0, performance.now() - Math.min(...loads.map(({ firstReceiptMs }) => firstReceiptMs)));
}

function isLoaded(loads: readonly Load[]): boolean {
  const receipted = loads.reduce((sum, load) => sum + load.receipted, 0);
  return receipted > 0 && receipted * 1000 >= RECEIPTS_PER_SECOND_MIN * lastedMs(loads);
}
