// The packages as they are published: one for each platform that has an addon, and the one everybody names, which asks npm for the
// platform's by `optionalDependencies`. Those stand only in the published manifest: in a clone, whose addon is built, npm would look
// for packages of a version that does not exist yet.
import { parseTriple } from '@napi-rs/cli';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD_DIR, ROOT, ToolError, installed, npmCommand } from './project.mjs';

const STEP_TIMEOUT_MS = 120_000;
const NAPI = installed('@napi-rs', 'cli', 'dist', 'cli.js');

/** @typedef {{target: string, platform: string, file: string}} Addon  a platform as npm names it, and its addon */
/** @typedef {{files?: string[], version: string, napi: {targets: string[]}}} Manifest */

/** @returns {Manifest} */
function manifest() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
}

/**
 * The addon of each platform, from the first folder that has one, and the platforms that none has.
 * @param {readonly string[]} folders
 * @returns {{addons: Addon[], missing: string[]}}
 */
export function findAddons(folders) {
  const targets = manifest().napi.targets.map((target) => ({ target, platform: parseTriple(target).platformArchABI }));
  const addons = targets.flatMap(({ target, platform }) => {
    const file = folders.map((folder) => join(folder, `sealrelay.${platform}.node`)).find((path) => existsSync(path));
    return file === undefined ? [] : [{ target, platform, file }];
  });
  const found = new Set(addons.map(({ platform }) => platform));
  return { addons, missing: targets.flatMap(({ platform }) => (found.has(platform) ? [] : platform)) };
}

/**
 * Packs the packages into `out`.
 * @param {readonly Addon[]} addons
 * @param {string} out an absolute path: each package is packed in a folder of its own
 * @returns {string[]} the files in the order in which they have to be published: nobody may get a package before what it needs is there
 */
export function makePackages(addons, out) {
  if (addons.length === 0) throw new ToolError('there is no addon to publish; run `npm run build` first.');
  for (const folder of [BUILD_DIR, out]) mkdirSync(folder, { recursive: true });
  const stage = mkdtempSync(join(BUILD_DIR, 'release-'));
  try {
    fill(stage, addons);
    napi(stage, ['artifacts', '--output-dir', 'addons', '--npm-dir', 'npm']);
    napi(stage, ['pre-publish', '--tag-style', 'npm', '--npm-dir', 'npm', '--no-gh-release', '--skip-optional-publish']);
    return [...addons.map(({ platform }) => join(stage, 'npm', platform)), stage].map((folder) => pack(folder, out));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/**
 * Copies what is published, with a manifest that names the platforms of these addons and no others.
 * @param {string} stage
 * @param {readonly Addon[]} addons
 */
function fill(stage, addons) {
  const published = manifest();
  for (const name of [...(published.files ?? []), 'README.md']) cpSync(join(ROOT, name), join(stage, name), { recursive: true });
  mkdirSync(join(stage, 'addons'));
  for (const { platform, file } of addons) {
    cpSync(join(ROOT, 'npm', platform), join(stage, 'npm', platform), { recursive: true });
    copyFileSync(file, join(stage, 'addons', `sealrelay.${platform}.node`));
  }
  published.napi.targets = addons.map(({ target }) => target);
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
}

/**
 * The environment for an npm of another folder: the variables of the one around would point it here.
 * @returns {NodeJS.ProcessEnv}
 */
export function npmEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_cache)/i.test(name)));
}

/**
 * @param {string} stage
 * @param {string[]} args
 */
function napi(stage, args) {
  run(process.execPath, [NAPI, ...args], stage, `napi ${args[0]}`);
}

/**
 * @param {string} folder
 * @param {string} out
 */
function pack(folder, out) {
  const [command, args] = npmCommand();
  // Its scripts are those of a clone; what they check was checked before.
  const output = run(command, [...args, 'pack', '--ignore-scripts', '--json', '--pack-destination', out], folder, 'npm pack');
  const [packed] = /** @type {{filename: string}[]} */ (JSON.parse(output.slice(output.indexOf('['))));
  if (packed === undefined) throw new ToolError('npm pack named no file.');
  return join(out, packed.filename);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 * @param {string} what
 */
function run(command, args, cwd, what) {
  const ran = spawnSync(command, args, { cwd, env: npmEnvironment(), encoding: 'utf8', timeout: STEP_TIMEOUT_MS });
  if (ran.error !== undefined) throw new ToolError(`${what}: cannot run ${command}: ${ran.error.message}`);
  if (ran.status !== 0) throw new ToolError(`${what} failed (${ran.signal ?? `exit code ${ran.status}`}):\n${ran.stderr}${ran.stdout}`);
  return ran.stdout;
}
