// The package as tools for packages see it: every entry resolves with its types, browsers get no built-in modules of Node, and each entry has a budget.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../support/example-site.js';
import { productBuilt } from '../support/relay-process.js';

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
}
const { exports: entries }: Manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** Entries that run on Node alone. */
const NODE_ENTRIES = ['.', './fastify', './testing', './testing/vitest'];
const OTHERS = /^(yjs|y-protocols|lib0|react|react-dom|@automerge)(\/|$)/;
/** What an app with that import loads before anything is called, minified and compressed by a bundler that splits code, without the libraries it brings itself. */
const BUDGETS: Readonly<Record<string, number>> = {
  "export * from 'sealrelay/client'": 39_500,
  "export * from 'sealrelay/client/pairing'": 71_500,
  "export * from 'sealrelay/yjs'": 58_000,
  "export * from 'sealrelay/automerge'": 58_500,
};
/** What everything of a binding is that is only loaded where it is needed: the Ed25519 of noble. */
const INLINED_BYTES = 12_500;
/** A budget that is far above what is there keeps nothing down. */
const SLACK = 0.85;
const SLACK_BYTES = 200;

/** The rows of the guide's table of parts: what is imported, from where, and how many bytes that may add. */
const guide = readFileSync(join(ROOT, 'docs/guides/client.md'), 'utf8');
const PARTS = [...guide.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| `(sealrelay\/client[\w/]*)` \| ([\d.]+) \|/gm)].map(([, names = '', entry = '', kilobytes]) => [names.replaceAll('`', ''), entry, Number(kilobytes) * 1000] as const);

interface Bundled {
  /** Bytes of what is loaded at the start, and of all of it. */
  readonly start: number;
  readonly all: number;
  /** Paths of what is in it or asked for. */
  readonly inputs: readonly string[];
}

const made = new Map<string, Promise<Bundled>>();

/** Each program is bundled once for all tests. */
function bundled(contents: string, conditions: string[] = []): Promise<Bundled> {
  const name = `${contents} ${conditions.join()}`;
  const known = made.get(name) ?? bundle(contents, conditions);
  made.set(name, known);
  return known;
}

