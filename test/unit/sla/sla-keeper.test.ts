import { describe, expect, it } from 'vitest';
import { BUCKETS } from '../../../src/server/latency-buckets.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/server/sla/sla-history.js';
import { SlaKeeper } from '../../../src/server/sla/sla-keeper.js';
import type { RelayState, Totals } from '../../../src/server/sla/sla-recorder.js';
import { availability, periodRange, summarize } from '../../../src/server/sla/sla-summary.js';
import { MemoryFiles } from '../../support/memory-files.js';
import { measuresOf, statsOf } from '../../support/relay-port-double.js';

const START_MS = Date.UTC(2026, 9, 1);

/** A world with a disk, two clocks and a relay that can be killed. */
class World {
  readonly files = new MemoryFiles();
  readonly errors: unknown[] = [];
  keeper = new SlaKeeper();
  wallMs = START_MS;
  monotonicMs = 0;
  totals: Totals | null = null;

  async start(): Promise<void> {
    this.keeper = new SlaKeeper();
    await this.keeper.open(this.files, this.now, (error) => this.errors.push(error));
  }

  get now(): { wallMs: number; monotonicMs: number } {
    return { wallMs: this.wallMs, monotonicMs: this.monotonicMs };
  }

  pass(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }

  /** Runs in a state, a tick every `stepMs`. */
  async run(ms: number, state: RelayState = 'up', stepMs = 1000): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.pass(Math.min(stepMs, left));
      this.keeper.tick(this.now, state, this.totals);
      await settled();
    }
  }

  availability(fromMs = START_MS, toMs = this.wallMs): ReturnType<typeof availability> {
    return availability(this.keeper.sum(fromMs, toMs));
  }
}

