// Shows, on this machine and for this version, that a relay sees nothing of what its clients write: canaries go through real
// clients into a real relay, and every place where they could turn up is searched.
//
// A check that finds nothing proves something only if it would find something: test/e2e/verify-blind.test.ts runs it against
// clients that seal nothing and a relay that talks, and requires a hit in every sink.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Internals } from '../client/space/internals.js';
import { BUILD, VERSION } from '../version.js';
import { searchAnswers } from './answers.js';
import { CanarySearch, WINDOW_BYTES } from './canary-search.js';
import { COMPRESSIONS, COMPRESSIONS_MISSING } from './compressed.js';
import { ENCODINGS } from './encodings.js';
import { searchDirectory, searchFile } from './files.js';
import { FIELDS, Planter, shareOut } from './plant.js';
import type { Field } from './plant.js';
import { searchMemory } from './process-memory.js';
import { mountImage } from './raw-image.js';
import type { RawImage } from './raw-image.js';
import { startRelay } from './relay-process.js';
import type { RelayProcess, RelayProgram } from './relay-process.js';
import type { BlindReport } from './report.js';
import { Sink } from './sink.js';
import type { Wanted } from './sink.js';
import { startTapProxy } from './tap-proxy.js';
import type { TapProxy } from './tap-proxy.js';

const CANARY_CHARACTERS = 32;

export interface VerifyOptions {
  readonly canaries: number;
  readonly program: RelayProgram;
  /** Without it the raw image and the memory are left out: they take the most time. */
  readonly deep: boolean;
  /** Whether the memory is taken as a core image, where gdb is there. */
  readonly core: boolean;
  /** Called before the relay starts, for a control that hands something to it. */
  readonly planned?: (canaries: readonly string[]) => void;
  /** What a control leaves unsealed. */
  readonly internals?: Internals;
}

interface Sinks {
  readonly toRelay: Sink;
  readonly toDevices: Sink;
  readonly data: Sink;
  readonly image: Sink;
  readonly logs: Sink;
  readonly metrics: Sink;
  readonly control: Sink;
  readonly admin: Sink;
  readonly errors: Sink;
  readonly memory: Sink;
}

/** What stands behind one run; all of it is taken down in the end. */
interface Stage {
  readonly dir: string;
  readonly dataDir: string;
  readonly image: RawImage | string;
  relay: RelayProcess | undefined;
  tap: TapProxy | undefined;
  planter: Planter | undefined;
}

export async function verifyBlind(options: VerifyOptions): Promise<BlindReport> {
  const started = new Date();
  const canaries = plan(options.canaries);
  const all = FIELDS.flatMap((field) => canaries[field]);
  options.planned?.(all);
  const fieldOf = fieldsOf(canaries);
  const sinks = makeSinks({ search: new CanarySearch(all), fieldOf });
  const stage = openStage(options.deep);
  let secrets: readonly Sink[] = [];
  let secretCount = 0;
  try {
    const relay = await startRelay(options.program, stage.dataDir, (piece) => sinks.logs.push(piece));
    stage.relay = relay;
    const tap = await startTapProxy(
      () => relay.port,
      (connection, direction, piece) => (direction === 'to-relay' ? sinks.toRelay : sinks.toDevices).push(piece, `${connection}`),
    );
    stage.tap = tap;
    const planter = new Planter(relay.address.replace(/:\d+\//, `:${tap.port}/`), options.internals ?? {});
    stage.planter = planter;
    await planter.plant(canaries);
    const keys = await planter.secrets();
    secretCount = keys.length;
    const wanted = { search: new CanarySearch(keys), fieldOf: () => 'client secret' };
    const [data, memory] = [new Sink('data directory (secrets)', wanted), new Sink('memory (secrets)', wanted)];
    secrets = options.deep ? [data, memory] : [data];
    await searchAnswers(sinks, relay.port, relay.adminPort, readAdminToken(stage.dataDir));
    if (options.deep) {
      searchMemory([sinks.memory, memory], { pid: relay.pid, dir: stage.dir, core: options.core });
    } else {
      sinks.memory.skip('left out');
    }
    await planter.close();
    searchDirectory(sinks.data, stage.dataDir);
    await relay.stop();
    searchDirectory(sinks.data, stage.dataDir);
    searchDirectory(data, stage.dataDir);
    searchImage(sinks.image, stage.image);
  } finally {
    await closeStage(stage);
  }
  const reports = [...Object.values(sinks), ...secrets].map((sink) => sink.report());
  const hits = reports.reduce((sum, report) => sum + report.hits, 0);
  return {
    report: 'sealrelay verify-blind',
    format: 1,
    version: VERSION,
    commit: BUILD.commit,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    started: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
    fields: Object.fromEntries(FIELDS.map((field) => [field, canaries[field].length])),
    canaries: all.length,
    secrets: secretCount,
    encodings: ENCODINGS,
    compressions: COMPRESSIONS,
    notSearched: COMPRESSIONS_MISSING,
    windowBytes: WINDOW_BYTES,
    sinks: reports,
    hits,
    blind: hits === 0 && reports.every(({ bytes, skipped }) => bytes > 0 || skipped !== null),
  };
}

function plan(count: number): Record<Field, string[]> {
  const shares = shareOut(count);
  const canary = (): string => randomBytes(CANARY_CHARACTERS).toString('base64url').slice(0, CANARY_CHARACTERS);
  const entries = FIELDS.map((field) => [field, Array.from({ length: shares[field] }, canary)] as const);
  return Object.fromEntries(entries) as Record<Field, string[]>;
}

function fieldsOf(canaries: Readonly<Record<Field, readonly string[]>>): Wanted['fieldOf'] {
  const fields = FIELDS.flatMap((field) => canaries[field].map(() => field));
  return (canary) => fields[canary] ?? '';
}

function makeSinks(wanted: Wanted): Sinks {
  return {
    toRelay: new Sink('wire, to the relay', wanted),
    toDevices: new Sink('wire, to devices', wanted),
    data: new Sink('data directory', wanted),
    image: new Sink('raw disk image', wanted),
    logs: new Sink('logs at trace', wanted),
    metrics: new Sink('/metrics', wanted),
    control: new Sink('health and pages', wanted),
    admin: new Sink('admin answers', wanted),
    errors: new Sink('error bodies', wanted),
    memory: new Sink('memory of the process', wanted),
  };
}

function openStage(deep: boolean): Stage {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-verify-'));
  const image = deep ? mountImage(dir) : 'left out';
  const dataDir = join(typeof image === 'string' ? dir : image.mountedAt, 'data');
  mkdirSync(dataDir, { recursive: true });
  return { dir, dataDir, image, relay: undefined, tap: undefined, planter: undefined };
}

async function closeStage({ dir, image, relay, tap, planter }: Stage): Promise<void> {
  await planter?.close();
  await tap?.close();
  await relay?.stop();
  if (typeof image !== 'string') image.unmount();
  rmSync(dir, { recursive: true, force: true });
}

function searchImage(sink: Sink, image: RawImage | string): void {
  if (typeof image === 'string') {
    sink.skip(image);
    return;
  }
  image.unmount();
  searchFile(sink, image.path);
}

/** The token that a running relay leaves for who can read its data directory. */
function readAdminToken(dataDir: string): string | null {
  const path = join(dataDir, 'admin', 'token');
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}
