// The code of the guides of bindings and of other systems' clients, as it stands there: type-checked, then run against the built product.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';

const ROOT = join(import.meta.dirname, '../..');
const GUIDES = [
  { name: 'yjs', blocksMin: 6, check: (seen: readonly string[]) => expect(seen).toEqual(expect.arrayContaining(['connected', 'synced'])) },
  { name: 'automerge', blocksMin: 4, check: (seen: readonly string[]) => expect(seen).toEqual(['hello']) },
  { name: 'graceful-books', blocksMin: 6, check: (seen: readonly string[]) => expect(seen).toEqual(['txn-456']) },
  { name: 'pluresdb', blocksMin: 2, check: (seen: readonly string[]) => expect(seen[0]).toBe('hello') },
] as const;
/** Entries of the package whose folder has another name. */
const FOLDERS: Readonly<Record<string, string>> = { 'graceful-books': 'client/graceful', pluresdb: 'client/plures' };
/** What the guides leave to the reader: to wait until a text is there. */
const HELPERS = `
async function expectText(text: { toString(): string }, wanted: string): Promise<void> {
  for (let tries = 0; tries < 500 && text.toString() !== wanted; tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  console.assert(text.toString() === wanted);
}
void expectText;`;
let dir: string;

/** One function out of all blocks, so that later ones use the names of earlier ones. */
function programOf(markdown: string): { blocks: number; text: string } {
  const blocks = [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const inPlace = (_: string, entry: string): string => `'../../src/${FOLDERS[entry] ?? entry}/node.js'`;
  const lines = blocks.join('\n').replaceAll(/'sealrelay\/([\w-]+)'/g, inPlace).split('\n');
  const isImport = (line: string): boolean => line.startsWith('import ');
  const body = lines.filter((line) => !isImport(line));
  return {
    blocks: blocks.length,
    text: [...lines.filter(isImport), HELPERS, 'export async function guide(relayAddress: string, relayUrl: string, relayWsUrl = relayUrl.replace("http", "ws")): Promise<string[]> {', 'void [relayAddress, relayUrl, relayWsUrl];', 'const seen: string[] = [];', ...body, 'return seen;', '}', ''].join('\n'),
  };
}

beforeAll(() => {
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  dir = mkdtempSync(join(ROOT, '.build', 'binding-'));
  for (const { name, blocksMin } of GUIDES) {
    const { blocks, text } = programOf(readFileSync(join(ROOT, `docs/guides/${name}.md`), 'utf8'));
    expect(blocks).toBeGreaterThanOrEqual(blocksMin);
    writeFileSync(join(dir, `${name}.ts`), text);
  }
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'] }));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('all of them type-check', { timeout: 60_000 }, async () => {
  const tsc = join(ROOT, 'node_modules/typescript/lib/tsc.js');
  const checked = await promisify(execFile)(process.execPath, [tsc, '-p', dir, '--noEmit']).catch((cause: { stdout: string }) => cause);
  expect(checked.stdout).toBe('');
});

describe.skipIf(!productBuilt())('on a relay (skipped unless the product is built)', () => {
  test.each(GUIDES)('the guide of $name runs, and what it asserts holds', { timeout: 60_000 }, async ({ name, check }) => {
    const relay = await startRelay({ dataDir: join(dir, `data-${name}`), port: await freePort() });
    const failed = vi.spyOn(console, 'assert').mockImplementation((held) => {
      if (held !== true) throw new Error('an assertion of the guide does not hold');
    });
    try {
      const { guide } = (await import(join(dir, `${name}.ts`))) as { guide: (relayAddress: string, relayUrl: string) => Promise<string[]> };
      check(await guide(relay.address, `http://127.0.0.1:${relay.port}`));
      expect(failed).toHaveBeenCalled();
    } finally {
      failed.mockRestore();
      await relay.stop();
    }
  });
});
