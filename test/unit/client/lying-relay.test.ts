// The lies of a relay in memory. The honest scenarios, in which nobody may be accused, are in sync.test.ts.
import { lieScenes } from '../../support/lie-scenes.js';
import { LyingRelay } from '../../support/lying-relay.js';

lieScenes(async (lie, heartbeatMs) => {
  const relay = await new LyingRelay({ heartbeatMs }).start();
  return {
    address: () => relay.address(),
    transport: () => relay.transport(),
    begin: async (device) => relay.begin(lie, device),
    crash: async () => relay.crash(),
    end: async () => relay.crash(),
  };
});
