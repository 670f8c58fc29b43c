// Reads a configuration file into the texts of options, each with its line and column. The ending of its name says its format.
import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { configError, inFile, type Finding, type Found, type Place } from '../finding.js';
import { OPTIONS, OPTION_KEYS, type OptionKey, type OptionSpec } from '../options.js';
import { nearest } from '../suggest.js';
import { DEPTH_MAX, firstTooDeep } from './depth.js';
import type { FileItem, FileNode, ParsedFile, Spot } from './node.js';

const FILE_BYTES_MAX = 64 * 1024;
/** Findings of one file; who has more mends these first. */
const FINDINGS_MAX = 50;
/** Options of one name in several groups that are suggested. */
const SUGGESTED_MAX = 3;

export interface ReadFile {
  readonly found: ReadonlyMap<OptionKey, Found>;
  readonly findings: readonly Finding[];
}

export async function readConfigFile(path: string): Promise<ReadFile> {
  const text = readText(path);
  if (typeof text !== 'string') return { found: new Map(), findings: [text] };
  const parse = await parserFor(path);
  if (parse === null) return { found: new Map(), findings: [configError(`${path}: its format is not known`, 'Name it .yaml, .yml, .toml or .json.')] };
  const tooDeep = firstTooDeep(text);
  return toOptions(path, tooDeep === null ? parse(text) : { items: [], problems: [{ spot: tooDeep, message: `nested more than ${DEPTH_MAX} deep`, hint: 'Close the brackets where they end.' }] });
}

function readText(path: string): string | Finding {
  try {
    const info = statSync(path);
    // A pipe could keep the start waiting for ever.
    if (!info.isFile()) return configError(`${path} is no file`, 'Name a configuration file.');
    if (info.size > FILE_BYTES_MAX) return configError(`${path} is larger than ${FILE_BYTES_MAX} bytes`, 'Name a configuration file.');
    // Some editors begin a file with a byte order mark, which is no part of any of the formats.
    return readFileSync(path, 'utf8').replace(/^\u{FEFF}/u, '');
  } catch (error) {
    const why = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : String(error instanceof Error ? error.message : error);
    return configError(`cannot read the configuration file ${path}: ${why}`, 'Name a file this user may read, or `off` for none.');
  }
}

/** The parsers are loaded only when there is a file: they take longer to load than to run. */
async function parserFor(path: string): Promise<((text: string) => ParsedFile) | null> {
  switch (extname(path).toLowerCase()) {
    case '.yaml':
    case '.yml':
      return (await import('./yaml.js')).parseYaml;
    case '.json':
      return (await import('./yaml.js')).parseJson;
    case '.toml':
      return (await import('./toml.js')).parseToml;
    default:
      return null;
  }
}

/** Turns keys into options; an unknown one is an error with a suggestion, so that a slip is never silent. */
export function toOptions(path: string, { items, problems }: ParsedFile): ReadFile {
  const found = new Map<OptionKey, Found>();
  const at = (spot: Spot): Place => ({ path, ...spot });
  const findings: Finding[] = problems.map(({ spot, message, hint }) => configError(`${inFile(at(spot)).label}: ${message}`, hint, at(spot)));
  const visit = (prefix: string, item: FileItem): void => {
    const name = prefix + item.key.replaceAll('_', '-');
    const key = OPTION_KEYS.find((candidate) => candidate === name);
    const place = at(key === undefined ? item.keySpot : item.valueSpot);
    const where = inFile(place).label;
    if (key === undefined && isSection(name) && item.node.kind === 'map') for (const child of item.node.items) visit(`${name}.`, child);
    else if (key === undefined) findings.push(isSection(name) ? notASection(name, where, place) : unknownKey(name, where, place));
    else if (found.has(key)) findings.push(configError(`${where}: ${key} is given twice`, 'Leave one of them out.', place));
    else found.set(key, { text: textOf(key, item.node), origin: inFile(place) });
  };
  for (const item of items) if (item.key !== '$schema') visit('', item);
  return { found, findings: findings.slice(0, FINDINGS_MAX) };
}

function textOf(key: OptionKey, node: FileNode): string {
  const { type }: OptionSpec = OPTIONS[key];
  if (node.kind === 'list') return JSON.stringify(node.value);
  if (node.kind === 'map') return '{…}';
  // `off` is a truth value in older YAML, and TOML has no bare words.
  return type === 'port-or-off' && node.text === 'false' ? 'off' : node.text;
}

function isSection(name: string): boolean {
  return OPTION_KEYS.some((key) => key.startsWith(`${name}.`));
}

function notASection(name: string, where: string, place: Place): Finding {
  const below = OPTION_KEYS.filter((key) => key.startsWith(`${name}.`)).map((key) => key.slice(name.length + 1));
  return configError(`${where}: ${name} is a group of options, not one`, `Below it there may be ${below.join(', ')}.`, place);
}

function unknownKey(name: string, where: string, place: Place): Finding {
  const sections = OPTION_KEYS.filter((key) => key.includes('.')).map((key) => key.slice(0, key.lastIndexOf('.')));
  const within = prefixed(name);
  if (within.length > 0) return configError(`${where}: unknown option ${name}`, `Did you mean ${within.join(' or ')}?`, place);
  const near = nearest(name, [...OPTION_KEYS, ...new Set(sections)]);
  return configError(`${where}: unknown option ${name}`, near === null ? 'Run `relay config default` for the list.' : `Did you mean ${near}?`, place);
}

/** Options that end with this name: its group was left out, or it stands in the wrong one. */
function prefixed(name: string): readonly string[] {
  const last = name.slice(name.lastIndexOf('.') + 1);
  const ends = OPTION_KEYS.filter((key) => key === last || key.endsWith(`.${last}`));
  if (ends.length > 0) return ends.slice(0, SUGGESTED_MAX);
  const near = name.includes('.') ? null : nearest(last, [...new Set(OPTION_KEYS.filter((key) => key.includes('.')).map((key) => key.slice(key.lastIndexOf('.') + 1)))]);
  const whole = nearest(name, OPTION_KEYS);
  // A slip in a whole name is nearer than one in the end of another.
  return near === null || whole !== null ? [] : OPTION_KEYS.filter((key) => key.endsWith(`.${near}`)).slice(0, SUGGESTED_MAX);
}
