import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPTIONS, OPTION_KEYS, envOf, type OptionSpec } from '../../../src/config/options.js';
import { renderDocs, renderHelp, wrap } from '../../../src/config/render.js';
import { formatValue, parseValue } from '../../../src/config/values.js';

describe('the option table', () => {
  it.each(OPTION_KEYS)('%s has a default that reads back, and a sentence', (key) => {
    const spec: OptionSpec = OPTIONS[key];
    expect(parseValue(spec, formatValue(spec, spec.default))).toEqual({ ok: true, value: spec.default });
    expect(spec.doc).toMatch(/\.$/);
  });

  it('gives every option its own environment variable', () => {
    const names = OPTION_KEYS.flatMap((key) => [envOf(key), (OPTIONS[key] as OptionSpec).envAlias ?? []].flat());
    expect(new Set(names).size).toBe(names.length);
  });

  it('renders help of at most 80 columns that names every option', () => {
    const help = renderHelp();
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    for (const key of OPTION_KEYS) expect(help).toContain(`--${key} `);
  });

  it('is what docs/reference/configuration.md shows (npm run docs:config)', () => {
    const page = join(import.meta.dirname, '../../../docs/reference/configuration.md');
    expect(readFileSync(page, 'utf8')).toBe(renderDocs());
  });

  it('wraps at spaces and never drops a word', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('unbreakable', 3)).toEqual(['unbreakable']);
  });
});
