import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundlePrograms } from '../../tools/lib/bundle.mjs';
import { productBuilt } from '../support/relay-process.ts';

const PROGRAMS = ['test/e2e/trace/main.ts', 'test/e2e/trace/device-main.ts', 'test/support/leaky-relay-main.ts'];
const EDITS = 12_000;
/** Verdicts of the example that do not depend on the machine. */
const VERDICTS = 7;
const CHARACTERS = [...'abcdefghij klmnop.é漢😀𝒜'];

/** A made-up trace in the format of real ones: typing in bursts, with corrections, also outside the basic plane. */
function madeUpTrace(seed: number): { startContent: string; endContent: string; txns: { patches: [number, number, string][] }[] } {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const startContent = 'once 😀 upon';
  const text = [...startContent];
  const txns: { patches: [number, number, string][] }[] = [];
  let at = text.length;
  for (let edit = 0; edit < EDITS; edit += 1) {
    if (below(40) === 0) at = below(text.length + 1);
    const deleted = below(8) === 0 ? Math.min(1 + below(3), text.length - at) : 0;
    const inserted = deleted > 0 ? '' : (CHARACTERS[below(CHARACTERS.length)] ?? '');
    text.splice(at, deleted, ...inserted);
    txns.push({ patches: [[at, deleted, inserted]] });
    at += [...inserted].length;
  }
  return { startContent, endContent: text.join(''), txns };
}

describe.skipIf(!productBuilt())('the trace example (skipped unless the product is built)', () => {
  let dir: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-trace-test-'));
    await bundlePrograms(PROGRAMS, resolve('.build'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('holds for a made-up trace: three devices, a killed relay, a late device, canaries nowhere but in the control', { timeout: 240_000 }, async () => {
    const path = join(dir, 'trace.json.gz');
    writeFileSync(path, gzipSync(JSON.stringify(madeUpTrace(7))));
    const conductor = spawn(process.execPath, [resolve('.build/main.js'), path, '--races', '1'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    conductor.stdout.on('data', (piece: Buffer) => (printed += piece.toString()));
    await once(conductor, 'exit');
    console.log(printed);
    const lines = printed.split('\n');
    // The size ratios depend on how fast this machine types into one batch window; the example judges them, this test does not.
    expect(lines.filter((line) => line.startsWith('FAILED') && !line.includes('≤'))).toEqual([]);
    expect(lines.filter((line) => line.startsWith('holds')).length).toBeGreaterThanOrEqual(VERDICTS);
  });
});
