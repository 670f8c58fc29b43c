import type { FailoverState } from '../client/index.js';
import { constantStore } from './external-store.js';
import { newsOf } from './failover-store.js';
import type { Failover, FailoverNews } from './failover-store.js';
import { useSealrelay } from './provider.js';
import { useStore } from './use-store.js';

const STARTING: FailoverState = { phase: 'starting', space: null, regionId: null, failedOver: false, regions: [], error: null };
const NOBODY = constantStore(STARTING);
const NO_NEWS = constantStore<FailoverNews | null>(null);

export interface UsedFailover extends FailoverState {
  /** What a person should know of it; null while all is as it should be. */
  readonly news: FailoverNews | null;
}

/** Where the failover of the provider, or the one given, keeps the space, and what is to be told of it. */
export function useFailover(failover?: Failover | null): UsedFailover {
  const context = useSealrelay();
  const used = failover ?? context.failover;
  const state = useStore(used ?? NOBODY, STARTING);
  const news = useStore(used === null ? NO_NEWS : newsOf(used), null);
  return { ...state, news };
}
