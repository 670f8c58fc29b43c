// `npm run example:trace -- <trace.json.gz> [--window-ms N] [--races N]`: a real keystroke log through three devices and a relay that is
// killed on the way, then a search for what was typed. Exit code 0 only when everything holds.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { playControl, playDrama, raceThroughRelay, raceWithoutRelay, type Script } from './acts.ts';
import { Scene } from './scene.ts';
import { searchSinks, usedBytes, type SinkResult } from './sinks.ts';
import { judge, printTable, type Facts, type Lap } from './verdict.ts';
import { readTrace } from './trace-file.ts';

const CANARIES = 1000;
const CANARY_CHARACTERS = 32;
const CONTROL_EDITS = 20_000;
const WINDOW_MS = 50;
const RACES = 3;

const DEVICE = fileURLToPath(new URL('device-main.js', import.meta.url));
const LEAKY_RELAY = fileURLToPath(new URL('leaky-relay-main.js', import.meta.url));

const canary = (): string => randomBytes(CANARY_CHARACTERS).toString('base64url').slice(0, CANARY_CHARACTERS);

async function inScene<T>(dir: string, script: Script, options: { relayProgram?: string }, play: (scene: Scene) => Promise<T>): Promise<T> {
  const canaries = [...script.canaries, ...script.names];
  const scene = await Scene.open({ dir, deviceProgram: DEVICE, canaries, ...options });
  try {
    return await play(scene);
  } finally {
    await scene.close();
  }
}

async function run(path: string, windowMs: number, races: number, dir: string): Promise<Facts> {
  const trace = readTrace(path);
  const canaries = Array.from({ length: CANARIES }, canary);
  const names = Array.from({ length: 4 }, canary);
  const script: Script = { path, trace, canaries, names, windowMs };
  console.log(`${trace.patches.length} edits, ${CANARIES} canaries; batch window ${windowMs} ms`);
  const drama = await inScene(join(dir, 'drama'), script, {}, async (scene) => {
    const result = await playDrama(scene, script);
    const sinks = await searchSinks(scene);
    return { ...result, sinks, diskBytes: usedBytes(scene.dataDir) };
  });
  console.log('drama played; control (nothing sealed, a relay that leaks) …');
  const control: SinkResult[] = await inScene(join(dir, 'control'), script, { relayProgram: LEAKY_RELAY }, async (scene) => {
    await playControl(scene, script, Math.min(CONTROL_EDITS, trace.patches.length - 1));
    return searchSinks(scene);
  });
  console.log(`race with and without the relay, ${races} times in turn …`);
  const laps: Lap[] = [];
  for (let lap = 0; lap < races; lap += 1) laps.push(await raceOnce(join(dir, `race-${lap}`), script));
  return { script, drama, control, laps };
}

/** Once through the relay, once without, so that a busy machine is busy for both. */
async function raceOnce(dir: string, script: Script): Promise<Lap> {
  const through = await inScene(join(dir, 'relay'), script, {}, async (scene) => {
    const seconds = await raceThroughRelay(scene, script);
    return { seconds, wireBytes: scene.trafficBytes.toRelay, diskBytes: usedBytes(scene.dataDir), report: await firstReport(scene) };
  });
  const directSeconds = await inScene(join(dir, 'direct'), script, {}, (scene) => raceWithoutRelay(scene, script));
  return { ...through, directSeconds };
}

async function firstReport(scene: Scene): Promise<Lap['report']> {
  const device = scene.devices[0];
  if (device === undefined) throw new Error('no devices');
  return device.report();
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { 'window-ms': { type: 'string' }, races: { type: 'string' } } });
const path = positionals[0];
if (path === undefined) {
  console.error('usage: npm run example:trace -- <trace.json.gz> [--window-ms N] [--races N]');
  process.exit(2);
}
const dir = mkdtempSync(join(tmpdir(), 'sealrelay-trace-'));
try {
  const facts = await run(path, Number(values['window-ms'] ?? WINDOW_MS), Number(values.races ?? RACES), dir);
  const verdicts = judge(facts);
  printTable(facts, verdicts);
  process.exitCode = verdicts.every(({ holds }) => holds) ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
process.exit();
