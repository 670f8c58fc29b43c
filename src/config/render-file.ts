// Renders a whole configuration file: the defaults, to start from.
import { OPTIONS, OPTION_KEYS, type OptionKey, type OptionSpec } from './options.js';
import type { Region } from './regions.js';
import { comment } from './render-docs.js';
import { formatValue } from './values.js';

export const FORMATS = ['yaml', 'toml', 'json'] as const;
export type Format = (typeof FORMATS)[number];

const HEAD = 'A configuration file of sealrelay with every option at its default. Keep what you change; see `relay config docs`.';
/** Options without a section come first, as TOML wants it. */
const ROOT_SECTION = '';

export function renderFile(format: Format): string {
  if (format === 'json') return JSON.stringify(asTree(), null, 2);
  return [...comment(HEAD), '', ...sections().flatMap(([name, keys]) => (format === 'yaml' ? yamlSection(name, keys) : tomlSection(name, keys)))]
    .join('\n')
    .trimEnd();
}

function sections(): [string, OptionKey[]][] {
  const names = [...new Set([ROOT_SECTION, ...OPTION_KEYS.map(sectionOf)])];
  return names.map((name) => [name, OPTION_KEYS.filter((key) => sectionOf(key) === name)]);
}

function yamlSection(name: string, keys: readonly OptionKey[]): string[] {
  const indent = name === ROOT_SECTION ? '' : '  ';
  const lines = keys.flatMap((key) => [...comment(OPTIONS[key].doc), `${nameIn(key)}:${yamlValue(key)}`].flatMap((line) => line.split('\n').map((part) => indent + part)));
  return name === ROOT_SECTION ? [...lines, ''] : [`${name}:`, ...lines, ''];
}

function tomlSection(name: string, keys: readonly OptionKey[]): string[] {
  const lines = keys.flatMap((key) => [...comment(OPTIONS[key].doc), `${nameIn(key)} = ${tomlValue(key)}`]);
  return name === ROOT_SECTION ? [...lines, ''] : [`[${name}]`, ...lines, ''];
}

function yamlValue(key: OptionKey): string {
  const value = plainValue(key);
  if (typeof value !== 'object') return ` ${typeof value === 'string' && !/^[\w./][\w./-]*$/.test(value) ? JSON.stringify(value) : String(value)}`;
  return value.map((region) => `\n  - { ${fields(region, ': ')} }`).join('');
}

function tomlValue(key: OptionKey): string {
  const value = plainValue(key);
  if (typeof value !== 'object') return JSON.stringify(value);
  return `[\n${value.map((region) => `  { ${fields(region, ' = ')} },\n`).join('')}]`;
}

function fields(region: Region, sign: string): string {
  return Object.entries(region)
    .map(([name, value]) => `${name}${sign}${JSON.stringify(value)}`)
    .join(', ');
}

function asTree(): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [name, keys] of sections()) {
    const values = Object.fromEntries(keys.map((key) => [nameIn(key), plainValue(key)]));
    Object.assign(tree, name === ROOT_SECTION ? values : { [name]: values });
  }
  return tree;
}

/** The value as a file holds it: numbers and truth values as such, units as text. */
function plainValue(key: OptionKey): string | number | boolean | readonly Region[] {
  const spec: OptionSpec = OPTIONS[key];
  if (spec.type === 'boolean' || spec.type === 'integer' || spec.type === 'port' || spec.type === 'regions') return spec.default;
  return spec.type === 'port-or-off' && spec.default !== null ? spec.default : formatValue(spec, spec.default);
}

function sectionOf(key: OptionKey): string {
  return key.includes('.') ? (key.split('.')[0] ?? ROOT_SECTION) : ROOT_SECTION;
}

function nameIn(key: OptionKey): string {
  return key.slice(key.indexOf('.') + 1);
}
