// Every command of docs/guides/tls.md that needs no domain, and the relay that comes of it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPTION_KEYS } from '../../src/config/options.js';
import { RELAY_METRICS } from '../../src/server/telemetry/relay-metrics.js';
import { CLI } from '../support/serve-process.js';
import { Shell } from '../support/shell.js';
import { HAS_OPENSSL } from '../support/test-authority.js';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/guides/tls.md'), 'utf8');
const isRunnable = existsSync(CLI) && HAS_OPENSSL && spawnSync('bash', ['--version']).status === 0;

describe('the guide to TLS', () => {
  it('names only options and metrics there are', () => {
    const options = [...GUIDE.matchAll(/(?:--|`)((?:tls|acme)\.[a-z-]+)/g)].map(([, name = '']) => name);
    const metrics = [...GUIDE.matchAll(/`(relay_[a-z_]+)`/g)].map(([, name = '']) => name);
    expect(options.length).toBeGreaterThan(8);
    expect(metrics.length).toBeGreaterThan(5);
    const known = Object.values(RELAY_METRICS).map(({ name }) => name as string);
    expect(options.filter((name) => !OPTION_KEYS.some((key) => key === name))).toEqual([]);
    expect(metrics.filter((name) => !known.includes(name))).toEqual([]);
  });

  it.skipIf(!isRunnable)('has commands that work (needs `npm run build`, openssl and bash)', async () => {
    using shell = new Shell({});
    const lines = [...GUIDE.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect({ line, ...(await shell.run(line)) }).toMatchObject({ line, code: 0 });
  });
});
