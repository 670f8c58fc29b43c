import { expect, test } from 'vitest';
import { isRelayEnabled } from '../../../../src/client/graceful/rollout.js';

const USERS = Array.from({ length: 2000 }, (_, n) => `user ${n}`);
const enabled = (environment: Parameters<typeof isRelayEnabled>[0]): Set<string> => new Set(USERS.filter((user) => isRelayEnabled(environment, user)));

test.each([[undefined, 0], ['false', 0], ['', 0], ['no', 0], ['true', 2000], ['TRUE ', 2000], ['1', 2000], [true, 2000]])('SYNC_RELAY_ENABLED=%s lets %i of 2000 users in', (SYNC_RELAY_ENABLED, count) => {
  expect(enabled({ SYNC_RELAY_ENABLED }).size).toBe(count);
});

test('a share lets about so many in, the same ones each time, and a larger one those and more', () => {
  const shares = ['0', '5', '25', '60', '100'].map((SYNC_RELAY_ROLLOUT_PERCENT) => enabled({ SYNC_RELAY_ENABLED: 'true', SYNC_RELAY_ROLLOUT_PERCENT }));
  for (const [at, percent] of [0, 5, 25, 60, 100].entries()) expect(Math.abs(shares[at]!.size - 20 * percent)).toBeLessThan(110);
  for (const [at, share] of shares.entries()) for (const user of share) expect(shares.slice(at).every((larger) => larger.has(user))).toBe(true);
  expect(shares[2]).toEqual(enabled({ SYNC_RELAY_ENABLED: 'true', SYNC_RELAY_ROLLOUT_PERCENT: 25 }));
});

test.each(['x', -1, 101, '200'])('a share that is none is refused: %s', (SYNC_RELAY_ROLLOUT_PERCENT) => {
  expect(() => isRelayEnabled({ SYNC_RELAY_ENABLED: 'true', SYNC_RELAY_ROLLOUT_PERCENT }, 'user')).toThrow(/0 to 100/);
});
