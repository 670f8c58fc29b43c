// The torture run's harness around region-failover.ts; it also judges how long a failover takes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runFailover } from './region-failover.ts';

const TOOK_MS_P99_MAX = 5000;
const CONTROL_ROUNDS = 2;
/** One failure of each kind: a region that fails again and again soon after the return is returned to later and later, by design. */
const ROUNDS = 4;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '0' } } });
const endMs = Date.now() + Number(values.seconds) * 1000;
const dir = mkdtempSync(join(tmpdir(), 'sealrelay-region-failover-'));
const counts = { kills: 0, freezes: 0, slows: 0, blackouts: 0, receipted: 0 };
const [tookMs, found]: [number[], string[]] = [[], []];
for (let run = 0; run === 0 || (Date.now() < endMs && found.length === 0); run += 1) {
  const report = await runFailover({ dir: join(dir, `run-${run}`), endMs, roundsMax: ROUNDS, failsOver: true });
  for (const name of ['kills', 'freezes', 'slows', 'blackouts', 'receipted'] as const) counts[name] += report[name];
  tookMs.push(...report.tookMs);
  found.push(...report.violations);
  rmSync(join(dir, `run-${run}`), { recursive: true, force: true });
}
const sorted = tookMs.toSorted((a, b) => a - b);
const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
const { kills, freezes, slows, blackouts } = counts;
console.log(`${kills} kills, ${freezes} freezes, ${slows} slow, ${blackouts} blackouts; online at the next region after ${at(0.5)} ms (median), ${at(0.99)} ms (p99), ${at(1)} ms (longest) of ${sorted.length}`);
const control = await runFailover({ dir: join(dir, 'control'), endMs: Number.POSITIVE_INFINITY, roundsMax: CONTROL_ROUNDS, failsOver: false });
rmSync(dir, { recursive: true, force: true });
const violations = found.map((what) => ({ what, replay: 'npm run torture -- --only region-failover' }));
if (at(0.99) > TOOK_MS_P99_MAX) violations.push({ what: `a failover took ${at(0.99)} ms (p99), more than ${TOOK_MS_P99_MAX}`, replay: 'npm run torture -- --only region-failover' });
const [noticed = 'nothing was noticed'] = control.violations;
console.log(JSON.stringify({ counts, violations, control: { caught: control.violations.length > 0, what: `devices that take another log for a copy of theirs: ${noticed}` } }));
