// The regions a relay tells its clients about. A list in a configuration file; the same list as JSON text elsewhere.

export interface Region {
  /** What clients remember: lower-case letters, digits, hyphens. */
  readonly id: string;
  readonly name: string;
  readonly location: string;
  /** Base URL of its relay; empty when there is none. */
  readonly endpoint: string;
}

/** The regions of the hosted service, none of which has an endpoint until one is configured. */
export const DEFAULT_REGIONS: readonly Region[] = [
  region('us-east', 'US East', 'Virginia'),
  region('us-west', 'US West', 'Oregon'),
  region('us-central', 'US Central', 'Iowa'),
  region('eu-west', 'EU West', 'Ireland'),
  region('eu-central', 'EU Central', 'Frankfurt'),
  region('asia-east', 'Asia East', 'Tokyo'),
  region('asia-southeast', 'Asia Southeast', 'Singapore'),
];

const REGIONS_MAX = 64;
const LABEL_CHARS_MAX = 100;
const ENDPOINT_CHARS_MAX = 500;
const FIELDS = ['id', 'name', 'location', 'endpoint'] as const;
const EXPECTED = 'a list of regions such as [{"id":"eu-west","name":"EU West","location":"Ireland","endpoint":"https://eu.example"}]';

export type ParsedRegions = { readonly ok: true; readonly value: readonly Region[] } | { readonly ok: false; readonly expected: string };

/** Reads JSON text; a refusal says which region is wrong and how. */
export function parseRegions(text: string): ParsedRegions {
  const list = parseJson(text);
  if (!Array.isArray(list) || list.length > REGIONS_MAX) return { ok: false, expected: `${EXPECTED}, at most ${REGIONS_MAX}` };
  const value: Region[] = [];
  for (const [index, item] of list.entries()) {
    const parsed = parseRegion(item);
    if (typeof parsed === 'string') return refuse(index, parsed);
    if (value.some(({ id }) => id === parsed.id)) return refuse(index, `an id of its own instead of "${parsed.id}" again`);
    value.push(parsed);
  }
  return { ok: true, value };
}

function parseRegion(item: unknown): Region | string {
  if (typeof item !== 'object' || item === null) return 'id, name and location';
  const fields = new Map<string, unknown>(Object.entries(item));
  const unknown = [...fields.keys()].find((name) => !FIELDS.some((known) => known === name));
  if (unknown !== undefined) return `only ${FIELDS.join(', ')}, not "${unknown}"`;
  const { id, name, location, endpoint } = { id: fields.get('id'), name: fields.get('name'), location: fields.get('location'), endpoint: fields.get('endpoint') ?? '' };
  if (typeof id !== 'string' || !/^[a-z0-9-]{1,64}$/.test(id)) return 'an id of lower-case letters, digits and hyphens';
  if (!isLabel(name)) return `a name of 1 to ${LABEL_CHARS_MAX} characters`;
  if (!isLabel(location)) return `a location of 1 to ${LABEL_CHARS_MAX} characters`;
  if (!isEndpoint(endpoint)) return 'an endpoint that starts with https:// or http://, or none';
  return { id, name, location, endpoint };
}

function isLabel(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LABEL_CHARS_MAX;
}

function isEndpoint(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > ENDPOINT_CHARS_MAX) return false;
  return value === '' || (/^https?:\/\//.test(value) && URL.canParse(value));
}

function refuse(index: number, expected: string): ParsedRegions {
  return { ok: false, expected: `region ${index + 1} ${expected}` };
}

function region(id: string, name: string, location: string): Region {
  return { id, name, location, endpoint: '' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
