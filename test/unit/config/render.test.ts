import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { ALIASES, UNSUPPORTED } from '../../../src/config/aliases.js';
import { parseJson, parseYaml } from '../../../src/config/file/yaml.js';
import { parseToml } from '../../../src/config/file/toml.js';
import { toOptions } from '../../../src/config/file/read.js';
import { OPTIONS, OPTION_KEYS, envOf, flagOf, type OptionSpec } from '../../../src/config/options.js';
import { renderDocs, renderEnvExample } from '../../../src/config/render-docs.js';
import { renderFile } from '../../../src/config/render-file.js';
import { renderHelp, wrap } from '../../../src/config/render.js';
import { configSchema } from '../../../src/config/schema.js';
import { formatValue, parseValue } from '../../../src/config/values.js';

const ROOT = join(import.meta.dirname, '../../..');
const committed = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('the option table', () => {
  it.each(OPTION_KEYS)('%s has a default that reads back, and a sentence', (key) => {
    const spec: OptionSpec = OPTIONS[key];
    expect(parseValue(spec, formatValue(spec, spec.default))).toEqual({ ok: true, value: spec.default });
    expect(spec.doc).toMatch(/\.$/);
  });

  it('gives every option its own environment variable', () => {
    const names = [...OPTION_KEYS.flatMap((key) => [envOf(key), `${envOf(key)}_FILE`]), ...ALIASES.map(({ name }) => name), ...UNSUPPORTED.map(({ name }) => name)];
    expect(new Set(names).size).toBe(names.length);
  });

  it('renders help of at most 80 columns that names every option', () => {
    const help = renderHelp();
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    // A secret has no flag, so its variable stands there.
    for (const key of OPTION_KEYS) expect(help).toContain(`${OPTIONS[key].secret ? envOf(key) : flagOf(key)} `);
  });

  it('is what the committed page, example and schema show (npm run docs:config)', () => {
    expect(committed('docs/reference/configuration.md')).toBe(renderDocs());
    expect(committed('.env.example')).toBe(renderEnvExample());
    expect(JSON.parse(committed('docs/reference/sealrelay.schema.json'))).toEqual(configSchema());
  });

  it.each(OPTION_KEYS)('%s is in flags, environment, file, page and schema', (key) => {
    for (const text of [renderHelp(), renderDocs()]) expect(text).toContain(OPTIONS[key].secret ? envOf(key) : flagOf(key));
    for (const text of [renderEnvExample(), renderDocs()]) expect(text).toContain(envOf(key));
    const [first = '', second] = key.split('.');
    const top = configSchema()['properties'] as Record<string, { properties?: Record<string, unknown> }>;
    expect(second === undefined ? top[first] : top[first]?.properties?.[second]).toMatchObject({ description: OPTIONS[key].doc });
  });

  it.each([
    ['yaml', parseYaml],
    ['toml', parseToml],
    ['json', parseJson],
  ] as const)('writes a %s file with every default, which reads back', (format, parse) => {
    const { found, findings } = toOptions(`x.${format}`, parse(renderFile(format)));
    expect(findings).toEqual([]);
    expect([...found.keys()].toSorted()).toEqual([...OPTION_KEYS].toSorted());
    for (const key of OPTION_KEYS) {
      const spec: OptionSpec = OPTIONS[key];
      expect(parseValue(spec, found.get(key)?.text ?? '')).toEqual({ ok: true, value: spec.default });
    }
  });

  it('has a schema that takes the defaults and refuses slips', () => {
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configSchema());
    const defaults: Record<string, unknown> = JSON.parse(renderFile('json'));
    expect(validate(defaults), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ prot: 1 })).toBe(false);
    expect(validate({ heartbeat: '30 seconds' })).toBe(false);
    expect(validate({ admin: { port: 'none' } })).toBe(false);
    expect(validate({ regions: [{ id: 'EU' }] })).toBe(false);
  });

  it('suggests in `.env.example` only what the relay reads the same way', () => {
    for (const [, name = '', text = ''] of renderEnvExample().matchAll(/^# (RELAY_[A-Z_]+)=(.*)$/gm)) {
      const key = OPTION_KEYS.find((candidate) => envOf(candidate) === name);
      if (key === undefined) expect(name).toBe('RELAY_CONFIG');
      else expect(parseValue(OPTIONS[key], text)).toEqual({ ok: true, value: OPTIONS[key].default });
    }
  });

  it('wraps at spaces and never drops a word', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('unbreakable', 3)).toEqual(['unbreakable']);
  });
});
