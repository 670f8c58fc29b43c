// The code of docs/guides/testing.md, as it stands there: type-checked and run, the block for Vitest by Vitest.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { blocksOf, programOf, toSources } from '../support/guide-program.js';

const ROOT = join(import.meta.dirname, '../..');
const BLOCKS_MIN = 4;
const run = promisify(execFile);
let dir: string;
let program: string;

beforeAll(() => {
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  dir = mkdtempSync(join(ROOT, '.build', 'testing-guide-'));
  program = join(dir, 'guide.ts');
  const markdown = readFileSync(join(ROOT, 'docs/guides/testing.md'), 'utf8');
  const { blocks, text } = programOf(markdown);
  expect(blocks).toBeGreaterThanOrEqual(BLOCKS_MIN);
  writeFileSync(program, text);
  writeFileSync(join(dir, 'guide.test.ts'), toSources(blocksOf(markdown, 'ts vitest').join('\n')));
  writeFileSync(join(dir, 'vitest.config.ts'), "export default { test: { include: ['guide.test.ts'] } };\n");
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['guide.ts', 'guide.test.ts'] }));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the guide to testing type-checks', async () => {
  const checked = await run(process.execPath, [join(ROOT, 'node_modules/typescript/lib/tsc.js'), '-p', dir, '--noEmit']).catch((cause: { stdout: string }) => cause);
  expect(checked.stdout).toBe('');
});

test('the guide to testing runs, and what it asserts holds', async () => {
  const asserted = vi.spyOn(console, 'assert').mockImplementation((held) => {
    if (held !== true) throw new Error('an assertion of the guide does not hold');
  });
  const { guide } = (await import(program)) as { guide: (relayAddress: string) => Promise<string[]> };
  await guide('');
  expect(asserted.mock.calls.length).toBeGreaterThanOrEqual(3);
});

test('its block for Vitest passes there', async () => {
  const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', dir, '--config', join(dir, 'vitest.config.ts')]);
  expect(stdout).toContain('1 passed');
});
