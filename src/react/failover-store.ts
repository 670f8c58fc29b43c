// What a person is told of a failover: where the space is, as far as the device knows it.
import type { FailoverState, Space, TabSpace } from '../client/index.js';
import { storeOf } from './external-store.js';
import type { ExternalStore } from './external-store.js';

/** The part of a RegionFailover, or of a TabFailover, that the hooks use. */
export type Failover = ExternalStore<FailoverState<Space | TabSpace>>;

/**
 * `moving`: on the way, there is no space to push to; `stuck`: it could not be opened there and is tried again; `other-tab`: another tab of the app has the device, and this one waits for its turn; `elsewhere`: not in the preferred region,
 * which does not answer; `waiting`: it answers again, and the device returns when that lasts; `unreachable`: no region answers; `back`: returned to
 * the preferred region; `again`: the region answers again, and the device never left it.
 */
export type FailoverNewsKind = 'moving' | 'stuck' | 'other-tab' | 'elsewhere' | 'waiting' | 'unreachable' | 'back' | 'again';

export interface FailoverNews {
  readonly kind: FailoverNewsKind;
  /** The region in use, or the one the device goes to. */
  readonly regionId: string;
  /** The first of the list. */
  readonly preferredId: string;
}

/** The news of a failover; null while all is as it should be. One for each, because `back` needs to know what was before. */
export const newsOf = storeOf((failover: Failover): ExternalStore<FailoverNews | null> => {
  let seen: FailoverState<unknown> | undefined;
  let news: FailoverNews | null = null;
  let hasSettled = false;
  // Each state is looked at once, so that asking again changes nothing.
  const getSnapshot = (): FailoverNews | null => {
    const state = failover.getSnapshot();
    if (state === seen) return news;
    seen = state;
    const next = newsAfter(state, news, hasSettled);
    hasSettled ||= state.phase === 'settled';
    if (JSON.stringify(next) !== JSON.stringify(news)) news = next;
    return news;
  };
  const subscribe = (listener: () => void): (() => void) =>
    failover.subscribe(() => {
      // Read at once: what a renderer skips would be forgotten.
      getSnapshot();
      listener();
    });
  return { subscribe, getSnapshot };
});

function newsAfter(state: FailoverState<unknown>, last: FailoverNews | null, hasSettled: boolean): FailoverNews | null {
  const { regionId, regions } = state;
  const kind = kindOf(state, last?.kind ?? null, hasSettled);
  return kind === null || regionId === null ? null : { kind, regionId, preferredId: regions[0]?.id ?? regionId };
}

function kindOf({ phase, error, failedOver, regionId, regions }: FailoverState<unknown>, last: FailoverNewsKind | null, hasSettled: boolean): FailoverNewsKind | null {
  if (phase === 'unreachable') return 'unreachable';
  // The first opening is no move, and what comes after it no return.
  if (phase === 'moving') return error?.code === 'storage_in_use' ? 'other-tab' : error !== null ? 'stuck' : hasSettled ? 'moving' : null;
  if (phase !== 'settled') return null;
  if (failedOver) return regions[0]?.health === 'well' ? 'waiting' : 'elsewhere';
  if (last === 'unreachable') {
    // Where none answered, the next may be a move to another region that does.
    return regions.find(({ id }) => id === regionId)?.health === 'well' ? 'again' : last;
  }
  const wasAway = last !== null && last !== 'back' && last !== 'again';
  return wasAway ? (hasSettled ? 'back' : null) : last;
}
