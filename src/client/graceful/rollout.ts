// Who syncs through a relay: a switch for all, and a share of the users that grows without anybody falling out again.
import { hash } from '../../protocol/hash.js';
import { optionError } from './sync-errors.js';

/** The variables of the app's environment that are read; a bundler's `import.meta.env` or Node's `process.env` has them. */
export interface RolloutEnvironment {
  /** `true` or `1`: the relay is used. */
  readonly SYNC_RELAY_ENABLED?: string | boolean | undefined;
  /** Percent of the users, 0 to 100; absent: all. */
  readonly SYNC_RELAY_ROLLOUT_PERCENT?: string | number | undefined;
}

const SHARES = 10_000;

/** Whether this user syncs through the relay. The same user is in for every share above the first one that has them. */
export function isRelayEnabled(environment: RolloutEnvironment, user: string): boolean {
  const { SYNC_RELAY_ENABLED: enabled = false, SYNC_RELAY_ROLLOUT_PERCENT: share = 100 } = environment;
  if (!['true', '1'].includes(String(enabled).trim().toLowerCase())) return false;
  const percent = typeof share === 'number' ? share : share.trim() === '' ? 100 : Number(share);
  if (!(percent >= 0 && percent <= 100)) throw optionError('SYNC_RELAY_ROLLOUT_PERCENT is not from 0 to 100');
  return placeOf(user) < percent * (SHARES / 100);
}

/** A place from 0 to 9999 that says nothing but itself. */
function placeOf(user: string): number {
  const [a = 0, b = 0, c = 0, d = 0] = hash(new TextEncoder().encode(`sync relay rollout ${user}`));
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % SHARES;
}
