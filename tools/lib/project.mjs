// Where things are, and how a command is run. Node built-ins only: these files run before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Stamps and build intermediates; ignored by git, safe to delete. */
export const BUILD_DIR = join(ROOT, '.build');

/** A stop with a sentence for the person at the terminal; no stack trace is shown. */
export class ToolError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'ToolError';
  }
}

/**
 * Runs a command, streaming its output, and throws when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, what: string}} options
 */
export function runOrThrow(command, args, options) {
  const result = spawnSync(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.error !== undefined) throw new ToolError(`${options.what}: cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) {
    throw new ToolError(`${options.what} failed (${result.signal ?? `exit code ${result.status}`}); its output is above.`);
  }
}

/**
 * Command and leading arguments that run npm, also where npm is a .cmd file.
 * @returns {[string, string[]]}
 */
export function npmCommand() {
  const cli = process.env['npm_execpath'];
  if (cli !== undefined && /npm-cli\.c?js$/.test(cli) && existsSync(cli)) return [process.execPath, [cli]];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', []];
}

/**
 * Path of an installed package's file.
 * @param {...string} parts
 */
export function installed(...parts) {
  return join(ROOT, 'node_modules', ...parts);
}

/**
 * Runs a tool's main function and turns a ToolError into one line and exit code 1.
 * @param {() => void | Promise<void>} main
 */
export async function runTool(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    console.error(`sealrelay: ${error.message}`);
    process.exitCode = 1;
  }
}
