// The regions a relay tells of (`GET /regions`). What it sends is not believed to be well-formed.
import { ClientError } from '../client-error.js';
import { REGION_LIST_BYTES_MAX, REGION_LIST_TIMEOUT_MS, REGIONS_MAX } from '../limits.js';
import { fetchWithin } from './timed-fetch.js';
import type { Surroundings } from './timed-fetch.js';

/** `unknown`: nobody has asked it yet. */
export type RegionStatus = 'online' | 'degraded' | 'offline' | 'unknown';

/** A region as a relay lists it. */
export interface Region {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  /** Base URL of its relay; empty when there is none. */
  readonly endpoint: string;
  readonly status: RegionStatus;
}

const STATUSES: readonly RegionStatus[] = ['online', 'degraded', 'offline', 'unknown'];
const LABEL_CHARS_MAX = 100;
const ENDPOINT_CHARS_MAX = 500;

/** Asks the relay of that origin; throws `regions_unavailable`. */
export async function fetchRegions(origin: string, surroundings: Surroundings): Promise<readonly Region[]> {
  const unavailable = (cause: unknown): ClientError =>
    new ClientError('regions_unavailable', 'the list of regions could not be read', { temporary: true, cause, hint: 'Is the address of the relay right, and is this device online?' });
  try {
    const text = await fetchWithin(surroundings, new URL('/regions', origin).href, { cache: 'no-store', credentials: 'omit' }, REGION_LIST_TIMEOUT_MS, async (response) => {
      if (!response.ok) throw new Error(`the relay answered ${response.status}`);
      return response.text();
    });
    if (text.length > REGION_LIST_BYTES_MAX) throw new Error('the list is too long');
    return parseRegions(JSON.parse(text));
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** The regions of an answer or of what was kept; what is no region is left out. */
export function parseRegions(answer: unknown): readonly Region[] {
  const list = fieldsOf(answer).get('regions');
  if (!Array.isArray(list)) throw new Error('no list of regions');
  const regions = new Map<string, Region>();
  for (const item of list.slice(0, REGIONS_MAX)) {
    const region = parseRegion(item);
    if (region !== null && !regions.has(region.id)) regions.set(region.id, region);
  }
  return [...regions.values()];
}

function parseRegion(item: unknown): Region | null {
  const fields = fieldsOf(item);
  const [id, name, location, endpoint] = ['id', 'name', 'location', 'endpoint'].map((field) => fields.get(field));
  if (!isLabel(id) || !isLabel(name) || !isLabel(location) || !isEndpoint(endpoint)) return null;
  const status = STATUSES.find((known) => known === fields.get('status')) ?? 'unknown';
  return { id, name, location, endpoint, status };
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function isLabel(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LABEL_CHARS_MAX;
}

function isEndpoint(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > ENDPOINT_CHARS_MAX) return false;
  return value === '' || (/^https?:\/\//.test(value) && URL.canParse(value));
}
