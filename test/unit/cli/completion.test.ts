import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/cli/command-list.js';
import { OPTION_KEYS } from '../../../src/config/options.js';
import { run } from './run-cli.js';

const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

/** What bash offers for the last of the words. */
async function bashOffers(...words: string[]): Promise<string[]> {
  const script = (await run(['completion', 'bash'])).out;
  const list = ['relay', ...words].map((word) => `'${word}'`).join(' ');
  const program = `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length}; compopt() { :; }; _relay; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-uc', program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('relay completion', () => {
  it.skipIf(!has('bash'))('completes in bash: commands, second words, options, values, operands (needs bash)', async () => {
    expect(await bashOffers('s')).toEqual(['serve', 'status', 'sla', 'space']);
    expect(await bashOffers('config', '')).toEqual(['show', 'check', 'default', 'env', 'docs', 'schema']);
    expect(await bashOffers('config', 'show', '--o')).toEqual(['--origin']);
    expect(await bashOffers('serve', '--limits.push')).toEqual(['--limits.push-entries-max', '--limits.push-in-flight-max']);
    expect(await bashOffers('serve', '--log.level', 'w')).toEqual(['warn']);
    expect(await bashOffers('config', 'default', '--format', '')).toEqual(['yaml', 'toml', 'json']);
    expect(await bashOffers('explain', 'disk')).toEqual(['disk_full', 'disk_has_room']);
    expect(await bashOffers('completion', 'f')).toEqual(['fish']);
    expect(await bashOffers('version', '--port')).toEqual([]);
  });

  it.each(['bash', 'zsh', 'fish'])('%s knows every command and option, and its own syntax (checked where the shell is there)', async (shell) => {
    const { code, out } = await run(['completion', shell]);
    expect(code).toBe(0);
    for (const { name } of COMMANDS) for (const word of name.split(' ')) expect(out).toContain(word);
    for (const key of OPTION_KEYS) expect(out).toContain(key);
    if (has(shell)) expect(spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('asks for a shell it knows', async () => {
    expect(await run(['completion', 'tcsh'])).toMatchObject({ code: 2, err: expect.stringContaining('bash, zsh, fish') });
  });
});
