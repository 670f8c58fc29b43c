// The three steps between a clone and a running relay: install, native addon, TypeScript. Each runs only when its inputs changed.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { buildAdminUi } from './admin-ui.mjs';
import { buildDemo } from './demo.mjs';
import { BUILD_DIR, ROOT, ToolError, installed, npmCommand, runOrThrow } from './project.mjs';
import { clearStamp, fingerprint, isFresh, listFiles, writeStamp } from './stamp.mjs';
import { requireRust } from './toolchain.mjs';

const ADDON_BUILD_DIR = join(BUILD_DIR, 'addon');

/** @param {string} message */
function say(message) {
  console.error(`sealrelay: ${message}`);
}

/** Installs the dependencies when they are missing or older than the lock file. No package's install script is run. */
export function ensureInstalled() {
  const lock = statSync(join(ROOT, 'package-lock.json'));
  const marker = statSync(installed('.package-lock.json'), { throwIfNoEntry: false });
  if (marker !== undefined && marker.mtimeMs >= lock.mtimeMs) return false;
  say('installing dependencies (npm ci) …');
  const [command, args] = npmCommand();
  runOrThrow(command, [...args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { what: 'npm ci' });
  return true;
}

function addonInputs() {
  const isSource = (/** @type {string} */ path) =>
    path.includes(`${sep}src${sep}`) || path.endsWith('Cargo.toml') || path.endsWith(`${sep}build.rs`);
  return [
    ...listFiles([join(ROOT, 'crates')], isSource),
    ...listFiles(['Cargo.toml', 'Cargo.lock', 'package-lock.json'].map((name) => join(ROOT, name))),
  ];
}

/** @param {string} dir */
function addonFile(dir) {
  let names;
  try {
    names = readdirSync(dir);
  } catch {
    return null;
  }
  const name = names.find((entry) => /^sealrelay\..*\.node$/.test(entry));
  return name === undefined ? null : join(dir, name);
}

/**
 * Builds the native addon when a crate changed, and puts the loader and the binary at the root.
 * The declarations are compared with the committed ones; `keepTypes` leaves the committed file alone.
 * @param {{keepTypes?: boolean}} [options]
 */
export function ensureAddon(options = {}) {
  const print = fingerprint(addonInputs(), process.version.split('.')[0]);
  const outputs = [join(ROOT, 'index.js'), join(ADDON_BUILD_DIR, 'index.d.ts')];
  if (addonFile(ROOT) !== null && isFresh('addon', print, outputs)) return false;
  requireRust();
  say('building the native addon (cargo, release; some minutes the first time) …');
  clearStamp('addon');
  mkdirSync(ADDON_BUILD_DIR, { recursive: true });
  const [command, args] = npmCommand();
  runOrThrow(command, [...args, 'run', '--silent', 'build:addon'], { what: 'building the native addon' });
  const built = addonFile(ADDON_BUILD_DIR);
  if (built === null) throw new ToolError('the addon build left no .node file in .build/addon; run `npm run build:addon` to see why.');
  placeAddon(built);
  if (options.keepTypes !== true) adoptTypes();
  writeStamp('addon', print);
  return true;
}

/** @param {string} built */
function placeAddon(built) {
  const target = join(ROOT, built.slice(ADDON_BUILD_DIR.length + 1));
  // Removed first: a running relay keeps the old file mapped, and overwriting it in place would crash that process.
  rmSync(target, { force: true });
  copyFileSync(built, target);
  copyFileSync(join(ADDON_BUILD_DIR, 'index.js'), join(ROOT, 'index.js'));
}

function adoptTypes() {
  if (!addonTypesDiffer()) return;
  writeFileSync(join(ROOT, 'index.d.ts'), readFileSync(join(ADDON_BUILD_DIR, 'index.d.ts')));
  say('index.d.ts changed with the addon; commit it.');
}

/** True when the declarations of the built addon are not the ones at the root. */
export function addonTypesDiffer() {
  const read = (/** @type {string} */ path) => {
    try {
      return readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
    } catch {
      return null;
    }
  };
  return read(join(ROOT, 'index.d.ts')) !== read(join(ADDON_BUILD_DIR, 'index.d.ts'));
}

/** Commit and its date, so that the same commit gives the same files; nulls outside of a repository. */
function buildFacts() {
  // A copy without its own repository must not name the commit of one it happens to lie in.
  if (!existsSync(join(ROOT, '.git'))) return { commit: null, date: null };
  const git = (/** @type {string[]} */ ...args) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  const [commit, date] = git('log', '-1', '--format=%h %cI').stdout?.trim().split(' ') ?? [];
  if (commit === undefined || date === undefined) return { commit: null, date: null };
  const isChanged = git('status', '--porcelain', '--', 'src', 'crates').stdout.trim() !== '';
  return { commit: isChanged ? `${commit}-changed` : commit, date };
}

/** Compiles `src` to `dist` when a source changed. */
export function ensureTypeScript() {
  const files = listFiles(['src', 'tsconfig.json', 'tsconfig.build.json', 'index.d.ts', 'package-lock.json'].map((name) => join(ROOT, name)));
  const print = fingerprint(files);
  if (isFresh('typescript', print, [join(ROOT, 'dist', 'cli', 'main.js')])) return false;
  say('compiling TypeScript …');
  clearStamp('typescript');
  // Compiled aside and then swapped in, so that a failed build leaves the old one and a running relay never sees half of it.
  const aside = join(BUILD_DIR, 'dist');
  const dist = join(ROOT, 'dist');
  rmSync(aside, { recursive: true, force: true });
  const args = [installed('typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', aside];
  runOrThrow(process.execPath, args, { what: 'compiling TypeScript' });
  buildAdminUi(join(aside, 'admin-ui'));
  buildDemo(join(aside, 'demo'));
  copyFileSync(join(ROOT, 'src', 'react', 'styles.css'), join(aside, 'react', 'styles.css'));
  writeFileSync(join(aside, 'build.json'), JSON.stringify(buildFacts()));
  rmSync(dist, { recursive: true, force: true });
  renameSync(aside, dist);
  writeStamp('typescript', print);
  return true;
}
