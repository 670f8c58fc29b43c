import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/server/incidents/incident.js';
import { reportHtml, reportMarkdown, span } from '../../../src/server/sla/render-report.js';
import { buildReport } from '../../../src/server/sla/sla-report.js';
import { DAY_MS, HOUR_MS } from '../../../src/server/sla/sla-history.js';
import { SlaKeeper } from '../../../src/server/sla/sla-keeper.js';
import { encodeOutage, encodeRecord } from '../../../src/server/sla/sla-line.js';
import { stretch, type TimeKind } from '../../../src/server/sla/sla-record.js';
import { SlaView } from '../../../src/server/sla/sla-view.js';
import { MemoryFiles } from '../../support/memory-files.js';

const OCTOBER = Date.UTC(2026, 9, 1);
const NOVEMBER = Date.UTC(2026, 10, 1);

/** October with this many hours down from its third day on, and one planned hour. */
async function october(downHours: number, nowMs = NOVEMBER + DAY_MS): Promise<SlaView> {
  const files = new MemoryFiles();
  for (let hour = 0; OCTOBER + hour * HOUR_MS < NOVEMBER; hour += 1) {
    const kind: TimeKind = hour >= 48 && hour < 48 + downHours ? 'down' : hour === 600 ? 'planned' : 'up';
    const fromMs = OCTOBER + hour * HOUR_MS;
    await files.append(`${new Date(fromMs).toISOString().slice(0, 10)}.jsonl`, `${encodeRecord(stretch(fromMs, fromMs + HOUR_MS, kind))}\n`);
  }
  if (downHours > 0) await files.append('outages.jsonl', `${encodeOutage({ fromMs: OCTOBER + 2 * DAY_MS, toMs: OCTOBER + 2 * DAY_MS + downHours * HOUR_MS, reason: 'crash' })}\n`);
  const keeper = new SlaKeeper();
  await keeper.open(files, { wallMs: nowMs, monotonicMs: 0 }, (error) => {
    throw error;
  });
  return new SlaView({ keeper, targetPercent: () => 99.9, websocketsOpen: () => 0, clock: () => nowMs });
}

const incident: Incident = { id: 'x', title: 'Slow <disks> | **here**', impact: 'major', status: 'resolved', fromMs: OCTOBER + DAY_MS, toMs: OCTOBER + 2 * DAY_MS, regions: [], note: '' };

describe('the report of a month', () => {
  it.each([
    [0, 100, 0, true],
    [1, 99.8654, 10, false],
    [10, 98.6541, 25, false],
    [40, 94.6164, 100, false],
  ])('with %d hours down says %d %% and a credit of %d %%', async (hours, uptime, credit, met) => {
    const report = buildReport('2026-10', await october(hours), [incident]);
    expect(report.summary).toMatchObject({ uptime_percentage: uptime, downtime_seconds: hours * 3600, planned_downtime_seconds: 3600, target_met: met });
    expect(report).toMatchObject({ credit_percentage: credit, complete: true, incidents: [{ title: incident.title, from: '2026-10-02T00:00:00.000Z' }] });
    expect(report.days).toHaveLength(31);
    expect(report.days[2]?.downtime_seconds).toBe(Math.min(24, hours) * 3600);
    expect(report.outages.map(({ seconds, reason }) => [seconds, reason])).toEqual(hours === 0 ? [] : [[hours * 3600, 'crash']]);
  });

  it('is not complete while the month goes on, and none before it begins', async () => {
    const view = await october(0);
    expect(buildReport('2026-11', view, [])).toMatchObject({ complete: false });
    expect(buildReport('2026-09', view, []).summary.measured_seconds).toBe(0);
    expect(() => buildReport('2026-12', view, [])).toThrow('has not begun');
    for (const month of ['2026-13', '2026-1', '', '0000-01', '2026-10-01']) expect(() => buildReport(month, view, [])).toThrow('no month');
  });

  it('is told in Markdown and HTML, with what came in from outside escaped', async () => {
    const report = buildReport('2026-10', await october(1), [incident]);
    const markdown = reportMarkdown(report);
    expect(markdown).toContain('The target of 99.9 % was missed.');
    expect(markdown).toContain('| Credit | 10 % |');
    expect(markdown).toContain(String.raw`Slow \<disks\> \| \*\*here\*\* (major, resolved)`);
    const text = reportHtml(report);
    expect(text).toContain('Slow &lt;disks&gt; | **here**');
    expect(text).not.toContain('<disks>');
    expect(text).not.toMatch(/<script|http:|https:/);
  });

  it('says of a month no more than was measured of it', async () => {
    const view = await october(0);
    for (const [month, verdict] of [['2026-10', 'The target of 99.9 % was kept.'], ['2026-11', 'The target of 99.9 % was missed in what was measured.'], ['2026-09', 'Nothing was measured in this month.']] as const) {
      const report = buildReport(month, view, []);
      expect({ month, text: reportMarkdown(report).split('\n')[2] }).toEqual({ month, text: verdict });
      expect(reportHtml(report)).toContain(`<strong>${verdict}</strong>`);
    }
    expect(reportMarkdown(buildReport('2026-09', view, []))).toContain('| Uptime | not measured |');
    expect(reportMarkdown(buildReport('2026-10', await october(0, OCTOBER + 10 * DAY_MS), []))).toContain('The target of 99.9 % was kept in what was measured.');
  });

  it('names spans of time as people do', () => {
    expect([0, 59, 3600, 90_061].map(span)).toEqual(['0 s', '59 s', '1 h', '1 d 1 h 1 min 1 s']);
  });
});
