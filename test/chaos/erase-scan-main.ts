// The torture run's harness: spaces are filled and erased until the time is up. Its control is the same search before each erasure.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../support/relay-process.ts';
import { eraseScan } from './erase-scan.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '0' } } });
const endMs = Date.now() + Number(values.seconds) * 1000;
const counts = { erasures: 0, ciphertextBytes: 0 };
const violations: { what: string; replay: string }[] = [];
const kinds = new Set<string>();
const replay = 'npm run torture -- --only erase-scan';

do {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-erase-'));
  try {
    const report = await eraseScan({ dataDir: join(dir, 'data'), port: await freePort(), items: 200 + counts.erasures * 50, itemBytes: 4000 });
    console.log(JSON.stringify(report));
    counts.erasures += 1;
    counts.ciphertextBytes += report.ciphertextBytes;
    report.foundBefore.forEach((kind) => kinds.add(kind));
    if (report.foundAfter.length > 0) violations.push({ what: `ciphertext is left in ${report.foundAfter.length} files`, replay });
    if (!report.told) violations.push({ what: 'the other device was not told by whom', replay });
    if (!report.bystanderWhole) violations.push({ what: 'another space is not whole', replay });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
} while (Date.now() < endMs && violations.length === 0);

const caught = ['seg', 'snap', 'blob'].every((kind) => kinds.has(kind));
console.log(JSON.stringify({ counts, violations, control: { caught, what: `before an erasure it is found in ${[...kinds].toSorted().join(', ')}` } }));
