/**
 * For tests of apps: the real relay in the process of the test, a network that can be made bad, and a clock that stands still.
 *
 * ```ts
 * const relay = await startTestRelay();
 * const space = await createSpace({ relay: relay.address });
 * relay.network.cut();
 * await relay.stop();
 * ```
 */
export { startTestRelay } from './test-relay.js';
export type { Checkpoint, TestRelay, TestRelayOptions } from './test-relay.js';
export type { FaultyNetwork, NetworkLie } from './faulty-network.js';
export { FakeClock, HASTY } from './fake-clock.js';
export { converged } from './converged.js';
