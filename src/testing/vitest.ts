// Vitest with a relay for each test that asks for one: `test('…', async ({ relay, clock }) => …)`. It is stopped afterwards, whatever became of the test.
import { test as base } from 'vitest';
import { FakeClock } from './fake-clock.js';
import { startTestRelay } from './test-relay.js';
import type { TestRelay } from './test-relay.js';

export interface RelayFixtures {
  readonly relay: TestRelay;
  readonly clock: FakeClock;
}

export const test = base.extend<RelayFixtures>({
  relay: async ({ onTestFinished }, use) => {
    const relay = await startTestRelay();
    onTestFinished(() => relay.stop());
    await use(relay);
  },
  clock: async ({ onTestFinished }, use) => {
    const clock = new FakeClock();
    onTestFinished(() => clock.clear());
    await use(clock);
  },
});
