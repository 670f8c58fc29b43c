import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/command-list.js';
import { createSpace } from '../../src/client/node.js';
import { pushChange } from '../support/foreign-pushes.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { Shell } from '../support/shell.js';

const isRunnable = existsSync(CLI) && spawnSync('bash', ['--version']).status === 0;
const HEALTHY_ONLY = ['status', 'top', 'healthcheck', 'reload', 'admin-link', 'sla'];

/** As a relay leaves its directory, to the commands that act on files of the control plane. */
function placeRelayWasIn(dir: string): void {
  mkdirSync(join(dir, 'relay-data'));
  writeFileSync(join(dir, 'relay-data', 'FORMAT'), '');
}

/** Where a running relay is, as variables for other commands. */
async function placeOf(relay: ServeProcess): Promise<Record<string, string>> {
  const { metricsUrl } = await relay.logLine('relay is listening');
  return { RELAY_PORT: new URL(await relay.url()).port, RELAY_ADMIN_PORT: new URL(String(metricsUrl)).port, RELAY_DATA_DIR: join(relay.dir, 'data') };
}

describe.skipIf(!isRunnable)('the examples of every help (needs `npm run build` and bash)', () => {
  const asks = COMMANDS.filter(({ name }) => HEALTHY_ONLY.includes(name));
  const moves = COMMANDS.filter(({ name }) => name.startsWith('space '));
  const foreign = COMMANDS.filter(({ name }) => name.startsWith('foreign '));
  it.each(COMMANDS.filter((command) => !HEALTHY_ONLY.includes(command.name) && ![...moves, ...foreign].includes(command)))('$name', async ({ name, examples }) => {
    using shell = new Shell();
    writeFileSync(join(shell.dir, 'sealrelay.yaml'), 'workers: 1\n');
    if (name.startsWith('audit ') || name.startsWith('token ')) placeRelayWasIn(shell.dir);
    if (name === 'log-reset') {
      expect((await shell.run('relay serve')).code).toBe(0);
      cpSync(join(shell.dir, 'relay-data'), join(shell.dir, 'restored'), { recursive: true });
    }
    // The long look of `verify-blind` is run by test/e2e/verify-blind.test.ts.
    for (const { line } of name === 'verify-blind' ? examples.slice(0, 1) : examples) {
      const { code, err } = await shell.run(line);
      expect({ line, code, err }).toEqual({ line, code: 0, err: '' });
    }
    // What the demo kept is gone with it.
    expect(readdirSync(shell.dir).filter((left) => left.startsWith('sealrelay-demo-'))).toEqual([]);
  });

  it('space, between two relays that run', async () => {
    await using relay = new ServeProcess([]);
    await using other = new ServeProcess([]);
    const { relayAddress } = await relay.logLine('relay is listening');
    const spaces = await Promise.all([1, 2].map(() => createSpace({ relay: String(relayAddress), batchWindowMs: 0 })));
    for (const space of spaces) await space.push(new Uint8Array(100)).durable('relay');
    const here = await placeOf(relay);
    using asking = new Shell(here);
    const list = await asking.run('relay space list --json');
    // An admin API without a list of spaces names them by their ids, and only moves them.
    const hasList = list.code === 0;
    const names: string[] = hasList ? JSON.parse(list.out).spaces.map(({ pseudonym }: { pseudonym: string }) => pseudonym) : spaces.map(({ id }) => id);
    using shell = new Shell({ ...here, SPACE: names[0] ?? '', OTHER_SPACE: names[1] ?? '' });
    expect(await shell.run('relay space export $OTHER_SPACE --out other.srspace')).toMatchObject({ code: 0, err: '' });
    const lines = (name: string): string[] => moves.filter((command) => command.name === `space ${name}`).flatMap(({ examples }) => examples.map(({ line }) => line));
    const there = await placeOf(other);
    const prefix = Object.entries(there).map(([name, value]) => `${name}=${value}`);
    const imports = lines('import').map((line) => `${prefix.join(' ')} ${line}`);
    const looks = hasList ? [...lines('list'), ...lines('show')] : [];
    for (const line of [...looks, ...lines('export'), ...lines('verify'), ...imports, ...(hasList ? lines('erase') : [])]) expect({ line, ...(await shell.run(line)) }).toMatchObject({ line, code: 0, err: '' });
    expect(moves.map(({ name }) => name.slice('space '.length)).toSorted()).toEqual(['erase', 'export', 'import', 'list', 'show', 'verify']);
    for (const space of spaces) await space.close();
  });

  it('foreign, of a relay that runs', async () => {
    await using relay = new ServeProcess([]);
    const here = await placeOf(relay);
    for (const token of ['one', 'two']) expect(await pushChange(Number(here['RELAY_PORT']), token, 'AAAA')).toBe(200);
    using asking = new Shell(here);
    const { tenants }: { tenants: { pseudonym: string }[] } = JSON.parse((await asking.run('relay foreign list --json')).out);
    using shell = new Shell({ ...here, TENANT: tenants[0]?.pseudonym ?? '', OTHER_TENANT: tenants[1]?.pseudonym ?? '' });
    for (const { line } of foreign.flatMap(({ examples }) => examples)) expect({ line, ...(await shell.run(line)) }).toMatchObject({ line, code: 0, err: '' });
    expect(await shell.run('relay foreign erase $TENANT')).toMatchObject({ code: 2, err: expect.stringContaining('cannot be taken back') });
    expect((await shell.run('relay foreign list')).out.match(/erased$/gm)).toHaveLength(2);
  });

  it('status, top, sla, healthcheck, reload and admin-link, of a relay that runs; they fail when none does', async () => {
    await using relay = new ServeProcess([]);
    using shell = new Shell(await placeOf(relay));
    for (const { line } of asks.flatMap(({ examples }) => examples)) expect({ line, ...(await shell.run(line)) }).toMatchObject({ line, code: 0, err: '' });
    relay.child.kill('SIGTERM');
    await relay.ended;
    for (const { line } of asks.flatMap(({ examples }) => examples)) {
      expect({ line, ...(await shell.run(line)) }).toMatchObject({ line, code: 1, out: '', err: expect.stringMatching(line.includes('--json') ? /^\{"error":\{"code":"relay_unreachable".*nobody listens there/ : /^relay: http.*nobody listens there\. Is the relay running/) });
    }
  });
});

describe.skipIf(!isRunnable)('a running relay (needs `npm run build` and bash)', () => {
  it('reloads from its file, on command and on SIGHUP, and says what needs a restart', async () => {
    using place = new Shell();
    const file = join(place.dir, 'relay.yaml');
    writeFileSync(file, 'log: {level: info}\n');
    await using relay = new ServeProcess(['--config', file]);
    using shell = new Shell(await placeOf(relay));
    expect(await relay.logLine('relay is listening')).toMatchObject({ configFile: file });
    writeFileSync(file, 'log: {level: debug}\nregion: eu-west\nworkers: 3\n');
    expect(JSON.parse((await shell.run('relay reload --json')).out)).toEqual({ applied: ['log.level', 'region'], needRestart: ['workers'] });
    expect(await (await fetch(`${await relay.url()}/health`)).json()).toMatchObject({ region: 'eu-west' });
    writeFileSync(file, 'lgo: {level: debug}\n');
    const refused = await shell.run('relay reload');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('relay.yaml:1:1: unknown option lgo. Did you mean');
    writeFileSync(file, 'log: {level: debug}\nregion: us-east\n');
    relay.child.kill('SIGHUP');
    await relay.logLine('configuration reloaded: applied region');
    expect(await (await fetch(`${await relay.url()}/health`)).json()).toMatchObject({ region: 'us-east' });
    expect(relay.child.exitCode).toBeNull();
  });

  it('shows its figures, and no id', async () => {
    await using relay = new ServeProcess([]);
    const { relayAddress } = await relay.logLine('relay is listening');
    const space = await createSpace({ relay: String(relayAddress), batchWindowMs: 0 });
    await space.whenSynced();
    await space.push(new Uint8Array(100)).durable('relay');
    using shell = new Shell(await placeOf(relay));
    const { out } = await shell.run('relay status');
    expect(out).toContain(String(relayAddress));
    expect(out).toMatch(/^State +ready$/m);
    expect(out).toMatch(/^Spaces +1 known, 1 with open sessions \(1\)$/m);
    expect(out).toMatch(/^Entries +[1-9]\d* made durable/m);
    const { figures }: { figures: Record<string, number> } = JSON.parse((await shell.run('relay status --json')).out);
    expect(figures['websocketsOpen']).toBe(1);
    for (const value of Object.values(figures)) expect(typeof value).toBe('number');
    await space.close();
  });

  it('is asked in vain when it hangs', async () => {
    await using relay = new ServeProcess([]);
    using shell = new Shell(await placeOf(relay));
    relay.child.kill('SIGSTOP');
    const { code, err } = await shell.run('relay healthcheck --timeout 300ms');
    relay.child.kill('SIGCONT');
    expect(code).toBe(1);
    expect(err).toContain('no answer within 300 ms');
  });

  it('is not taken for something else on its port', async () => {
    await using relay = new ServeProcess([]);
    const { RELAY_ADMIN_PORT } = await placeOf(relay);
    using shell = new Shell({ RELAY_PORT: RELAY_ADMIN_PORT ?? '' });
    expect(await shell.run('relay healthcheck')).toMatchObject({ code: 1, out: expect.stringContaining('not ready') });
  });
});

describe.skipIf(!isRunnable)('what a command writes (needs `npm run build` and bash)', () => {
  it('is for its own user alone, whatever the umask', async () => {
    using shell = new Shell({});
    expect((await shell.run('umask 000; relay serve --log.to file:log/relay.log --json')).code).toBe(0);
    const written = ['relay-data', 'log'].flatMap((top) => [top, ...readdirSync(join(shell.dir, top), { recursive: true, encoding: 'utf8' }).map((name) => join(top, name))]);
    expect(written.length).toBeGreaterThan(20);
    expect(written.filter((name) => (statSync(join(shell.dir, name)).mode & 0o077) !== 0)).toEqual([]);
  });
});

describe.skipIf(!isRunnable || process.getuid?.() !== 0)('a command that root calls on the directory of another user (needs `npm run build`, bash and root)', () => {
  it('leaves nothing there that this user cannot read, also where the way to it is closed to that one', async () => {
    const SOMEBODY = 65_534;
    using shell = new Shell({});
    chmodSync(shell.dir, 0o700);
    expect((await shell.run('relay serve')).code).toBe(0);
    const dataDir = join(shell.dir, 'relay-data');
    const names = (): string[] => [dataDir, ...readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).map((name) => join(dataDir, name))];
    for (const name of names()) lchownSync(name, SOMEBODY, SOMEBODY);
    const before = names().length;
    for (const line of ['relay token create --label a', 'relay token create --label b', 'relay token revoke --label b', 'relay log-reset']) {
      expect({ line, ...(await shell.run(line)) }).toMatchObject({ line, code: 0, err: '' });
    }
    expect(names().length).toBeGreaterThan(before);
    expect(names().filter((name) => lstatSync(name).uid !== SOMEBODY)).toEqual([]);
  });
});

describe.skipIf(!isRunnable || !existsSync('/dev/full'))('an answer that cannot be written (needs `npm run build` and bash)', () => {
  it('is a failure in one line, without a stack', async () => {
    using shell = new Shell({});
    expect(await shell.run('relay config docs > /dev/full')).toEqual({ code: 1, out: '', err: expect.stringMatching(/^relay: the output cannot be written: ENOSPC[^\n]*\.\n$/) });
    expect((await shell.run('relay config docs | true')).err).toBe('');
  });
});
