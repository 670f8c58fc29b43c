import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/cli/command-list.js';
import { switchesOf } from '../../../src/cli/command.js';
import { renderReference } from '../../../src/cli/reference.js';

const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/cli.md'), 'utf8');

describe('docs/reference/cli.md', () => {
  it('is what the commands say about themselves (`npm run docs:cli`)', () => {
    expect(page).toBe(renderReference(COMMANDS));
  });

  it.each(COMMANDS)('has what $name does, takes and returns', (command) => {
    const [, text = ''] = new RegExp(`^## relay ${command.name}\n(.*?)(?=^## |$(?![\\s\\S]))`, 'ms').exec(page) ?? [];
    for (const part of [...command.about, ...command.exits, ...command.examples.map(({ line }) => line), ...switchesOf(command).map(({ name }) => `--${name}`)]) expect(text).toContain(part);
  });

  it('control: another summary would be another page', () => {
    const [first, ...rest] = COMMANDS;
    expect(renderReference(first === undefined ? rest : [{ ...first, summary: 'does nothing' }, ...rest])).not.toBe(page);
  });
});
