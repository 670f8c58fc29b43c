// The public page says no more of the past than was measured.
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../../src/server/sla/sla-history.js';
import { SlaKeeper } from '../../../src/server/sla/sla-keeper.js';
import { encodeRecord } from '../../../src/server/sla/sla-line.js';
import { stretch } from '../../../src/server/sla/sla-record.js';
import { SlaView } from '../../../src/server/sla/sla-view.js';
import { renderStatus } from '../../../src/server/status-page/render-status.js';
import { statusFacts, type StatusFacts } from '../../../src/server/status-page/status-facts.js';
import { MemoryFiles } from '../../support/memory-files.js';

const NOW = Date.UTC(2026, 10, 28, 12);

/** Of a relay that has been measured for so many hours. */
async function factsAfter(hours: number): Promise<StatusFacts> {
  const files = new MemoryFiles();
  for (let fromMs = NOW - hours * HOUR_MS; fromMs < NOW; fromMs += HOUR_MS) await files.append(`${new Date(fromMs).toISOString().slice(0, 10)}.jsonl`, `${encodeRecord(stretch(fromMs, fromMs + HOUR_MS, 'up'))}\n`);
  const keeper = new SlaKeeper();
  await keeper.open(files, { wallMs: NOW, monotonicMs: 0 }, (error) => {
    throw error;
  });
  return statusFacts({
    title: () => 'Relay status',
    region: () => 'local',
    regions: () => [],
    own: () => ({ status: 'online', planned: false, latencyMs: 1 }),
    health: () => ({ status: 'unknown', latencyMs: null, checkedMs: null, offlineSinceMs: null }),
    incidents: () => [],
    view: new SlaView({ keeper, targetPercent: () => 99.9, websocketsOpen: () => 0, clock: () => NOW }),
  });
}

describe('uptime on the status page', () => {
  it('is since measuring began, for a relay younger than the days shown', async () => {
    const facts = await factsAfter(30);
    expect(facts).toMatchObject({ uptime_percentage: 100, measured_seconds: 30 * 3600, measured_since: NOW - 30 * HOUR_MS });
    const text = renderStatus(facts);
    expect(text).toContain('100 % uptime since 2026-11-27');
    expect(text).toContain('aria-label="Uptime since 2026-11-27: 100 %."');
    expect(text).not.toContain('in the last 90 days');
  });

  it('is of the last 90 days once there are so many, and nothing before anything was measured', async () => {
    const facts = await factsAfter((95 * DAY_MS) / HOUR_MS);
    expect(facts.measured_since).toBeNull();
    expect(renderStatus(facts)).toContain('100 % uptime in the last 90 days');
    expect(renderStatus(await factsAfter(0))).toContain('Measuring has just begun.');
  });
});
