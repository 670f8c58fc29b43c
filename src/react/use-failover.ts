import type { FailoverState, Space } from '../client/index.js';
import { constantStore } from './external-store.js';
import { newsOf } from './failover-store.js';
import type { Failover, FailoverNews } from './failover-store.js';
import { useSealrelay } from './provider.js';
import type { AnySpace } from './provider.js';
import { useStore } from './use-store.js';

const STARTING: FailoverState<never> = { phase: 'starting', space: null, regionId: null, failedOver: false, regions: [], error: null };
const NOBODY: Failover = constantStore(STARTING);

export interface UsedFailover<S extends AnySpace = Space> extends FailoverState<S> {
  /** What a person should know of it; null while all is as it should be. */
  readonly news: FailoverNews | null;
}

/** Where the failover of the provider, or the one given, keeps the space, and what is to be told of it. Of one in tabs: `useFailover<TabSpace>()`. */
export function useFailover<S extends AnySpace = Space>(failover?: Failover | null): UsedFailover<S> {
  const context = useSealrelay();
  const used = failover ?? context.failover ?? NOBODY;
  const state = useStore(used, STARTING) as FailoverState<S>;
  const news = useStore(newsOf(used), null);
  return { ...state, news };
}
