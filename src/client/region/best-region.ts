// Which region to suggest: the nearest of those that are well, and the one suggested before unless another is clearly nearer.
import { REGION_NEARER_MS_MIN } from '../limits.js';
import type { RegionStatus } from './region-list.js';

interface Candidate {
  readonly id: string;
  readonly status: RegionStatus;
  readonly latencyMs: number | null;
}

export function bestRegion(regions: readonly Candidate[], before: string | null): string | null {
  const online = measured(regions, 'online');
  const candidates = online.length > 0 ? online : measured(regions, 'degraded');
  const [nearest] = candidates.toSorted((a, b) => a.latencyMs - b.latencyMs);
  if (nearest === undefined) return null;
  const former = candidates.find(({ id }) => id === before);
  return former !== undefined && former.latencyMs - nearest.latencyMs < REGION_NEARER_MS_MIN ? former.id : nearest.id;
}

function measured(regions: readonly Candidate[], wanted: RegionStatus): { id: string; latencyMs: number }[] {
  return regions.flatMap(({ id, status, latencyMs }) => (status === wanted && latencyMs !== null ? [{ id, latencyMs }] : []));
}
