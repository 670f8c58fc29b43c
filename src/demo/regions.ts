// The regions of the demo. One relay plays all of them: what differs is the distance, which this page adds.
import { RegionClient } from '../client/region/index.js';
import type { RegionMover } from '../client/region/index.js';

export interface Distance {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly roundTripMs: number;
}

export const DISTANCES: readonly Distance[] = [
  { id: 'here', name: 'Here', location: 'Local', roundTripMs: 0 },
  { id: 'near', name: 'Frankfurt', location: '40 ms away', roundTripMs: 40 },
  { id: 'far', name: 'Tokyo', location: '240 ms away', roundTripMs: 240 },
];

const endpointOf = (id: string): string => `https://${id}.demo.invalid`;

export function demoRegions(mover: RegionMover): RegionClient {
  return new RegionClient({ origin: location.origin, current: 'here', mover, fetch: fetchFromAfar });
}

/** How many requests measure a region. */
const SAMPLES = 5;
/** What the last requests to the relay took; a place that is only further away takes their median and its distance. */
const samplesMs: number[] = [];
let measured: () => void = () => undefined;
const isMeasured = new Promise<void>((resolve) => {
  measured = resolve;
});

/** The list is this page's; the relay is measured for the place it is in, and a distance is added for the others. */
async function fetchFromAfar(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const { hostname, pathname } = new URL(input instanceof Request ? input.url : String(input));
  if (pathname === '/regions') {
    return Response.json({ regions: DISTANCES.map(({ id, name, location: place }) => ({ id, name, location: place, endpoint: endpointOf(id), status: 'online' })) });
  }
  const distance = DISTANCES.find(({ id }) => endpointOf(id).endsWith(`/${hostname}`));
  if (distance === undefined || distance.roundTripMs === 0) return measuredFetch(pathname, init);
  await isMeasured;
  await new Promise((resolve) => setTimeout(resolve, (samplesMs.toSorted((a, b) => a - b)[samplesMs.length >> 1] ?? 0) + distance.roundTripMs));
  return new Response();
}

async function measuredFetch(pathname: string, init?: RequestInit): Promise<Response> {
  const start = performance.now();
  try {
    const response = await fetch(pathname, init);
    samplesMs.push(performance.now() - start);
    if (samplesMs.length > SAMPLES) samplesMs.shift();
    if (samplesMs.length === SAMPLES) measured();
    return response;
  } catch (cause) {
    measured();
    throw cause;
  }
}
