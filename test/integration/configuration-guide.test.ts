// Every command of docs/guides/configuration.md, and what it shows of the answers, beside a relay that runs.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { Shell } from '../support/shell.js';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/guides/configuration.md'), 'utf8');

function blocks(language: string): string[] {
  return [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);
}

const isRunnable = existsSync(CLI) && spawnSync('bash', ['--version']).status === 0;

describe.skipIf(!isRunnable)('the configuration guide (needs `npm run build` and bash)', () => {
  // A program for each command: a busy machine takes some seconds to start one.
  it('has commands that work, in the order shown', { timeout: 240_000 }, async () => {
    await using relay = new ServeProcess([]);
    const { metricsUrl } = await relay.logLine('relay is listening');
    using shell = new Shell({ RELAY_PORT: new URL(await relay.url()).port, RELAY_ADMIN_PORT: new URL(String(metricsUrl)).port, RELAY_DATA_DIR: join(relay.dir, 'data') });
    const lines = blocks('sh').flatMap((block) => block.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) expect({ line, ...(await shell.run(line)) }).toMatchObject({ line, code: 0 });
  });

  it('shows a file the relay takes', async () => {
    using shell = new Shell();
    const [file = ''] = blocks('yaml');
    writeFileSync(join(shell.dir, 'sealrelay.yaml'), file);
    expect(await shell.run('relay config check --strict')).toMatchObject({ code: 0, out: 'sealrelay.yaml: 0 errors, 0 warnings\n' });
    expect((await shell.run('relay config show --origin')).out).toMatch(/^retention +90d +sealrelay\.yaml:2$/m);
  });

  it('shows what is said about a wrong one', async () => {
    using shell = new Shell();
    writeFileSync(join(shell.dir, 'wrong.yaml'), blocks('yaml wrong')[0] ?? '');
    expect(await shell.run('relay config check wrong.yaml')).toEqual({ code: 2, out: blocks('text')[0], err: '' });
  });
});
