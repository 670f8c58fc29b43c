// The code of the guides, as it stands there: type-checked, then run against the built product.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { blocksOf, programOf, toSources, type GuideFrame } from '../support/guide-program.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

interface Guide extends GuideFrame {
  readonly name: string;
  readonly blocksMin: number;
  readonly assertsMin: number;
  readonly check: (seen: readonly string[]) => void;
}

/** Waits until a text is there. */
const EXPECT_TEXT = [
  'async function expectText(text: { toString(): string }, wanted: string): Promise<void> {',
  '  for (let tries = 0; tries < 500 && text.toString() !== wanted; tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));',
  '  console.assert(text.toString() === wanted);',
  '}',
];
const GATHERED = { before: ['const seen: string[] = [];'], result: 'seen' };

const GUIDES: readonly Guide[] = [
  { name: 'client', blocksMin: 9, assertsMin: 1, given: ['relayAddress'], after: ['void [findings, status, later];'], result: 'seen', check: (seen) => expect(seen).toEqual(['hello', 'from one of the tabs']) },
  { name: 'keys', blocksMin: 5, assertsMin: 6, given: ['relayAddress'], before: ['const steps: string[] = [];'], result: 'steps', check: (steps) => expect(steps).toEqual(['opening', 'offered', 'confirming', 'paired', 'paired', 'idle']) },
  { name: 'yjs', blocksMin: 6, assertsMin: 1, given: ['relayAddress'], ...GATHERED, before: [...GATHERED.before, ...EXPECT_TEXT], check: (seen) => expect(seen).toEqual(expect.arrayContaining(['connected', 'synced'])) },
  { name: 'automerge', blocksMin: 4, assertsMin: 1, given: ['relayAddress'], ...GATHERED, check: (seen) => expect(seen).toEqual(['hello']) },
  { name: 'graceful-books', blocksMin: 6, assertsMin: 1, given: ['relayAddress', 'relayUrl'], ...GATHERED, check: (seen) => expect(seen).toEqual(['txn-456']) },
  { name: 'pluresdb', blocksMin: 2, assertsMin: 1, given: ['relayWsUrl'], ...GATHERED, check: (seen) => expect(seen[0]).toBe('hello') },
  { name: 'testing', blocksMin: 4, assertsMin: 3, given: [], before: ['const steps: string[] = [];'], result: 'steps', check: () => undefined },
  { name: 'embedding', blocksMin: 5, assertsMin: 1, given: ['dir'], result: '[]', check: () => undefined },
];

let dir: string;

function markdownOf(name: string): string {
  return readFileSync(join(ROOT, `docs/guides/${name}.md`), 'utf8');
}

beforeAll(() => {
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  dir = mkdtempSync(join(ROOT, '.build', 'guides-'));
  for (const guide of GUIDES) {
    const { blocks, text } = programOf(markdownOf(guide.name), guide);
    expect(blocks, guide.name).toBeGreaterThanOrEqual(guide.blocksMin);
    writeFileSync(join(dir, `${guide.name}.ts`), text);
  }
  writeFileSync(join(dir, 'shown.test.ts'), toSources(blocksOf(markdownOf('testing'), 'ts vitest').join('\n')));
  // A busy machine takes longer than the 5 s that Vitest gives a test.
  writeFileSync(join(dir, 'vitest.config.ts'), "export default { test: { include: ['shown.test.ts'], testTimeout: 40_000 } };\n");
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'], exclude: ['vitest.config.ts'] }));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function complaints(): Promise<string> {
  const tsc = join(ROOT, 'node_modules/typescript/lib/tsc.js');
  const checked = await run(process.execPath, [tsc, '-p', dir, '--noEmit']).catch((cause: { stdout: string }) => cause);
  return checked.stdout;
}

test('all of them type-check, and a mistake in one would be found', { timeout: 120_000 }, async () => {
  expect(await complaints()).toBe('');
  const mistaken = join(dir, 'mistaken.ts');
  writeFileSync(mistaken, programOf(markdownOf('automerge').replace("'hello'", '5'), { given: ['relayAddress'], ...GATHERED }).text);
  expect(await complaints()).toContain('mistaken.ts');
  rmSync(mistaken);
});

describe.skipIf(!productBuilt())('on a relay (skipped unless the product is built)', () => {
  let relay: RelayProcess;
  beforeAll(async () => {
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  });
  afterAll(async () => relay.stop());

  // Once more on a busy machine: what one device stored a moment ago may still be on its way to another one that is synced with what it knows.
  test.each(GUIDES)('the guide $name runs, and what it asserts holds', { timeout: 60_000 }, async ({ name, given, assertsMin, check }) => {
    const asserted = vi.spyOn(console, 'assert').mockImplementation((held) => {
      if (held !== true) throw new Error('an assertion of the guide does not hold');
    });
    const values: Readonly<Record<string, string>> = { relayAddress: relay.address, relayUrl: `http://127.0.0.1:${relay.port}`, relayWsUrl: `ws://127.0.0.1:${relay.port}`, dir };
    const { guide } = (await import(join(dir, `${name}.ts`))) as { guide: (...given: readonly (string | undefined)[]) => Promise<readonly string[]> };
    check(await guide(...given.map((value) => values[value])));
    expect(asserted.mock.calls.length).toBeGreaterThanOrEqual(assertsMin);
  });

  test('the block for Vitest in the guide to testing passes there', { timeout: 60_000 }, async () => {
    const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', dir, '--config', join(dir, 'vitest.config.ts')]);
    expect(stdout).toContain('1 passed');
  });
});
