// How near a region is: the median of some timed requests, which one slow packet or the first handshake cannot move.
import { REGION_PROBE_SAMPLES, REGION_PROBE_TIMEOUT_MS } from '../limits.js';
import { fetchWithin } from './timed-fetch.js';
import type { Surroundings } from './timed-fetch.js';

export interface Probe {
  readonly status: 'online' | 'degraded' | 'offline';
  /** Milliseconds; null when it did not answer. */
  readonly latencyMs: number | null;
}

/** Asks a relay whether it lives, several times. One request without an answer is enough to call it offline. */
export async function probeRegion(endpoint: string, surroundings: Surroundings): Promise<Probe> {
  const url = new URL('/health/live', endpoint).href;
  const took: number[] = [];
  let isWell = true;
  for (let sample = 0; sample < REGION_PROBE_SAMPLES; sample += 1) {
    const start = surroundings.now();
    try {
      isWell = (await fetchWithin(surroundings, url, { mode: 'no-cors', cache: 'no-store', credentials: 'omit' }, REGION_PROBE_TIMEOUT_MS, seemsWell)) && isWell;
    } catch {
      return { status: 'offline', latencyMs: null };
    }
    took.push(surroundings.now() - start);
  }
  return { status: isWell ? 'online' : 'degraded', latencyMs: median(took) };
}

/** Of another origin a page is shown that there was an answer, not which. */
async function seemsWell(response: Response): Promise<boolean> {
  await response.body?.cancel();
  return response.type === 'opaque' || response.ok;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
