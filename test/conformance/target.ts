// What a table of cases is pointed at: any relay at any URL, or the built product, started for the run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';

/** One sentence of a foreign protocol, and how it is checked at a URL. */
export interface Case {
  readonly name: string;
  /** Rejects when the sentence does not hold. */
  check(url: URL): Promise<void>;
}

/** Set by `npm run conformance -- <system> <url>`. */
const givenUrl = (): string | undefined => process.env['RELAY_CONFORMANCE_URL'];

/** Starts the product for the tests around it, unless a URL is given; says what to ask. */
export function withTarget(): () => URL {
  const url = givenUrl();
  let started: { readonly relay: RelayProcess; readonly dir: string } | null = null;
  let target = url;

  beforeAll(async () => {
    if (target !== undefined) return;
    const dir = mkdtempSync(join(tmpdir(), 'sealrelay-conformance-'));
    const relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    started = { relay, dir };
    target = `http://127.0.0.1:${relay.port}`;
  });

  afterAll(async () => {
    await started?.relay.stop();
    if (started !== null) rmSync(started.dir, { recursive: true, force: true });
  });

  return () => new URL(target!);
}

/** Runs every case against the given URL, or else against the product. */
export function runCases(system: string, cases: readonly Case[]): void {
  const url = givenUrl();
  describe.skipIf(url === undefined && !productBuilt())(`${system}: ${url ?? 'the product (skipped unless it is built)'}`, () => {
    const target = withTarget();
    for (const { name, check } of cases) test(name, () => check(target()));
  });
}
