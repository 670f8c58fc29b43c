// The packages as a stranger gets them: made as for a release, installed into an empty folder by the name of one of them, without any
// install script, and run.
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { clientSnippet } from '../../src/cli/banner.js';
import { findAddons, makePackages, npmEnvironment } from '../../tools/lib/release.mjs';

const ROOT = join(import.meta.dirname, '../..');
const STEP_TIMEOUT_MS = 120_000;
const { version: VERSION }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const SECOND_DEVICE = `
import { openSpace } from 'sealrelay/client';
const space = await openSpace({ link: process.argv[2] });
await space.push(new TextEncoder().encode('hello')).durable('relay');
console.log(space.devices().length, 'devices, receipted');
await space.close();
`;
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm';

const addon = readdirSync(ROOT).find((name) => /^sealrelay\..+\.node$/.test(name)) ?? null;
const isBuilt = addon !== null && existsSync(join(ROOT, 'dist/cli/main.js')) && existsSync(join(ROOT, 'index.js'));
const root = mkdtempSync(join(tmpdir(), 'sealrelay-pack-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function npm(args: string[], cwd: string): SpawnSyncReturns<string> {
  return spawnSync(NPM, args, { cwd, env: npmEnvironment(), encoding: 'utf8', timeout: STEP_TIMEOUT_MS });
}

/** An npm that asks a server of this process. */
async function npmBeside(args: string[], cwd: string): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(NPM, args, { cwd, env: npmEnvironment(), stdio: ['ignore', 'ignore', 'pipe'], timeout: STEP_TIMEOUT_MS });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [status]: (number | null)[] = await once(child, 'close');
  return { status: status ?? null, stderr };
}

function paths(tarball: string): string[] {
  const ran = spawnSync('tar', ['-tzf', tarball], { encoding: 'utf8' });
  return ran.stdout.trim().split('\n').map((path) => path.replace(/^package\//, ''));
}

function manifestOf(tarball: string): { name: string; version: string; optionalDependencies?: Record<string, string> } {
  return JSON.parse(spawnSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }).stdout);
}

/** A registry that has one package; `asked` are the paths it was asked for. */
async function registryOf(tarball: string, asked: string[]): Promise<Server> {
  const manifest = manifestOf(tarball);
  const bytes = readFileSync(tarball);
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const server = createServer((request, response) => {
    asked.push(decodeURIComponent(request.url ?? ''));
    if (request.url === '/package.tgz') return response.end(bytes);
    if (decodeURIComponent(request.url ?? '') !== `/${manifest.name}`) return response.writeHead(404).end();
    const dist = { tarball: `http://${request.headers.host}/package.tgz`, integrity };
    const { name, version } = manifest;
    return response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('the packages', () => {
  it('have no install scripts, and exact versions of everything they need', () => {
    const manifest: Record<string, Record<string, string>> = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) expect(manifest['scripts']).not.toHaveProperty(name);
    for (const version of Object.values({ ...manifest['dependencies'], ...manifest['devDependencies'] })) {
      expect(version).toMatch(/^(npm:[a-z-]+@)?\d+\.\d+\.\d+$/);
    }
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
  });

  it('have one version, as the crates have', () => {
    const crates = /^version = "(.+)"$/m.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'))?.[1];
    const platforms = readdirSync(join(ROOT, 'npm')).map((platform) => readFileSync(join(ROOT, 'npm', platform, 'package.json'), 'utf8'));
    expect(new Set([crates, ...platforms.map((text): unknown => JSON.parse(text).version)])).toEqual(new Set([VERSION]));
  });

  it('are made for no platform that has no addon', () => {
    expect(findAddons([join(root, 'nothing')])).toMatchObject({ addons: [], missing: expect.arrayContaining(['linux-x64-gnu', 'darwin-arm64']) });
    expect(() => makePackages([], root)).toThrow('there is no addon to publish');
  });

  it.skipIf(!isBuilt)('run from an empty folder (needs `npm run build`)', { timeout: 4 * STEP_TIMEOUT_MS }, async (context) => {
    const tarballs = join(root, 'tarballs');
    const home = join(root, 'home');
    for (const folder of [tarballs, home]) mkdirSync(folder);
    const { addons } = findAddons([ROOT]);
    const [platform = '', main = '', ...others] = makePackages(addons, tarballs);
    expect(others).toEqual([]);
    expect(paths(main).filter((path) => !/^(dist\/|index\.(js|d\.ts)$|package\.json$|README|LICENSE)/.test(path))).toEqual([]);
    expect(paths(main)).toEqual(expect.arrayContaining(['LICENSE-APACHE', 'LICENSE-MIT']));
    expect(paths(platform)).toContain(addon);
    const { name, version: built } = manifestOf(platform);
    expect(manifestOf(main).optionalDependencies).toEqual({ [name]: built });

    writeFileSync(join(home, 'package.json'), '{"private":true}');
    const asked: string[] = [];
    const registry = await registryOf(platform, asked);
    const { port } = registry.address() as AddressInfo;
    const scope = `--@sealrelay:registry=http://127.0.0.1:${port}`;
    const installed = await npmBeside(['install', scope, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', main], home);
    registry.close();
    if (installed.status !== 0 && /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENOTCACHED/.test(installed.stderr)) {
      context.skip('npm cannot reach its registry');
    }
    expect(installed.status, installed.stderr).toBe(0);
    // Its bytes may be known to npm from before: they are the same each time.
    expect(asked).toContain(`/${name}`);

    const version = npm(['exec', '--offline', '--', 'sealrelay', '--version'], home);
    expect(version.stdout.trim(), version.stderr).toBe(VERSION);
    await expectRelayRuns(home);
  });
});

async function expectRelayRuns(home: string): Promise<void> {
  const bin = join(home, 'node_modules/.bin/relay');
  const child = spawn(bin, ['--port', '0', '--admin.port', '0'], { cwd: home, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const { relayAddress }: { relayAddress?: string } = JSON.parse(line);
      if (relayAddress === undefined) continue;
      const answer = await fetch(`http://${new URL(relayAddress).host}/health`);
      expect(await answer.json()).toMatchObject({ status: 'ok', version: VERSION });
      await expectSnippetWorks(home, clientSnippet(relayAddress));
      return;
    }
    throw new Error('the relay ended before it listened');
  } finally {
    child.kill('SIGTERM');
  }
}

/** The text of the banner, unchanged, in a file of the stranger's; then a second device opens the link it printed. */
async function expectSnippetWorks(home: string, snippet: string): Promise<void> {
  const file = join(home, 'app.mjs');
  writeFileSync(file, snippet);
  const child = spawn(process.execPath, [file], { cwd: home, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const [, link] = /^open it on a second device: (sealrelay:\S+)$/.exec(String(line)) ?? [];
    expect(link).toBeDefined();
    const second = join(home, 'second.mjs');
    writeFileSync(second, SECOND_DEVICE);
    const ran = spawnSync(process.execPath, [second, link ?? ''], { cwd: home, encoding: 'utf8', timeout: STEP_TIMEOUT_MS });
    expect({ stdout: ran.stdout, stderr: ran.stderr, status: ran.status }).toEqual({ stdout: '2 devices, receipted\n', stderr: '', status: 0 });
  } finally {
    child.kill();
  }
}
