// Every command that stands in a fence of docs/guides and docs/operations is run: by the test of its page, or here, beside one relay.
// What cannot be run is on a list, with why.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSpace } from '../../src/client/node.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { Shell } from '../support/shell.js';

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = ['docs/guides', 'docs/operations'];
const isRunnable = existsSync(CLI) && ['bash', 'curl', 'openssl'].every((name) => spawnSync(name, ['--version']).error === undefined);

/** Pages with a test of their own, which runs all of their commands in their order. */
const TESTED_ALONE: Readonly<Record<string, string>> = {
  'docs/guides/configuration.md': 'test/integration/configuration-guide.test.ts',
  'docs/guides/tls.md': 'test/integration/tls-guide.test.ts',
  'docs/operations/running.md': 'test/integration/operator-guide.test.ts',
};
/** Pages whose commands run below. */
const RUN_HERE = ['docs/guides/admin.md', 'docs/guides/gun.md', 'docs/guides/limits.md', 'docs/guides/moving-house.md', 'docs/operations/alerts.md', 'docs/operations/audit-log.md', 'docs/operations/sla.md', 'docs/operations/status-page.md'];
/** Commands that nothing runs as they stand there: in a fence of `sh not-run`, or here and there among others. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'ssh -L 9090:localhost:9090 relay.example': 'needs a second machine',
  'relay serve relay.example.org --acme.email you@example.org': 'needs a domain; test/integration/acme.test.ts has an authority of its own',
  'npx sealrelay # to try it, on this machine alone': 'needs the published package; test/integration/pack.test.ts starts the packed one',
  'npx sealrelay serve relay.example.org # for everybody, with a certificate of its own': 'needs a domain',
  'npm install --global --omit=dev sealrelay # to keep it': 'needs the published package',
  'docker build -f deploy/docker/Dockerfile --build-arg VERSION=0.1.0 -t sealrelay:0.1.0 .': 'needs Docker and the published package; test/integration/deploy.test.ts reads the file',
  'install -m 0644 deploy/systemd/sealrelay.service /etc/systemd/system/': 'writes to the system; test/integration/deploy.test.ts has systemd-analyze look at it',
  'systemctl daemon-reload': 'needs systemd as the first process',
  'systemctl enable --now sealrelay': 'needs systemd as the first process',
  'systemctl status sealrelay': 'needs systemd as the first process',
  'nft add rule inet filter input tcp dport { 80, 443 } accept': 'opens the firewall of this machine',
  'openssl rand -hex 32 > deploy/docker/admin.token': 'writes into the clone; docs/guides/admin.md has the same, which is run',
  'docker compose -f deploy/docker/compose.yaml up -d': 'needs Docker and the published package; test/integration/deploy.test.ts reads the file',
  'docker compose -f deploy/docker/compose.yaml exec relay relay admin-link': 'the same',
  'kubectl apply -f deploy/kubernetes/relay.yaml': 'needs a cluster; test/integration/deploy.test.ts reads the file',
  'kubectl port-forward sealrelay-0 9090': 'the same',
  'kubectl exec sealrelay-0 -- relay admin-link': 'the same',
  'relay serve --reuse-port … # the old one, started with the option too': 'test/integration/take-over.test.ts does it, with two relays',
  'relay serve --reuse-port … # the new one: opens the port, waits': 'the same',
  'kill -TERM <pid of the old one> # drains; the new one takes over': 'the same',
};
/** Languages of fences that hold no commands. */
const NO_COMMANDS = ['dockerfile', 'js', 'logrotate', 'markdown', 'yaml probe', 'ts', 'ts vitest', 'tsx', 'text', 'json', 'yaml', 'yaml wrong', 'toml', 'html', 'ini', 'rust'];
const COMMANDS_MIN = 25;

interface Fence {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

function fences(): Fence[] {
  const pages = FOLDERS.flatMap((folder) => readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`));
  return pages.flatMap((page) => fencesIn(page, readFileSync(join(ROOT, page), 'utf8')));
}

function fencesIn(page: string, markdown: string): Fence[] {
  return [...markdown.matchAll(/^ *```([^\n`]*)\n(.*?)^ *```$/gms)].map(([, language = '', text = '']) => ({ page, language: language.trim(), text }));
}

/** One command each; lines that go on are joined. */
function commandsOf(text: string): string[] {
  return text.replaceAll(/\\\n\s*/g, '').split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' ')).filter((line) => line !== '' && !line.startsWith('#'));
}

