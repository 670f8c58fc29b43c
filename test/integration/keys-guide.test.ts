// The code of docs/guides/keys.md, as it stands there: type-checked, then run against a real relay.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestRelay } from '../../src/testing/index.js';
import { programOf } from '../support/guide-program.js';

const ROOT = join(import.meta.dirname, '../..');
const BLOCKS_MIN = 5;
let dir: string;
let program: string;

beforeAll(() => {
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  dir = mkdtempSync(join(ROOT, '.build', 'keys-guide-'));
  program = join(dir, 'guide.ts');
  const { blocks, text } = programOf(readFileSync(join(ROOT, 'docs/guides/keys.md'), 'utf8'));
  expect(blocks).toBeGreaterThanOrEqual(BLOCKS_MIN);
  writeFileSync(program, text);
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['guide.ts'] }));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the guide to keys type-checks', async () => {
  const tsc = join(ROOT, 'node_modules/typescript/lib/tsc.js');
  const checked = await promisify(execFile)(process.execPath, [tsc, '-p', dir, '--noEmit']).catch((cause: { stdout: string }) => cause);
  expect(checked.stdout).toBe('');
});

test('the guide to keys runs, and what it asserts holds', async () => {
  const relay = await startTestRelay();
  const asserted = vi.spyOn(console, 'assert').mockImplementation((held) => {
    if (held !== true) throw new Error('an assertion of the guide does not hold');
  });
  try {
    const { guide } = (await import(program)) as { guide: (relayAddress: string) => Promise<string[]> };
    expect(await guide(relay.address)).toEqual([relay.address, 'opening', 'offered', 'confirming', 'paired', 'paired', 'idle']);
    expect(asserted.mock.calls.length).toBeGreaterThanOrEqual(6);
  } finally {
    await relay.stop();
  }
});
