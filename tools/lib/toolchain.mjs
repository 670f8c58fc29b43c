// Checks that the programs the build needs are there and new enough, and says what to install when they are not.
import { spawnSync } from 'node:child_process';
import { ToolError } from './project.mjs';

export const NODE_MIN = '20.19.0';
export const RUSTC_MIN = '1.91.0';

/**
 * Compares dotted versions; extra parts such as `-nightly` are ignored.
 * @param {string} found
 * @param {string} wanted
 */
export function isAtLeast(found, wanted) {
  const a = found.split(/[.\-+]/).map(Number);
  const b = wanted.split('.').map(Number);
  for (let i = 0; i < b.length; i += 1) {
    const left = a[i] ?? 0;
    const right = b[i] ?? 0;
    if (left !== right) return left > right;
  }
  return true;
}

/** @param {string} [found] */
export function requireNode(found = process.versions.node) {
  if (!isAtLeast(found, NODE_MIN)) {
    throw new ToolError(`Node.js ${found} is too old; sealrelay needs ${NODE_MIN} or newer. Install a current LTS and try again.`);
  }
}

/** @param {(command: string) => string | null} [versionOf] */
export function requireRust(versionOf = programVersion) {
  const rustc = versionOf('rustc');
  if (rustc === null || versionOf('cargo') === null) {
    throw new ToolError(
      'cargo and rustc are not on PATH, and the native addon has to be built once. ' +
        `Install Rust ${RUSTC_MIN} or newer (for example with rustup) and try again.`,
    );
  }
  if (!isAtLeast(rustc, RUSTC_MIN)) {
    throw new ToolError(`rustc ${rustc} is too old; sealrelay needs ${RUSTC_MIN} or newer. Run \`rustup update stable\` and try again.`);
  }
}

/**
 * The version a program reports, or null when it cannot be run.
 * @param {string} command
 * @param {string[]} [args]
 */
export function programVersion(command, args = ['--version']) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  if (result.error !== undefined || result.status !== 0) return null;
  const match = /(\d+\.\d+\.\d+\S*)/.exec(result.stdout);
  return match?.[1] ?? '0.0.0';
}