/** `page: command` of what nothing runs, and fences whose language says nothing. */
function unlisted(found: readonly Fence[]): string[] {
  return found.flatMap(({ page, language, text }) => {
    if (NO_COMMANDS.includes(language)) return [];
    if (language === 'sh not-run') return commandsOf(text).filter((line) => NOT_RUN[line] === undefined).map((line) => `${page}: ${line}`);
    if (language !== 'sh') return [`${page}: a fence of "${language}"`];
    return TESTED_ALONE[page] !== undefined || RUN_HERE.includes(page) ? [] : commandsOf(text).map((line) => `${page}: ${line}`);
  });
}

describe('the commands of the guides', () => {
  it('are all run somewhere; one more on another page would be found', () => {
    expect(unlisted(fences())).toEqual([]);
    for (const [page, test] of Object.entries(TESTED_ALONE)) expect(readFileSync(join(ROOT, test), 'utf8'), page).toContain(page.split('/').at(-1));
    const stale = Object.keys(NOT_RUN).filter((line) => !fences().some(({ text }) => commandsOf(text).includes(line)));
    expect(stale).toEqual([]);
    const text = '```sh\nrelay made-up\n```\n```\nrelay made-up\n```\n```sh not-run\nrelay made-up\n```\n';
    expect(unlisted(fencesIn('docs/guides/other.md', text))).toEqual(['docs/guides/other.md: relay made-up', 'docs/guides/other.md: a fence of ""', 'docs/guides/other.md: relay made-up']);
  });

  it.skipIf(!isRunnable)('work as they stand there (needs `npm run build`, bash, curl and openssl)', { timeout: 120_000 }, async () => {
    const received: string[] = [];
    const receiver = createServer((request, response) => {
      request.on('data', (piece: Buffer) => received.push(piece.toString())).on('end', () => response.end());
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const place = receiver.address();
    using alone = new Shell();
    using beside = new Shell();
    await using relay = new ServeProcess(['--data-dir', join(beside.dir, 'relay-data'), ], { RELAY_ALERTS_WEBHOOK: `http://127.0.0.1:${typeof place === 'object' ? place?.port : ''}/hook` });
    const { relayAddress, metricsUrl } = await relay.logLine('relay is listening');
    const port = new URL(String(metricsUrl)).port;
    const space = await createSpace({ relay: String(relayAddress), batchWindowMs: 0 });
    await space.push(new Uint8Array(10)).durable('relay');
    await space.close();
    const listed = await beside.run(`RELAY_ADMIN_PORT=${port} relay space list --json`);
    const { spaces }: { spaces: { pseudonym: string }[] } = JSON.parse(listed.out);
    const today = new Date().toISOString();
    const asHere = (line: string): string =>
      line
        .replaceAll('curl ', 'curl --fail ')
        .replaceAll(/(127\.0\.0\.1|localhost):9090/g, `$1:${port}`)
        .replaceAll('/etc/sealrelay/', `${beside.dir}/`)
        .replace('<space>', spaces[0]?.pseudonym ?? 'none')
        .replace('2026-11-28-', `${today.slice(0, 10)}-`)
        .replaceAll('2026-11', today.slice(0, 7))
        // One that listens for everybody is only looked at.
        .replace('relay serve --host 0.0.0.0', 'relay config check --host 0.0.0.0');
    let ran = 0;
    for (const { page, text } of fences().filter(({ page: of, language }) => RUN_HERE.includes(of) && language === 'sh')) {
      for (const line of commandsOf(text).filter((command) => NOT_RUN[command] === undefined)) {
        const here = asHere(line);
        const result = here.includes('relay serve') ? await alone.run(here) : await beside.run(`RELAY_ADMIN_PORT=${port} && export RELAY_ADMIN_PORT && ${here}`);
        expect({ page, line, ...result }).toMatchObject({ page, line, code: 0 });
        ran += 1;
      }
    }
    expect(ran).toBeGreaterThanOrEqual(COMMANDS_MIN);
    expect(received.join('')).toContain('test');
    const told: { entries: { action: string }[] } = JSON.parse((await beside.run('relay audit show --json')).out);
    expect(told.entries.map(({ action }) => action)).toEqual(expect.arrayContaining(['admin.link-made', 'alert.tested', 'incident.created', 'incident.changed', 'space.exported', 'space.imported', 'token.created', 'token.revoked']));
    receiver.close();
  });
});
