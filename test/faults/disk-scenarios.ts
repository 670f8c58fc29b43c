// Faults of the disk: syncs that fail, syncs that are slow, no room.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUSY_SLACK_MS, FullDiskProbe, readinessAfter, REFUSED_WITHIN_MS } from './full-disk-probe.ts';
import { percentile } from './load.ts';
import { Findings, type Effort, type FaultReport, type FaultSkip } from './report.ts';
import { health, isAlive, underLoad } from './relay-under-fault.ts';
import { EIO, Faults, shimMissing } from './shim.ts';

const MIB = 1 << 20;
/** Room for a few segments besides what the store wants before it takes pushes again, a segment and its reserve. */
const DISK_MIB = 416;

/** A sync fails: everything pending is refused, nothing is acknowledged any more, and the relay says that it is not ready. */
export async function failedSync({ scale, env }: Effort): Promise<FaultReport | FaultSkip> {
  const name = 'failed-sync';
  const missing = shimMissing();
  if (missing !== null) return { name, skipped: missing };
  const findings = new Findings();
  const faults = new Faults();
  await underLoad(findings, { env: { ...env, ...faults.env } }, async ({ relay, load, port }) => {
    faults.failSyncs(EIO);
    findings.expect(await load.refusedWithin('store_poisoned', 5000), 'pending pushes were not refused as store_poisoned');
    await sleep(100);
    const receipts = load.receipts;
    const { syncs } = faults.counts();
    findings.expect(faults.counts().failed > 0, 'no sync failed: the shim is not there');
    // The disk is well again; a store that believed a second sync would go on now.
    faults.failSyncs(0);
    await sleep(500 * scale);
    findings.expect(load.receipts === receipts, `${load.receipts - receipts} receipts after a failed sync`);
    findings.fact('syncsAfter', faults.counts().syncs - syncs);
    const [ready, live] = [await health(port, 'ready'), await health(port, 'live')];
    findings.expect(ready.status === 503 && ready.reason === 'store_poisoned', `readiness is ${ready.status} ${ready.reason}`);
    findings.expect(live.status === 200 && isAlive(relay.pid), 'the process does not live');
  });
  faults.close();
  return findings.report(name);
}

const ACK_SLACK_MS = 5;

/** Syncs are slow: acknowledgements take at most two of them, and what is in flight stays bounded. */
export async function slowDisk({ scale }: Effort, claimedMs?: number): Promise<FaultReport | FaultSkip> {
  const name = 'slow-disk';
  const missing = shimMissing();
  if (missing !== null) return { name, skipped: missing };
  const findings = new Findings();
  const faults = new Faults();
  await underLoad(findings, { env: faults.env, load: { writers: 4, inFlight: 4 } }, async ({ relay, load }) => {
    // The short form runs among other tests, on a machine that is not its own, and one stop of it is more than a hundredth of what is
    // in flight meanwhile; the long one judges the figure itself.
    const [syncs, share] = scale > 1 ? [2, 0.99] : [3, 0.9];
    // What the machine itself adds, beside the disk.
    const ownTime = async (): Promise<number> => {
      load.takeLatencies();
      await sleep(700);
      return percentile(load.takeLatencies(), share);
    };
    let own = await ownTime();
    for (const delayMs of scale > 1 ? [20, 200, 2000] : [50]) {
      faults.delaySyncs(delayMs);
      await load.receiptsWithin(16, 10_000 + delayMs * 4);
      load.takeLatencies();
      await sleep(Math.max(1500, delayMs * 6));
      const took = percentile(load.takeLatencies(), share);
      faults.delaySyncs(0);
      await sleep(2 * delayMs);
      own = Math.max(own, await ownTime());
      findings.fact(`msAt${delayMs}`, took);
      findings.fact(`msWithout${delayMs}`, own);
      const bound = syncs * (claimedMs ?? delayMs) + ACK_SLACK_MS + own;
      findings.expect(took <= bound, `${share * 100} % of the receipts took up to ${took.toFixed(0)} ms with syncs of ${delayMs} ms; at most ${bound.toFixed(0)}`);
      findings.expect(isAlive(relay.pid), 'the process does not live');
    }
    faults.delaySyncs(0);
    findings.expect(await load.receiptsWithin(50, 5000), 'no receipts after the disk was fast again');
    findings.expect(load.refusals.size === 0, `refused: ${[...load.refusals.keys()].join(', ')}`);
  });
  faults.close();
  return findings.report(name);
}

