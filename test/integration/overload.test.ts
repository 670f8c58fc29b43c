// More pushes than the disk takes, through the built product: some are refused as busy, in order, with a time to come back, and
// nothing of them is stored; who comes back is served.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorName } from '../../src/protocol/errors.js';
import type { ErrorFrame, RelayFrame } from '../../src/protocol/relay-frame.js';
import { encoded, HttpClient, HttpSession, type HttpAnswer } from '../support/http-client.js';
import { makeRawSpace, RawClient, type RawSpace } from '../support/raw-client.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const WRITERS = 8;
/** Of one request: together far more than the 1,024 that may always wait, and than a session may have in flight. */
const PUSHES = 3000;
const WAVES_MAX = 20;
const SEALED = new Uint8Array(64).fill(7);

/** What one request of many pushes came to. */
interface Wave {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly stored: number;
  readonly errors: readonly ErrorFrame[];
}

const isError = (frame: RelayFrame): frame is ErrorFrame => frame.type === 'Error';

function waveOf({ status, headers, frames }: HttpAnswer): Wave {
  // One receipt may answer several pushes, of one entry each.
  const stored = frames.reduce((sum, frame) => sum + (frame.type === 'Receipt' ? frame.count : 0), 0);
  return { status, retryAfter: headers['retry-after'], stored, errors: frames.filter(isError) };
}

describe.skipIf(!productBuilt())('a relay under more pushes than it can store (needs `npm run build`)', { timeout: 60_000 }, () => {
  let dir: string;
  let relay: RelayProcess;
  let client: HttpClient;
  let space: RawSpace;
  let sessions: readonly HttpSession[];
  const next = Array.from({ length: WRITERS }, () => 1);

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-overload-'));
    relay = await startRelay({ dataDir: dir, port: await freePort(), env: { RELAY_PUSH_WAIT: '1ms' } });
    client = new HttpClient(relay.port);
    space = await makeRawSpace(Array.from({ length: WRITERS }, () => 'write'));
    const opened: HttpSession[] = [];
    for (const device of space.devices) opened.push(await HttpSession.open(client, relay.address, space, device));
    sessions = opened;
  });

  afterAll(async () => {
    client.close();
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** All writers send at once, each from where its last receipt was. */
  async function wave(): Promise<readonly Wave[]> {
    const bodies = sessions.map((_, at) => {
      const first = next[at] ?? 1;
      return Buffer.concat(Array.from({ length: PUSHES }, (_, n) => encoded({ type: 'Push', pushSeqFirst: first + n, keyEpoch: 1, entries: [SEALED] })));
    });
    const answers = await Promise.all(sessions.map((session, at) => session.askRaw('/v1/push', bodies[at] ?? Buffer.alloc(0))));
    return answers.map((answer, at) => {
      const seen = waveOf(answer);
      next[at] = (next[at] ?? 1) + seen.stored;
      return seen;
    });
  }

  it('refuses what waits too long with busy and a time, the rest behind it as gaps, and stores none of them', async () => {
    let busy = 0;
    for (let waves = 0; waves < WAVES_MAX && busy === 0; waves += 1) {
      for (const seen of await wave()) {
        expect(seen.stored + seen.errors.length).toBe(PUSHES);
        const [first, ...behind] = seen.errors;
        if (first === undefined) continue;
        busy += 1;
        expect([errorName(first.code), first.retryAfterMs > 0]).toEqual(['busy', true]);
        expect(new Set(behind.map(({ code }) => errorName(code)))).toEqual(new Set(behind.length === 0 ? [] : ['push_seq_gap']));
        // An answer that begins with the refusal is the refusal.
        if (seen.stored === 0) expect([seen.status, Number(seen.retryAfter) >= 1]).toEqual([503, true]);
      }
    }
    expect(busy).toBeGreaterThan(0);
  });

  it('holds exactly what was receipted, in order, and takes the refused pushes of who comes back', async () => {
    const first = sessions[0];
    if (first === undefined) throw new Error('a session');
    const again = await first.ask('/v1/push', { type: 'Push', pushSeqFirst: next[0] ?? 1, keyEpoch: 1, entries: [SEALED] });
    expect(again.frames[0]?.type).toBe('Receipt');
    next[0] = (next[0] ?? 1) + 1;
    const reader = await RawClient.open(relay.address, space, space.devices[0] ?? space.root);
    const held = await reader.pullAll();
    reader.close();
    const seqs = space.devices.map(({ key }) => held.filter(({ device }) => Buffer.compare(device, key) === 0).map(({ pushSeq }) => pushSeq));
    expect(seqs).toEqual(next.map((until) => Array.from({ length: until - 1 }, (_, n) => n + 1)));
  });
});
