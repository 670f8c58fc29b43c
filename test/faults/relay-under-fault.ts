// A relay with load on it, in a directory of its own; what every scenario begins and ends with.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startRelay, type RelayProcess } from '../support/relay-process.ts';
import { Load, type LoadOptions } from './load.ts';
import type { Findings } from './report.ts';

const LOAD = { writers: 4, inFlight: 8, entryBytes: 512 };

export interface Place {
  readonly relay: RelayProcess;
  readonly load: Load;
  readonly dataDir: string;
  readonly port: number;
}

/** Starts a relay and load, runs the scenario, and compares what is held with what was acknowledged after an ordinary restart. */
export async function underLoad(
  findings: Findings,
  options: { readonly adminPort?: number; readonly env?: Readonly<Record<string, string>>; readonly dir?: string; readonly load?: Partial<LoadOptions>; readonly program?: string; readonly startedIn?: <T>(start: () => Promise<T>) => Promise<T> },
  scenario: (place: Place) => Promise<void>,
): Promise<void> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'sealrelay-fault-'));
  const dataDir = join(dir, 'data');
  const port = await freePort();
  const start = (): Promise<RelayProcess> => startRelay({ dataDir, port, ...(options.adminPort === undefined ? {} : { adminPort: options.adminPort }), ...(options.env === undefined ? {} : { env: options.env }), ...(options.program === undefined ? {} : { program: options.program }) });
  const relay = await (options.startedIn ?? ((run) => run()))(start);
  const load = await Load.start({ address: relay.address, ...LOAD, ...options.load });
  try {
    findings.expect(await load.receiptsWithin(50, 10_000), 'no receipts before the fault');
    await scenario({ relay, load, dataDir, port });
  } finally {
    await load.stop();
    await relay.kill();
  }
  const again = await startRelay({ dataDir, port });
  const { lost, doubled, gaps } = await load.compare(again.address).finally(() => again.kill());
  findings.fact('receipts', load.receipts);
  findings.expect(lost + doubled + gaps === 0, `${lost} receipted entries lost, ${doubled} doubled, ${gaps} gaps`);
  if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
}

/** Whether the process is there and not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Status and code of a health route; 0 when it does not answer. */
export async function health(port: number, path: 'ready' | 'live'): Promise<{ status: number; reason: string }> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health/${path}`, { signal: AbortSignal.timeout(5000) });
    const body = (await answer.json()) as { reason?: string | null };
    return { status: answer.status, reason: body.reason ?? '' };
  } catch {
    return { status: 0, reason: '' };
  }
}

/** A counter that the relay shows at its admin port; NaN when it does not answer. */
export async function counter(adminPort: number, name: string): Promise<number> {
  const text = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text(), () => '');
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}
