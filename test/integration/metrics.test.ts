// The metrics of a real relay that did real work.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createSpace } from '../../src/client/node.js';
import { CLOSED_LABELS } from '../../src/server/telemetry/closed-labels.js';
import { METRIC_TABLE } from '../../src/server/telemetry/metric-table.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { bytes } from '../support/test-space.js';

const PUSHES = 5;
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

async function exercised(relay: ServeProcess): Promise<string> {
  const { relayAddress, metricsUrl } = await relay.logLine('relay is listening');
  const space = await createSpace({ relay: String(relayAddress) });
  for (let n = 0; n < PUSHES; n += 1) await space.push(bytes(`entry ${n}`)).durable('relay');
  await space.close();
  await fetch(`${await relay.url()}/nothing?id=deadbeef`);
  return await (await fetch(String(metricsUrl))).text();
}

function value(text: string, series: string): number {
  return Number(text.split('\n').find((line) => line.startsWith(`${series} `))?.split(' ')[1]);
}

describe.skipIf(!existsSync(CLI))('the metrics of a relay (needs `npm run build`)', () => {
  it('count and time what it did, with closed labels, as promtool likes them', async () => {
    await using relay = new ServeProcess([]);
    const text = await exercised(relay);
    const pushes = value(text, 'relay_requests_total{route="websocket_push",outcome="ok"}');
    expect(pushes).toBeGreaterThanOrEqual(PUSHES);
    expect(value(text, 'relay_request_duration_seconds_count{route="websocket_push"}')).toBe(pushes);
    expect(value(text, 'relay_request_duration_seconds_sum{route="websocket_push"}')).toBeGreaterThan(0);
    expect(value(text, 'relay_requests_total{route="control",outcome="client_error"}')).toBe(1);
    expect(value(text, 'relay_store_sync_duration_seconds_count')).toBe(value(text, 'relay_store_syncs_total'));
    expect(text).not.toContain('deadbeef');
    for (const [, label = '', given = ''] of text.matchAll(/(\w+)="([^"]*)"/g)) expect(CLOSED_LABELS[label as keyof typeof CLOSED_LABELS]).toContain(given);
    for (const { name } of METRIC_TABLE) expect(text).toContain(`# TYPE ${name} `);
    if (hasPromtool) expect(spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' }).stderr).toBe('');
  });
});
