// The torture run's harness around disconnects.ts: batches of random disconnects on fresh spaces until the time is up.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, startRelay } from '../support/relay-process.ts';
import { runDisconnects } from './disconnects.ts';
import { LossyWebSocket } from './lossy-websocket.ts';

const CUTS_PER_BATCH = 1000;
const CONTROL_CUTS = 200;
const CONTROL_MS_MAX = 30_000;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '0' } } });
const endMs = Date.now() + Number(values.seconds) * 1000;
const dir = mkdtempSync(join(tmpdir(), 'sealrelay-disconnects-'));
const relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
const counts = { disconnects: 0, pushed: 0 };
const violations: { what: string; replay: string }[] = [];
for (let batch = 0; Date.now() < endMs && violations.length === 0; batch += 1) {
  const seed = Number(values.seed) + batch;
  const { cuts, pushed, ...found } = await runDisconnects({ cuts: CUTS_PER_BATCH, endMs, seed, relay });
  counts.disconnects += cuts;
  counts.pushed += pushed;
  console.log(`${counts.disconnects} disconnects, ${counts.pushed} items pushed`);
  if (found.lost + found.doubled + found.otherOrders + found.findings.length === 0) continue;
  violations.push({ what: JSON.stringify(found), replay: `npm run torture -- --only disconnects --seed ${seed}` });
}
const control = await runDisconnects({ cuts: CONTROL_CUTS, endMs: Date.now() + CONTROL_MS_MAX, seed: Number(values.seed), relay, webSocket: LossyWebSocket });
await relay.stop();
rmSync(dir, { recursive: true, force: true });
const caught = control.lost + control.findings.length > 0;
console.log(JSON.stringify({ counts, violations, control: { caught, what: `messages that never came: ${control.lost} items lost, ${control.findings.length} findings` } }));
