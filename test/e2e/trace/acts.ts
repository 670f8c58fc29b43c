// What happens in the example: the drama (a killed relay, a device offline, a late one), the control, the race.
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceProcess } from './device-process.ts';
import { hashText } from './document.ts';
import type { DeviceReport, Route } from './messages.ts';
import type { Scene } from './scene.ts';
import type { Trace } from './trace-file.ts';

export interface Script {
  readonly path: string;
  readonly trace: Trace;
  readonly canaries: readonly string[];
  readonly names: readonly string[];
  readonly windowMs: number;
}

export interface DramaResult {
  readonly reports: { readonly a: DeviceReport; readonly b: DeviceReport; readonly c: DeviceReport };
  readonly textsEqual: boolean;
  /** Push to sight at the follower, milliseconds, of the paced segment. */
  readonly latenciesMs: readonly number[];
}

/** Time for acks, at most one a second, to go round. */
const ACKS_MS = 2500;
const TICKS = 200;
const TICK_EVERY_MS = 40;

const relayRoute = (scene: Scene, link: string | null, unsealed = false): Route => ({
  kind: 'relay',
  relay: scene.tappedAddress,
  link,
  unsealed,
});

async function author(scene: Scene, script: Script, unsealed = false): Promise<{ device: DeviceProcess; link: string }> {
  const device = scene.device('A');
  const { windowMs, names } = script;
  const link = await device.tell({ do: 'start', role: 'author', route: relayRoute(scene, null, unsealed), windowMs, names });
  if (link === null) throw new Error('the author has no space link');
  await device.tell({ do: 'settle' });
  return { device, link };
}

async function follower(scene: Scene, name: string, link: string, script: Script, unsealed = false): Promise<DeviceProcess> {
  const device = scene.device(name);
  const { windowMs } = script;
  await device.tell({ do: 'start', role: 'follower', route: relayRoute(scene, link, unsealed), windowMs, names: [] });
  return device;
}

/** A types everything, B follows live, the relay is killed in between, B is offline for a while, C comes late from a snapshot. */
export async function playDrama(scene: Scene, script: Script): Promise<DramaResult> {
  const { trace, path, canaries } = script;
  const count = trace.patches.length;
  const at = (part: number): number => Math.floor(count * part);
  const { device: a, link } = await author(scene, script);
  const b = await follower(scene, 'B', link, script);
  const cues = new Cues([
    [at(0.3), async () => {
      await scene.relay.kill();
      await scene.startRelay();
    }],
    [at(0.45), async () => void (await b.tell({ do: 'offline' }))],
    [at(0.6), async () => void (await b.tell({ do: 'online' }))],
  ]);
  a.onProgress = (edits) => cues.reached(edits);
  await a.tell({ do: 'type', trace: path, canaries, from: 0, to: at(0.8) });
  await cues.finish();
  await a.tell({ do: 'settle' });
  await a.tell({ do: 'snapshot' });
  const typing = a.tell({ do: 'type', trace: path, canaries, from: at(0.8), to: count });
  const c = await follower(scene, 'C', link, script);
  await typing;
  for (const device of [a, b, c]) await device.tell({ do: 'settle' });
  const latenciesMs = await pacedSegment(a, b);
  await sleep(ACKS_MS);
  const [ra, rb, rc] = [await a.report(), await b.report(), await c.report()];
  const wanted = hashText(trace.endContent + canaries.join(''));
  return {
    reports: { a: ra, b: rb, c: rc },
    textsEqual: [ra, rb, rc].every((report) => report.textHash === wanted),
    latenciesMs,
  };
}

async function pacedSegment(a: DeviceProcess, b: DeviceProcess): Promise<number[]> {
  await a.tell({ do: 'tick', count: TICKS, everyMs: TICK_EVERY_MS });
  for (const device of [a, b]) await device.tell({ do: 'settle' });
  const pushed = (await a.report()).ticks;
  const seen = (await b.report()).ticks;
  return pushed.flatMap((from, tick) => {
    const to = seen[tick];
    return to === undefined ? [Number.POSITIVE_INFINITY] : [Number(BigInt(to) - BigInt(from)) / 1e6];
  });
}

/** The control: part of the same, nothing sealed, so that every sink has something to be found. */
export async function playControl(scene: Scene, script: Script, edits: number): Promise<void> {
  const { device: a, link } = await author(scene, script, true);
  const b = await follower(scene, 'B', link, script, true);
  await a.tell({ do: 'type', trace: script.path, canaries: script.canaries, from: 0, to: edits });
  for (const device of [a, b]) await device.tell({ do: 'settle' });
}

/** Seconds from the first edit until the follower has the whole text, through the relay. */
export async function raceThroughRelay(scene: Scene, script: Script): Promise<number> {
  const { device: a, link } = await author(scene, script);
  const b = await follower(scene, 'B', link, script);
  await b.tell({ do: 'settle' });
  return race(a, b, script);
}

/** The same without any relay: plain TCP between the two processes, the same batches. */
export async function raceWithoutRelay(scene: Scene, script: Script): Promise<number> {
  const [a, b] = [scene.device('A'), scene.device('B')];
  const { windowMs, names } = script;
  const port = await a.tell({ do: 'start', role: 'author', route: { kind: 'direct', port: 0 }, windowMs, names });
  await b.tell({ do: 'start', role: 'follower', route: { kind: 'direct', port: Number(port) }, windowMs, names: [] });
  return race(a, b, script);
}

const RACE_POLL_MS = 20;
const RACE_MS_MAX = 8 * 60_000;

async function race(a: DeviceProcess, b: DeviceProcess, { path, trace, canaries }: Script): Promise<number> {
  const wanted = hashText(trace.endContent + canaries.join(''));
  const length = (trace.endContent + canaries.join('')).length;
  const startedMs = performance.now();
  await a.tell({ do: 'type', trace: path, canaries, from: 0, to: trace.patches.length });
  await a.tell({ do: 'settle' });
  for (;;) {
    const report = await b.report();
    const elapsedMs = performance.now() - startedMs;
    if (report.textLength === length && report.textHash === wanted) return elapsedMs / 1000;
    if (elapsedMs > RACE_MS_MAX) throw new Error('the follower did not get the whole text');
    await sleep(RACE_POLL_MS);
  }
}

/** Things to do when the typing reaches certain edits, one after the other. */
class Cues {
  readonly #cues: [number, () => Promise<void>][];
  #running: Promise<void> = Promise.resolve();

  constructor(cues: readonly [number, () => Promise<void>][]) {
    this.#cues = [...cues];
  }

  reached(edits: number): void {
    while (this.#cues[0] !== undefined && this.#cues[0][0] <= edits) this.#next();
  }

  /** Runs what is left and waits. */
  async finish(): Promise<void> {
    while (this.#cues.length > 0) this.#next();
    await this.#running;
  }

  #next(): void {
    const cue = this.#cues.shift();
    if (cue !== undefined) this.#running = this.#running.then(cue[1]);
  }
}
