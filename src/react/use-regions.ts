import { useEffect, useMemo } from 'react';
import type { RegionsState } from '../client/index.js';
import { constantStore } from './external-store.js';
import { useSealrelay } from './provider.js';
import type { Regions } from './provider.js';
import { useStore } from './use-store.js';

const NOTHING: RegionsState = { phase: 'idle', regions: [], currentId: null, suggestedId: null, choiceId: null, canMove: false, switching: null, moved: null, error: null };
const NOBODY = constantStore(NOTHING);
/** How often the regions are asked for while they are shown: as long as a measurement holds. */
const REFRESH_EVERY_MS = 5 * 60_000;
const resolved = async (): Promise<void> => undefined;
const IDLE: Pick<Regions, 'refresh' | 'choose' | 'switchTo'> = { refresh: resolved, choose: resolved, switchTo: resolved };

export interface UsedRegions extends RegionsState {
  /** Asks anew for the list, and for the latency of what was not measured of late. */
  readonly refresh: Regions['refresh'];
  /** Remembers a choice without going there; null: the nearest. */
  readonly choose: Regions['choose'];
  /** Chooses a region and takes the space there. */
  readonly switchTo: Regions['switchTo'];
}

/** The regions of the provider, or of the client given; they are read when the first component asks, and kept fresh while one does. */
export function useRegions(client?: Regions | null): UsedRegions {
  const { regions } = useSealrelay();
  const used = client ?? regions;
  const state = useStore(used ?? NOBODY, NOTHING);
  useEffect(() => {
    if (used === null) return undefined;
    // A failure is in the state.
    const refresh = (): void => void used.refresh().catch(() => undefined);
    if (used.getSnapshot().phase === 'idle') refresh();
    const timer = setInterval(refresh, REFRESH_EVERY_MS);
    return () => clearInterval(timer);
  }, [used]);
  const actions = useMemo(() => {
    const { refresh, choose, switchTo } = used ?? IDLE;
    return { refresh: refresh.bind(used), choose: choose.bind(used), switchTo: switchTo.bind(used) };
  }, [used]);
  return { ...state, ...actions };
}
