// The two packages as a stranger gets them: packed, installed into an empty folder without any install script, and run.
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { clientSnippet } from '../../src/cli/banner.js';

const ROOT = join(import.meta.dirname, '../..');
const STEP_TIMEOUT_MS = 120_000;
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
  // npm's own variables of the surrounding run would point this one at the wrong folder.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_cache)/i.test(name)));
  return spawnSync(NPM, args, { cwd, env, encoding: 'utf8', timeout: STEP_TIMEOUT_MS });
}

function pack(folder: string, target: string): { file: string; paths: string[] } {
  const ran = npm(['pack', '--json', '--pack-destination', target], folder);
  expect(ran.status, ran.stderr).toBe(0);
  const [packed]: { filename: string; files: { path: string }[] }[] = JSON.parse(ran.stdout.slice(ran.stdout.indexOf('[')));
  return { file: join(target, packed?.filename ?? ''), paths: packed?.files.map(({ path }) => path) ?? [] };
}

function platformFolder(): string {
  const name = addon ?? '';
  const platform = name.replace(/^sealrelay\.(.+)\.node$/, '$1');
  const folder = join(root, 'platform');
  cpSync(join(ROOT, 'npm', platform), folder, { recursive: true });
  copyFileSync(join(ROOT, name), join(folder, name));
  return folder;
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

  it.skipIf(!isBuilt)('run from an empty folder (needs `npm run build`)', { timeout: 4 * STEP_TIMEOUT_MS }, async (context) => {
    const tarballs = join(root, 'tarballs');
    const home = join(root, 'home');
    for (const folder of [tarballs, home]) mkdirSync(folder);
    const main = pack(ROOT, tarballs);
    const platform = pack(platformFolder(), tarballs);
    expect(main.paths.filter((path) => !/^(dist\/|index\.(js|d\.ts)$|package\.json$|README|LICENSE)/.test(path))).toEqual([]);
    expect(main.paths).toEqual(expect.arrayContaining(['LICENSE-APACHE', 'LICENSE-MIT']));
    expect(platform.paths).toContain(addon);

    writeFileSync(join(home, 'package.json'), '{"private":true}');
    const installed = npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', main.file, platform.file], home);
    if (installed.status !== 0 && /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENOTCACHED/.test(installed.stderr)) {
      context.skip('npm cannot reach its registry');
    }
    expect(installed.status, installed.stderr).toBe(0);

    const version = npm(['exec', '--offline', '--', 'sealrelay', '--version'], home);
    expect(version.stdout.trim(), version.stderr).toBe('0.1.0');
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
      expect(await answer.json()).toMatchObject({ status: 'ok', version: '0.1.0' });
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
