// The code of docs/guides/embedding.md, as it stands there: type-checked, then run.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { productBuilt } from '../support/relay-process.js';

const ROOT = join(import.meta.dirname, '../..');
const BLOCKS_MIN = 5;
const PLACES = { "'sealrelay'": 'index', "'sealrelay/fastify'": 'fastify/index', "'sealrelay/client'": 'client/node' };
let dir: string;
let program: string;

/** One function out of all blocks, so that later ones use the names of earlier ones. */
function programOf(markdown: string): { blocks: number; text: string } {
  const blocks = [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const text = Object.entries(PLACES).reduce((all, [name, place]) => all.replaceAll(name, `'../../src/${place}.js'`), blocks.join('\n'));
  const lines = text.split('\n');
  const isImport = (line: string): boolean => line.startsWith('import ');
  const body = lines.filter((line) => !isImport(line));
  return { blocks: blocks.length, text: [...lines.filter(isImport), 'export async function guide(dir: string): Promise<void> {', ...body, '}', ''].join('\n') };
}

beforeAll(() => {
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  dir = mkdtempSync(join(ROOT, '.build', 'guide-'));
  program = join(dir, 'guide.ts');
  const { blocks, text } = programOf(readFileSync(join(ROOT, 'docs/guides/embedding.md'), 'utf8'));
  expect(blocks).toBeGreaterThanOrEqual(BLOCKS_MIN);
  writeFileSync(program, text);
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['guide.ts'] }));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('the guide type-checks', { timeout: 60_000 }, async () => {
  const tsc = join(ROOT, 'node_modules/typescript/lib/tsc.js');
  const checked = await promisify(execFile)(process.execPath, [tsc, '-p', dir, '--noEmit']).catch((cause: { stdout: string }) => cause);
  expect(checked.stdout).toBe('');
});

test.skipIf(!productBuilt())('the guide runs, and what it asserts holds (skipped unless the product is built)', { timeout: 60_000 }, async () => {
  const failed = vi.spyOn(console, 'assert').mockImplementation((held) => {
    if (held !== true) throw new Error('an assertion of the guide does not hold');
  });
  const { guide } = (await import(program)) as { guide: (dir: string) => Promise<void> };
  await guide(dir);
  expect(failed).toHaveBeenCalled();
});