/** The writes of a tick are done before the next one, as on a disk that works. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
}

describe('uptime', () => {
  it('counts a crash as down, a stop in order as planned, and what follows as up', async () => {
    const world = new World();
    await world.start();
    await world.run(90_000);
    // Killed: nobody says good-bye.
    world.pass(600_000);
    await world.start();
    await world.run(60_000);
    await world.keeper.close(world.now);
    world.pass(120_000);
    await world.start();
    await world.run(30_000);
    expect(world.availability()).toMatchObject({ measured_seconds: 900, downtime_seconds: 600, planned_downtime_seconds: 120, uptime_percentage: 23.0769 });
    expect(world.keeper.outages(START_MS, world.wallMs)).toEqual([
      { fromMs: START_MS + 90_000, toMs: START_MS + 690_000, reason: 'crash' },
      { fromMs: START_MS + 750_000, toMs: START_MS + 870_000, reason: 'planned' },
    ]);
    expect(world.errors).toEqual([]);
  });

  it('is within a hundredth of a percent of synthetic outages of a month, over restarts', async () => {
    const world = new World();
    await world.start();
    const days = 30;
    const [downMs, plannedMs] = [{ ms: 0 }, { ms: 0 }];
    for (let day = 0; day < days; day += 1) {
      const full = (day + 1) * 37_111;
      await world.run(10 * HOUR_MS + 777, 'up', 60_000);
      await world.run(full, 'disk_full', 17_000);
      downMs.ms += full;
      await world.run(HOUR_MS, 'up', 60_000);
      if (day % 3 === 0) {
        world.pass(600_123);
        await world.start();
        downMs.ms += 600_123;
      } else if (day % 3 === 1) {
        await world.keeper.close(world.now);
        world.pass(1_800_500);
        await world.start();
        plannedMs.ms += 1_800_500;
      }
      await world.run(START_MS + (day + 1) * DAY_MS - world.wallMs, 'up', 60_000);
    }
    const truth = (100 * (days * DAY_MS - downMs.ms - plannedMs.ms)) / (days * DAY_MS - plannedMs.ms);
    const { fromMs, toMs } = periodRange('30d', world.wallMs);
    for (const told of [world.availability(), world.availability(fromMs, toMs)]) {
      expect(Math.abs(told.uptime_percentage - truth)).toBeLessThan(0.01);
      expect(Math.abs(told.planned_downtime_seconds - plannedMs.ms / 1000)).toBeLessThanOrEqual(1);
    }
    // Control: half an hour more of downtime would be noticed.
    expect(Math.abs(world.availability().uptime_percentage - (truth - (100 * HOUR_MS) / 2 / (days * DAY_MS)))).toBeGreaterThan(0.01);
  });

  it('tells the part of an outage that lies in a period', async () => {
    const world = new World();
    await world.start();
    await world.run(30 * MINUTE_MS, 'up', 5_000);
    await world.run(10 * MINUTE_MS, 'store_poisoned', 5_000);
    await world.run(55 * MINUTE_MS, 'up', 5_000);
    const { fromMs, toMs } = periodRange('1h', world.wallMs);
    expect(world.availability(fromMs, toMs)).toMatchObject({ measured_seconds: 3600, downtime_seconds: 300, uptime_percentage: 91.6666 });
    expect(world.keeper.outages(fromMs, toMs)).toMatchObject([{ reason: 'store_poisoned' }]);
  });

  it('counts no moment twice when the wall clock is set back, and none when it is set forward', async () => {
    const world = new World();
    await world.start();
    await world.run(60_000);
    world.wallMs -= 30_000;
    await world.run(60_000);
    expect(world.availability()).toMatchObject({ measured_seconds: 90, uptime_percentage: 100 });
    world.wallMs += HOUR_MS;
    await world.run(10_000);
    expect(world.availability()).toMatchObject({ measured_seconds: 100, downtime_seconds: 0 });
  });

  it('is 100 of what was not measured, and says that nothing was', async () => {
    const world = new World();
    await world.start();
    expect(world.availability(START_MS - DAY_MS, START_MS)).toMatchObject({ measured_seconds: 0, uptime_percentage: 100 });
  });
});

describe('what is kept', () => {
  it('survives a torn tail and lines of nonsense', async () => {
    const world = new World();
    await world.start();
    await world.run(5 * MINUTE_MS);
    const [day = ''] = [...world.files.files.keys()].filter((name) => /^\d/.test(name));
    const text = world.files.files.get(day) ?? '';
    world.files.files.set(day, `nonsense\n[1,2]\n${text.slice(0, -20)}`);
    world.files.files.set('current.json', '{"atMs":');
    world.files.files.set('outages.jsonl', '[1,2,"invented"]\n[5');
    await world.start();
    await world.run(2 * MINUTE_MS);
    // Of five minutes four were written, the last of which is torn: from there on nothing proves that it was up.
    const told = world.availability();
    expect(told.measured_seconds).toBe(420);
    expect(told.downtime_seconds).toBe(120);
    await world.start();
    expect(world.availability().measured_seconds).toBe(420);
    expect(world.errors).toEqual([]);
  });

  it('is a line per minute, hours after some days, and nothing after the time it is kept', async () => {
    const world = new World();
    await world.start();
    await world.run(3 * HOUR_MS, 'up', 20_000);
    await world.keeper.close(world.now);
    const lines = (): number => (world.files.files.get('2026-10-01.jsonl') ?? '').trim().split('\n').length;
    expect(lines()).toBe(180);
    const before = world.availability();
    world.pass(5 * DAY_MS);
    await world.start();
    expect(lines()).toBe(24);
    expect(world.availability(START_MS, START_MS + 3 * HOUR_MS)).toEqual(before);
    world.pass(402 * DAY_MS);
    await world.start();
    expect(world.files.files.has('2026-10-01.jsonl')).toBe(false);
    expect(world.availability(START_MS, START_MS + 3 * HOUR_MS).measured_seconds).toBe(0);
  });

  it('is a record per day after a month', async () => {
    const world = new World();
    await world.start();
    await world.run(3 * HOUR_MS, 'up', 20_000);
    await world.keeper.close(world.now);
    const before = world.availability();
    world.pass(START_MS + 32 * DAY_MS - HOUR_MS - world.wallMs);
    await world.start();
    const lines = (): number => (world.files.files.get('2026-10-01.jsonl') ?? '').trim().split('\n').length;
    expect(lines()).toBe(24);
    // While it runs, when another day is over.
    await world.run(26 * HOUR_MS, 'up', HOUR_MS);
    await world.keeper.close(world.now);
    expect(lines()).toBe(1);
    expect(world.availability(START_MS, START_MS + 3 * HOUR_MS + 1).measured_seconds).toBeGreaterThan(0);
    expect(world.availability(START_MS, START_MS + DAY_MS)).toMatchObject({ downtime_seconds: before.downtime_seconds, planned_downtime_seconds: 21 * 3600 });
  });

  it('cuts a list of outages that has no end', async () => {
    const world = new World();
    world.files.files.set('outages.jsonl', '[1,2,"crash"]\n'.repeat(10_001));
    await world.start();
    expect(world.files.files.get('outages.jsonl')?.split('\n')).toHaveLength(10_001);
  });

  it('goes on in memory when the disk takes nothing, and says so', async () => {
    const world = new World();
    await world.start();
    world.files.failing = true;
    await world.run(3 * MINUTE_MS);
    expect(world.errors.length).toBeGreaterThan(0);
    expect(world.availability()).toMatchObject({ measured_seconds: 180, uptime_percentage: 100 });
  });
});

describe('what is counted', () => {
  it('is what grew, through a restart of the core, in the shape that monitors read', async () => {
    const world = new World();
    await world.start();
    world.totals = { measures: measuresOf(3), stats: statsOf(10) };
    await world.run(1000);
    world.totals = { measures: measuresOf(5), stats: statsOf(12) };
    await world.run(1000);
    const told = summarize(world.keeper.sum(START_MS, world.wallMs), { targetPercent: 99.9, websocketsOpen: 4 });
    // Eight routes with 5 buckets of 5, 5 client errors and 5 relay errors each.
    expect(told).toMatchObject({ total_requests: 280, failed_requests: 40, client_errors: 40, successful_requests: 240, target_met: true });
    expect(told.error_rate).toBeCloseTo(1 / 7);
    expect(told.p50_response_time_ms).toBeGreaterThan(50);
    expect(told.p50_response_time_ms).toBeLessThanOrEqual(100);
    expect(told.websocket_metrics).toEqual({ active_connections: 4, total_messages: 24, connection_errors: 60 });
    expect(told).toMatchObject({ period_start: START_MS, period_end: world.wallMs });
    await world.keeper.close(world.now);
    await world.start();
    expect(summarize(world.keeper.sum(START_MS, world.wallMs), { targetPercent: 99.9, websocketsOpen: 4 })).toEqual(told);
  });

  /** What is told of durations after a relay was killed in the middle of a minute, and what was told before. */
  async function throughKill(counted: ReadonlyMap<number, number>): Promise<{ before: Uint8Array; after: Uint8Array; kept: string }> {
    const world = new World();
    await world.start();
    const measures = measuresOf(0);
    const durations = { places: Uint16Array.from(counted.keys()), counts: Float64Array.from(counted.values()), micros: 1 };
    world.totals = { measures: { ...measures, syncs: durations, requests: measures.requests.map((request) => ({ ...request, ok: durations })) }, stats: statsOf(10) };
    await world.run(MINUTE_MS / 2);
    const before = world.keeper.sum(START_MS, world.wallMs).durations.pack();
    world.pass(MINUTE_MS);
    await world.start();
    expect(world.errors).toEqual([]);
    return { before, after: world.keeper.sum(START_MS, world.wallMs).durations.pack(), kept: world.files.files.get('current.json') ?? '' };
  }

  it('is known bucket by bucket after a kill in the middle of a minute', async () => {
    const { before, after, kept } = await throughKill(new Map(Array.from({ length: 300 }, (_, at) => [400 + 2 * at, 1 + at])));
    expect(after).toEqual(before);
    expect(kept).toHaveLength(8192);
  });

  it('is known roughly then when it was more varied than the file has room for', async () => {
    const { before, after, kept } = await throughKill(new Map(Array.from({ length: BUCKETS + 1 }, (_, place) => [place, 100_000])));
    expect(after.length).toBeGreaterThan(0);
    expect(after).not.toEqual(before);
    expect(kept).toHaveLength(8192);
  });
});
