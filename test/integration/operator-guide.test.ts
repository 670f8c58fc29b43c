// Every command of docs/operations/running.md, in its order, beside a relay that runs; and that it names only what there is.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPTION_KEYS } from '../../src/config/options.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { Shell } from '../support/shell.js';

const FOLDER = join(import.meta.dirname, '../../docs/operations');
const GUIDE = readFileSync(join(FOLDER, 'running.md'), 'utf8');
const isRunnable = existsSync(CLI) && spawnSync('bash', ['--version']).status === 0;
const LINES_MIN = 15;

describe('the guide to running a relay', () => {
  it('names only options and pages there are', () => {
    const flags = [...GUIDE.matchAll(/--((?:compat|status|admin|limits|tls)\.[a-z-]+|behind-proxy|admission|workers)/g)].map(([, name = '']) => name);
    expect(flags.length).toBeGreaterThan(5);
    expect(flags.filter((name) => !OPTION_KEYS.some((key) => key === name))).toEqual([]);
    const links = [...GUIDE.matchAll(/\]\(([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((path) => !existsSync(join(FOLDER, path)))).toEqual([]);
  });

  it.skipIf(!isRunnable)('has commands that work (needs `npm run build` and bash)', { timeout: 60_000 }, async () => {
    await using relay = new ServeProcess([]);
    const { metricsUrl } = await relay.logLine('relay is listening');
    using shell = new Shell({ RELAY_PORT: new URL(await relay.url()).port, RELAY_ADMIN_PORT: new URL(String(metricsUrl)).port });
    writeFileSync(join(shell.dir, 'relay.log'), `${relay.stdout.join('\n')}\n{"level":50,"code":"disk_full","msg":"as a full disk says it"}\n`);
    const lines = [...GUIDE.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(LINES_MIN);
    const said = new Map<string, string>();
    for (const line of lines) {
      const { code, out, err } = await shell.run(line);
      expect({ line, code, err: code === 0 ? '' : err }).toEqual({ line, code: 0, err: '' });
      said.set(line, out);
    }
    const of = (start: string): string => [...said].find(([line]) => line.startsWith(start))?.[1] ?? '';
    expect(of('head')).toMatch(/^sealrelay store format \d+\n$/);
    expect(of('awk')).toContain('disk_full');
    expect(of('grep')).toMatch(/1 "code":"disk_full"/);
  });
});
