// SIGTERM under load, as an SDK client lives through it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSpace, openSpace, type ConnectionStatus, type Space } from '../../src/client/node.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

const TIMEOUT_MS = 60_000;
/** What the relay asks for: not before this, and spread over that. */
const RETURN_AFTER_MS = 500;
const RETURN_SPREAD_MS = 5000;
/** A timer's and a loaded machine's tolerance. */
const EARLY_MS = 20;
const LATE_MS = 5000;

describe.skipIf(!productBuilt())('a drain under load (needs `npm run build`)', { timeout: TIMEOUT_MS }, () => {
  let dir: string;
  let relay: RelayProcess;
  const spaces: Space[] = [];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-drain-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  });

  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('tells clients when to return, loses no receipted entry, and ends long before its deadline', async () => {
    const a = await createSpace({ relay: relay.address, batchWindowMs: 0 });
    spaces.push(a);
    await a.whenSynced();
    const findings: string[] = [];
    const changes: { status: ConnectionStatus; atMs: number }[] = [];
    a.on('misbehaviour', ({ kind }) => findings.push(kind));
    a.on('status', ({ status }) => changes.push({ status, atMs: performance.now() }));

    const receipted = new Set<string>();
    let pushed = 0;
    const push = (): void => {
      const text = String((pushed += 1));
      void a.push(bytes(text)).durable('relay').then(() => receipted.add(text));
    };
    const typing = setInterval(push, 2);
    await until('receipts flow', () => receipted.size > 50);
    const startedMs = performance.now();
    const stopped = relay.stop();
    expect(await stopped).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(5000);
    clearInterval(typing);
    const held = [...receipted];
    expect(held.length).toBeLessThan(pushed);

    const port = relay.port;
    relay = await startRelay({ dataDir: join(dir, 'data'), port });
    await until('the device is back', () => changes.at(-1)?.status === 'online' && receipted.size === pushed, TIMEOUT_MS / 2);
    const [left, next] = changes;
    expect([left?.status, next?.status]).toEqual(['offline', 'connecting']);
    const awayMs = (next?.atMs ?? 0) - (left?.atMs ?? 0);
    expect(awayMs).toBeGreaterThan(RETURN_AFTER_MS - EARLY_MS);
    expect(awayMs).toBeLessThan(RETURN_AFTER_MS + RETURN_SPREAD_MS + LATE_MS);

    const texts: string[] = [];
    const late = await openSpace({ link: a.link ?? '' });
    spaces.push(late);
    late.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    await until('a late device reads everything', () => texts.length >= pushed);
    expect(texts).toEqual(Array.from({ length: pushed }, (_, index) => String(index + 1)));
    for (const text of held) expect(texts).toContain(text);
    expect(findings).toEqual([]);
  });
});
