import { useEffect } from 'react';
import type { RegionsState } from '../client/index.js';
import { constantStore } from './external-store.js';
import { useSealrelay } from './provider.js';
import type { Regions } from './provider.js';
import { useStore } from './use-store.js';

const NOTHING: RegionsState = { phase: 'idle', regions: [], currentId: null, suggestedId: null, choiceId: null, canMove: false, switching: null, moved: null, error: null };
const NOBODY = constantStore(NOTHING);
const resolved = (): Promise<void> => Promise.resolve();
const IDLE: Pick<Regions, 'refresh' | 'choose' | 'switchTo'> = { refresh: resolved, choose: resolved, switchTo: resolved };

export interface UsedRegions extends RegionsState {
  /** Asks anew for the list, and for the latency of what was not measured of late. */
  readonly refresh: Regions['refresh'];
  /** Remembers a choice without going there; null: the nearest. */
  readonly choose: Regions['choose'];
  /** Chooses a region and takes the space there. */
  readonly switchTo: Regions['switchTo'];
}

/** The regions of the provider, or of the client given; they are read when the first component asks. */
export function useRegions(client?: Regions | null): UsedRegions {
  const { regions } = useSealrelay();
  const used = client ?? regions;
  const state = useStore(used ?? NOBODY, NOTHING);
  useEffect(() => {
    // A failure is in the state.
    if (used?.getSnapshot().phase === 'idle') used.refresh().catch(() => undefined);
  }, [used]);
  const { refresh, choose, switchTo } = used === null ? IDLE : used;
  return { ...state, refresh: refresh.bind(used), choose: choose.bind(used), switchTo: switchTo.bind(used) };
}