const RECOVERED_WITHIN_MS = 2000;
/** Figures are shared for 50 ms; the rest is for a busy machine. */
const UNREADY_WITHIN_MS = 1000;

/** No room: writes are refused by that name and soon, readiness says so, reads and liveness go on; within two seconds of room all is well. */
export async function diskFull({ scale, env }: Effort): Promise<FaultReport | FaultSkip> {
  const name = 'disk-full';
  const findings = new Findings();
  // Each time a disk of its own: nothing is forgotten in between, so that soon no room would come back.
  for (let round = 0; round < scale; round += 1) {
    const missing = await fillOneDisk(findings, env);
    if (missing !== null) return { name, skipped: missing };
  }
  return findings.report(name);
}

/** Why it cannot be done here, or null. */
async function fillOneDisk(findings: Findings, env: Effort['env']): Promise<string | null> {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB * MIB}`, 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    rmSync(dir, { recursive: true, force: true });
    return 'needs the right to mount a tmpfs';
  }
  try {
    const load = { writers: 4, inFlight: 8, entryBytes: 64 * 1024 };
    await underLoad(findings, { dir, load, ...(env === undefined ? {} : { env }) }, async ({ relay, load, port }) => {
      const probe = await FullDiskProbe.open(relay.address, port);
      findings.expect((await health(port, 'ready')).status === 200, 'not ready before the disk is full');
      fill(join(dir, 'filler'));
      // Segments are made ahead, so what is made already is written full first.
      findings.expect(await load.refusedWithin('disk_full', 30_000), 'a full disk was never refused as disk_full');
      findings.expect([...load.refusals.keys()].every((refused) => refused === 'disk_full' || refused === 'push_seq_gap'), `refused as ${[...load.refusals.keys()].join(', ')}`);
      await refusedAndUnready(findings, probe, port);
      const live = await health(port, 'live');
      findings.expect(live.status === 200 && isAlive(relay.pid), 'the process does not live');
      const { lost, doubled, gaps } = await load.compare(relay.address);
      findings.expect(lost + doubled + gaps === 0, `while full: ${lost} lost, ${doubled} doubled, ${gaps} gaps`);
      const freedMs = performance.now();
      unlinkSync(join(dir, 'filler'));
      const recovered = await load.receiptsWithin(1, 10_000);
      findings.fact('recoveredMs', load.lastReceiptMs - freedMs);
      findings.expect(recovered && load.lastReceiptMs - freedMs <= RECOVERED_WITHIN_MS, `recovery took ${(load.lastReceiptMs - freedMs).toFixed(0)} ms`);
      await readyAgain(findings, probe, port, freedMs);
      probe.close();
    });
  } finally {
    execFileSync('umount', ['-l', dir], { stdio: 'ignore' });
    rmSync(dir, { recursive: true, force: true });
  }
  return null;
}

async function refusedAndUnready(findings: Findings, probe: FullDiskProbe, port: number): Promise<void> {
  const unreadyMs = await readinessAfter(port, { status: 503, reason: 'disk_full' }, UNREADY_WITHIN_MS);
  findings.expect(Number.isFinite(unreadyMs), 'readiness did not become 503 disk_full');
  const { others, medianMs } = await probe.refusals();
  findings.fact('refusedMs', medianMs);
  findings.expect(others.length === 0, `while full: ${others.join(', ')}`);
  const bound = REFUSED_WITHIN_MS + BUSY_SLACK_MS;
  findings.expect(medianMs <= bound, `a push was refused after ${medianMs.toFixed(0)} ms; at most ${bound}`);
}

async function readyAgain(findings: Findings, probe: FullDiskProbe, port: number, freedMs: number): Promise<void> {
  const leftMs = RECOVERED_WITHIN_MS - (performance.now() - freedMs);
  await readinessAfter(port, { status: 200, reason: '' }, leftMs);
  findings.fact('readyMs', performance.now() - freedMs);
  findings.expect((await health(port, 'ready')).status === 200, `not ready ${RECOVERED_WITHIN_MS} ms after there was room`);
  findings.expect(await probe.takenWithin(RECOVERED_WITHIN_MS), 'ready, but a push is not taken');
}

/** Writes until there is no room. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  for (const bytes of [MIB, 4096]) {
    const block = Buffer.alloc(bytes);
    try {
      for (;;) writeSync(file, block);
    } catch {
      // There is no room for a block of this size.
    }
  }
  closeSync(file);
}
