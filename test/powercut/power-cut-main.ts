// The torture run's harness: power cuts on every file system in turn until the time is up. Control: a relay whose syncs do
// nothing, which must be caught by nearly every cut.
import { parseArgs } from 'node:util';
import { Faults, shimMissing } from '../faults/shim.ts';
import { FILE_SYSTEMS, LoopDisks, missingFor, type FileSystem } from './loop-disks.ts';
import { cutPower, nothingCut, type CutReport } from './power-cuts.ts';

const CUTS = 4;
const SESSIONS = 4;
const CONTROL_CUTS_MIN = 12;
/** Share of the control's cuts that must be caught. */
const CAUGHT_SHARE_MIN = 0.95;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '0' }, only: { type: 'string' } } });

async function run(disks: LoopDisks, kinds: readonly FileSystem[]): Promise<void> {
  const endMs = Date.now() + Number(values.seconds) * 1000;
  const counts: Record<string, number> = { cuts: 0, cutsOfStarts: 0, idleCuts: 0, receipts: 0, entriesCompared: 0, receiptsPerSecond: 0 };
  const violations: { what: string; replay: string }[] = [];
  let loadedMs = 0;
  const add = (name: string, count: number): void => void (counts[name] = (counts[name] ?? 0) + count);
  for (let round = 0; Date.now() < endMs && violations.length === 0; round += 1) {
    const kind = kinds[round % kinds.length] ?? 'ext4';
    const report = nothingCut();
    await cutPower({ disks, kind, cuts: CUTS, sessions: SESSIONS, endMs }, report);
    for (const name of ['cuts', 'cutsOfStarts', 'idleCuts', 'receipts', 'entriesCompared'] as const) add(name, report[name]);
    add(`cuts_${kind}`, report.cuts + report.cutsOfStarts);
    loadedMs += report.loadedMs;
    console.log(`${kind}: ${counts['cuts']} cuts under load and ${counts['cutsOfStarts']} of starts so far, ${counts['entriesCompared']} receipted entries compared`);
    // The moment of a cut cannot be repeated: what is named is how to go on looking.
    violations.push(...report.broken.map((what) => ({ what, replay: 'npm run torture -- --only power-cut' })));
  }
  counts['receiptsPerSecond'] = Math.round(((counts['receipts'] ?? 0) * 1000) / Math.max(1, loadedMs));
  const control = await unsynced(disks, kinds[0] ?? 'ext4');
  console.log(JSON.stringify({ counts, violations, control }));
}

async function unsynced(disks: LoopDisks, kind: FileSystem): Promise<{ caught: boolean; what: string }> {
  const missing = shimMissing();
  if (missing !== null) return { caught: false, what: missing };
  const faults = new Faults();
  faults.skipSyncs();
  const report: CutReport = nothingCut();
  while (report.cuts + report.idleCuts < CONTROL_CUTS_MIN) await cutPower({ disks, kind, cuts: CUTS, sessions: 1, env: faults.env }, report);
  faults.close();
  const cuts = report.cuts + report.idleCuts;
  return { caught: report.badCuts >= CAUGHT_SHARE_MIN * cuts, what: `syncs that do nothing: ${report.badCuts} of ${cuts} cuts lost something` };
}

const kinds = FILE_SYSTEMS.filter((kind) => missingFor(kind) === null && (values.only ?? kind) === kind);
const disks = kinds.length === 0 ? (missingFor('ext4') ?? 'no file system') : LoopDisks.open();
if (typeof disks === 'string') console.log(JSON.stringify({ skipped: disks }));
else await run(disks, kinds).finally(() => disks.close());
