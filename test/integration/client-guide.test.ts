// The code of docs/guides/client.md, as it stands there: type-checked, then run against the built product.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';

const ROOT = join(import.meta.dirname, '../..');
const BLOCKS_MIN = 9;
let dir: string;
let program: string;

/** One function out of all blocks, so that later ones use the names of earlier ones. */
function programOf(markdown: string): { blocks: number; text: string } {
  const blocks = [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const lines = blocks.join('\n').replaceAll("'sealrelay/client'", "'../../src/client/node.js'").split('\n');
  const isImport = (line: string): boolean => line.startsWith('import ');
  const body = lines.filter((line) => !isImport(line));
  const shown = 'void [seen, findings, status, later];';
  return { blocks: blocks.length, text: [...lines.filter(isImport), 'export async function guide(relayAddress: string): Promise<string[]> {', ...body, shown, 'return seen;', '}', ''].join('\n') };
}

beforeAll(() => {
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  dir = mkdtempSync(join(ROOT, '.build', 'guide-'));
  program = join(dir, 'guide.ts');
  const { blocks, text } = programOf(readFileSync(join(ROOT, 'docs/guides/client.md'), 'utf8'));
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
  const relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  const failed = vi.spyOn(console, 'assert').mockImplementation((held) => {
    if (held !== true) throw new Error('an assertion of the guide does not hold');
  });
  try {
    const { guide } = (await import(program)) as { guide: (relayAddress: string) => Promise<string[]> };
    expect(await guide(relay.address)).toEqual(['hello', 'from one of the tabs']);
    expect(failed).toHaveBeenCalled();
  } finally {
    await relay.stop();
  }
});
