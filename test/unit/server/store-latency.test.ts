import { describe, expect, it } from 'vitest';
import { StoreLatency } from '../../../src/server/store-latency.js';

describe('StoreLatency', () => {
  it('is the mean of the syncs of the last minute', () => {
    const latency = new StoreLatency();
    expect(latency.latencyMs(0)).toBe(0);
    latency.sample({ syncsTotal: 10, syncMicrosTotal: 1_000_000, pushesWaiting: 0 }, 0);
    expect(latency.latencyMs(0)).toBe(0);
    latency.sample({ syncsTotal: 14, syncMicrosTotal: 1_008_000, pushesWaiting: 1 }, 1000);
    expect(latency.latencyMs(1000)).toBe(2);
    latency.sample({ syncsTotal: 15, syncMicrosTotal: 1_408_000, pushesWaiting: 0 }, 2000);
    expect(latency.latencyMs(2000)).toBeCloseTo(408 / 5);
    for (let second = 3; second < 70; second += 1) latency.sample({ syncsTotal: 15, syncMicrosTotal: 1_408_000, pushesWaiting: 0 }, second * 1000);
    expect(latency.latencyMs(70_000)).toBe(0);
  });

  it('grows while pushes wait and no sync ends', () => {
    const latency = new StoreLatency();
    const stuck = { syncsTotal: 3, syncMicrosTotal: 3000, pushesWaiting: 2 };
    latency.sample(stuck, 1000);
    expect(latency.latencyMs(1500)).toBe(0);
    latency.sample(stuck, 2000);
    latency.sample(stuck, 3000);
    expect(latency.latencyMs(3500)).toBe(2500);
    latency.sample({ ...stuck, syncsTotal: 4, syncMicrosTotal: 2_503_000 }, 4000);
    expect(latency.latencyMs(4000)).toBe(2500);
    for (let second = 5; second < 70; second += 1) latency.sample({ ...stuck, syncsTotal: second, syncMicrosTotal: 2_503_000 + second * 1000, pushesWaiting: 2 }, second * 1000);
    expect(latency.latencyMs(69_000)).toBeLessThan(2);
  });
});
