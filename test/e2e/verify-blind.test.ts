// The check of blindness: the product passes it, and a control that leaks is caught in every sink.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENCODINGS } from '../../src/verify/encodings.ts';
import type { BlindReport } from '../../src/verify/report.ts';
import { verifyBlind } from '../../src/verify/verify-blind.ts';
import { bundlePrograms } from '../../tools/lib/bundle.mjs';
import { productBuilt } from '../support/relay-process.ts';
import { UNSEALED, UNSEALED_BLOBS, UNSEALED_LIVE } from '../support/unsealing-double.ts';

const CANARIES = 200;
const FIELDS = ['entry item', 'entry item over HTTP', 'device name', 'snapshot state', 'snapshot state over HTTP', 'blob content', 'ephemeral frame', 'topic message', 'topic name'];

describe.skipIf(!productBuilt())('verify-blind (skipped unless the product is built)', () => {
  let dir: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-verify-test-'));
    await bundlePrograms(['test/support/leaky-relay-main.ts'], resolve('.build'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('finds nothing at the product, in any field, sink or encoding, and says what it did', { timeout: 120_000 }, async () => {
    const path = join(dir, 'report.json');
    const command = [resolve('dist/cli/main.js'), 'verify-blind', '--quick', '--canaries', String(CANARIES), '--json', path];
    const { stdout } = await promisify(execFile)(process.execPath, command);
    const report = JSON.parse(readFileSync(path, 'utf8')) as BlindReport;
    expect(stdout).toContain('The relay saw none of it');
    expect(report).toMatchObject({ blind: true, hits: 0, canaries: CANARIES, encodings: ENCODINGS, windowBytes: 16 });
    expect(Object.keys(report.fields)).toEqual(FIELDS);
    expect(report.secrets).toBe(15);
    for (const { bytes, hits, skipped } of report.sinks) expect([hits, bytes > 0 || skipped === 'left out']).toEqual([0, true]);
  });

  test('control: clients that seal nothing and a relay that talks are caught in every sink', { timeout: 120_000 }, async () => {
    const leakFile = join(dir, 'leak');
    const report = await verifyBlind({
      canaries: CANARIES,
      deep: true,
      core: false,
      program: { path: resolve('.build/leaky-relay-main.js'), env: { ...process.env, SEALRELAY_LEAK_FILE: leakFile } },
      planned: ([first]) => writeFileSync(leakFile, `${first}\n`),
      internals: { sealer: UNSEALED, liveSealer: UNSEALED_LIVE, blobSealing: UNSEALED_BLOBS },
    });
    expect(report.blind).toBe(false);
    const caught = report.sinks.filter(({ sink, skipped }) => skipped === null && !sink.endsWith('(secrets)'));
    expect(caught.filter(({ hits }) => hits === 0).map(({ sink }) => sink)).toEqual([]);
    // Only what this machine does not permit may be missing.
    for (const { sink, skipped } of report.sinks) expect(skipped === null || sink === 'raw disk image' || sink.startsWith('memory')).toBe(true);
    const wire = report.sinks.find(({ sink }) => sink === 'wire, to devices');
    expect(new Set(wire?.found.map(({ field }) => field))).toEqual(new Set(['entry item', 'entry item over HTTP', 'device name', 'blob content', 'ephemeral frame', 'topic message']));
  });
});
