// An invite token, made as an operator makes it.
import { spawnSync } from 'node:child_process';
import { CLI } from './serve-process.js';

/** `args` are those of `relay token create`. */
export function inviteToken(dataDir: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [CLI, 'token', 'create', ...args, '--data-dir', dataDir], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`no token: ${stderr}`);
  return stdout.trim();
}