async function bundle(contents: string, conditions: string[]): Promise<Bundled> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    stdin: { contents, resolveDir: ROOT },
    outdir: '/out',
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions,
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [
      {
        name: 'others',
        setup: (plugin) => {
          plugin.onResolve({ filter: OTHERS }, () => ({ path: 'other', external: true }));
          plugin.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true }));
        },
      },
    ],
  });
  const sizeOf = new Map(outputFiles.map(({ path, contents: bytes }) => [path.replace(/^.*\/out\//, ''), brotliCompressSync(bytes).length]));
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [path.replace(/^.*out\//, ''), output]));
  const loaded = new Set<string>();
  const load = (name: string): void => {
    if (loaded.has(name)) return;
    loaded.add(name);
    for (const { path, kind } of outputs.get(name)?.imports ?? []) if (kind === 'import-statement') load(path.replace(/^.*out\//, ''));
  };
  load('stdin.js');
  const sum = (names: Iterable<string>): number => [...names].reduce((bytes, name) => bytes + (sizeOf.get(name) ?? 0), 0);
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports.filter(({ external }) => external === true).map(({ path }) => path));
  return { start: sum(loaded), all: sum(sizeOf.keys()), inputs: [...Object.keys(metafile.inputs), ...imported] };
}

const isBuiltin = (path: string): boolean => path.startsWith('node:') || builtinModules.includes(path);
const browserEntries = Object.keys(entries).filter((entry) => !NODE_ENTRIES.includes(entry) && !/\.(css|json)$/.test(entry));

describe.skipIf(!productBuilt())('the entries of the package (skipped unless it is built)', () => {
  let dir: string;
  let tarball: Uint8Array<ArrayBuffer>;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-entries-'));
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_cache)/i.test(name)));
    const packed = spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['pack', '--pack-destination', dir], { cwd: ROOT, env, encoding: 'utf8' });
    expect(packed.status, packed.stderr).toBe(0);
    const [name = ''] = readdirSync(dir);
    tarball = new Uint8Array(readFileSync(join(dir, name)));
  }, 60_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('publint finds nothing', async () => {
    const { messages } = await publint({ pack: { tarball: tarball.buffer }, strict: true });
    expect(messages).toEqual([]);
  });

  test('are the types wrong? No: every entry resolves for programs in ES modules and for bundlers', { timeout: 60_000 }, async () => {
    const analysis = await checkPackage(createPackageFromTarballData(tarball));
    if (!analysis.types) throw new Error('the package has no types');
    expect(Object.keys(analysis.entrypoints).toSorted()).toEqual(Object.keys(entries).toSorted());
    // The package is ES modules only, which Node takes by require() too; and a style sheet has no types.
    const isMeant = (problem: (typeof analysis.problems)[number]): boolean =>
      ('resolutionKind' in problem && (problem.resolutionKind === 'node10' || (problem.resolutionKind === 'node16-cjs' && problem.kind === 'CJSResolvesToESM'))) || ('entrypoint' in problem && problem.entrypoint.endsWith('.css'));
    expect(analysis.problems.filter((problem) => !isMeant(problem))).toEqual([]);
  });

  test.each(browserEntries)('%s has nothing of Node in a browser', async (entry) => {
    const { inputs } = await bundled(`export * from 'sealrelay${entry.slice(1)}'`);
    expect(inputs.length).toBeGreaterThan(1);
    expect(inputs.filter(isBuiltin)).toEqual([]);
  });

  test('control: with the condition of Node there is', async () => {
    const { inputs } = await bundled("export * from 'sealrelay/client'", ['node']);
    expect(inputs.filter(isBuiltin).length).toBeGreaterThan(0);
  });

  test.each(Object.entries(BUDGETS))('%s: at most %i bytes', async (program, max) => {
    const { start, all } = await bundled(program);
    expect(start).toBeLessThanOrEqual(max);
    expect(all).toBeLessThanOrEqual(max + INLINED_BYTES);
    expect(start).toBeGreaterThan(max * SLACK);
  });

  test.each(PARTS)('the table of the guide: %s of %s add at most %i bytes', async (names, entry, max) => {
    const space = "export { createSpace, openSpace } from 'sealrelay/client'";
    const { start: beside } = await bundled(space);
    const { start } = entry === 'sealrelay/client' ? { start: 2 * beside } : await bundled(`${space}; export { ${names} } from '${entry}'`);
    expect(start - beside).toBeLessThanOrEqual(max);
    expect(start - beside).toBeGreaterThan(max * SLACK - SLACK_BYTES);
  });

  test('the table has every entry of the client but for pairing and the list of all', () => {
    const named = new Set(PARTS.map(([, entry]) => entry.replace('sealrelay', '.')));
    expect(Object.keys(entries).filter((entry) => entry.startsWith('./client') && !named.has(entry)).toSorted()).toEqual(['./client/all', './client/pairing']);
  });

  test('nothing of noble but its hashes is in a space, and its curves are in the pairing', async () => {
    const isNoble = (path: string): boolean => path.includes('@noble/') && !path.includes('@noble/hashes/');
    expect((await bundled("export * from 'sealrelay/client'")).inputs.filter(isNoble)).toEqual([]);
    expect((await bundled("export * from 'sealrelay/client/pairing'")).inputs.some(isNoble)).toBe(true);
  });

  test('an editor says of every class and function of an entry what it is', () => {
    const typesOf = (value: unknown): string[] => (typeof value === 'string' ? (value.endsWith('.d.ts') ? [value] : []) : Object.values(value ?? {}).flatMap(typesOf));
    const seen = new Set(Object.values(entries).flatMap(typesOf).map((file) => join(ROOT, file)));
    const bare = new Set<string>();
    const said = new Set<string>();
    for (const file of seen) {
      const text = readFileSync(file, 'utf8');
      for (const [, names = '', path = ''] of text.matchAll(/export (?:\{([^}]*)\}|\*) from '(\.[^']+)'/g)) {
        const from = join(file, '..', path.replace(/\.js$/, '.d.ts'));
        if (names === '') seen.add(from);
        const declared = readFileSync(from, 'utf8');
        for (const name of names.split(',').map((one) => one.trim().split(' ')[0] ?? '')) {
          const found = new RegExp(`(\\*/\n)?export declare (?:class|function) ${name}\\b`).exec(declared);
          if (found !== null) (found[1] === undefined ? bare : said).add(name);
        }
      }
    }
    expect(said).toContain('WebsocketProvider');
    expect([...bare]).toEqual([]);
  });

  test('the types of no entry need those of ws, which an app may not have', () => {
    const typesOf = (value: unknown): string[] => (typeof value === 'string' ? (value.endsWith('.d.ts') ? [value] : []) : Object.values(value ?? {}).flatMap(typesOf));
    const seen = new Set(Object.values(entries).flatMap(typesOf).map((file) => join(ROOT, file)));
    const packages = new Set<string>();
    for (const file of seen) {
      for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'([^']+)'/g)) {
        if (specifier.startsWith('.')) seen.add(join(file, '..', specifier.replace(/\.js$/, '.d.ts')));
        else packages.add(specifier.replace(/^((?:@[^/]+\/)?[^/]+).*$/, '$1'));
      }
    }
    // Its control: what is imported is found.
    expect([...packages]).toEqual(expect.arrayContaining(['react', 'fastify', 'yjs']));
    expect(packages).not.toContain('ws');
  });

  test('the files of every entry are there', () => {
    const files = (value: unknown): string[] => (typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(files));
    expect(Object.values(entries).flatMap(files).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });
});
