import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shownRows } from '../../../src/config/shown.js';
import { OPTION_KEYS, type OptionTable } from '../../../src/config/options.js';
import { HAS_OPENSSL, TestAuthority } from '../../support/test-authority.js';
import { run } from './run-cli.js';

const dir = mkdtempSync(join(tmpdir(), 'sealrelay-cli-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

describe('relay config show', () => {
  it('prints every option, and where each comes from', async () => {
    const path = file('show.yaml', 'workers: 3\n');
    const { code, out } = await run(['config', 'show', '--origin', '--port', '5', '--config', path], { LOG_LEVEL: 'warn' });
    expect(code).toBe(0);
    const lines = new Map(out.split('\n').map((line) => [line.split(/\s+/)[0], line.replaceAll(/\s+/g, ' ')]));
    expect([...lines.keys()]).toEqual(OPTION_KEYS);
    expect(lines.get('port')).toBe('port 5 flag --port');
    expect(lines.get('log.level')).toBe('log.level warn environment variable LOG_LEVEL');
    expect(lines.get('workers')).toBe(`workers 3 ${path}:1`);
    expect(lines.get('heartbeat')).toBe('heartbeat 30s default');
  });

  it('prints JSON, and warnings beside it', async () => {
    const { out, err } = await run(['config', 'show', '--json', '--config', 'off'], { PORT: '9', DB_PATH: '*' });
    expect(JSON.parse(out)).toMatchObject({ port: { value: '9', origin: 'environment variable PORT' }, host: { value: '127.0.0.1', origin: 'default' } });
    expect(err).toMatch(/^relay: environment variable DB_PATH has no effect yet/);
  });

  it('never shows a secret', () => {
    const table: OptionTable = { 'hook.token': { group: 'process', type: 'text', default: 'none', doc: 'A token.', secret: true, reloadable: false } };
    const rows = shownRows(table, { 'hook.token': 'hunter2' }, { 'hook.token': 'environment variable RELAY_HOOK_TOKEN' });
    expect(rows).toEqual([{ key: 'hook.token', value: '[redacted]', origin: 'environment variable RELAY_HOOK_TOKEN' }]);
    expect(shownRows(table, { 'hook.token': '' }, {})).toEqual([{ key: 'hook.token', value: '', origin: 'default' }]);
  });

  it('keeps its columns apart, however long a value is, and says what is not set', async () => {
    const { out } = await run(['config', 'show', '--origin', '--config', 'off']);
    for (const line of out.split('\n')) expect(line).toMatch(/^\S+ {2,}\S.* {2,}default$/);
    expect(out).toMatch(/^admin\.token +\(not set\) +default$/m);
  });

  it('has no values to show when they are wrong', async () => {
    expect(await run(['config', 'show', '--port', 'x', '--config', 'off'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('"x" is not valid for port') });
  });
});

describe('relay config check', () => {
  it('says nothing is wrong', async () => {
    const path = file('good.toml', 'port = 1\n');
    expect(await run(['config', 'check', path])).toEqual({ code: 0, out: `${path}: 0 errors, 0 warnings`, err: '' });
    expect(await run(['config', 'check', '--config', 'off'])).toEqual({ code: 0, out: 'no configuration file: 0 errors, 0 warnings', err: '' });
  });

  it('knows where a key belongs whose group was left out, or which stands in the wrong one', async () => {
    const path = file('flat.yaml', 'connections-per-minute: 5\ntls:\n  retention: 5d\nentry-size-mx: 3\n');
    const { out } = await run(['config', 'check', path]);
    expect(out.split('\n').slice(0, 3)).toEqual([
      `error: ${path}:1:1: unknown option connections-per-minute. Did you mean limits.connections-per-minute?`,
      `error: ${path}:3:3: unknown option tls.retention. Did you mean retention?`,
      `error: ${path}:4:1: unknown option entry-size-mx. Did you mean limits.entry-size-max?`,
    ]);
  });

  it('says all that is wrong: line, column, what, and the fix', async () => {
    const path = file('bad.yaml', 'prot: 1\nheartbeat: soon\nhost: 0.0.0.0\n');
    const { code, out } = await run(['config', 'check', path]);
    expect(code).toBe(2);
    expect(out.split('\n')).toEqual([
      `error: ${path}:1:1: unknown option prot. Did you mean port?`,
      `error: ${path}:2:12: "soon" is not valid for heartbeat. Give a duration such as 30s, 5m, 12h or 30d, from 100ms to 10m, for example 30s.`,
      expect.stringMatching(/^error: host "0\.0\.0\.0" \(.*bad\.yaml:3:7\) is not a loopback address.*Three ways out: /),
      `${path}: 3 errors, 0 warnings`,
    ]);
  });

  it('looks at the files that options name, as a start would', async () => {
    const gone = join(dir, 'gone.pem');
    const path = file('files.yaml', `tls:\n  cert: ${gone}\n  key: ${gone}\ncompat:\n  plures-token-file: ${gone}\n`);
    const { code, out } = await run(['config', 'check', path]);
    expect(code).toBe(2);
    expect(out.split('\n').slice(0, 3)).toEqual([
      `error: ${path}:2:9: the file of tls.cert cannot be read: ENOENT: no such file or directory, open '${gone}'. Name a file that the user of the relay may read.`,
      expect.stringContaining(`${path}:3:8: the file of tls.key cannot be read`),
      expect.stringContaining(`${path}:5:22: the file of compat.plures-token-file cannot be read`),
    ]);
    expect(await run(['config', 'check', path, '--no-files'])).toMatchObject({ code: 0 });
    const jwt = ['--admission', 'jwt', '--jwt.issuer', 'a', '--jwt.audience', 'b', '--jwt.keys'];
    expect((await run(['config', 'check', '--config', 'off', ...jwt, gone])).out).toContain('the file of jwt.keys cannot be read');
    expect((await run(['config', 'check', '--config', 'off', ...jwt, 'https://id.example/keys'])).code).toBe(0);
    expect((await run(['config', 'check', '--config', 'off', ...jwt, file('keys.json', '{"keys":[]}')])).code).toBe(0);
  });

  it.skipIf(!HAS_OPENSSL)('looks into a certificate (needs openssl)', async () => {
    const authority = new TestAuthority(dir, 'ca');
    const [cert, key, otherCert, otherKey] = ['a.pem', 'a.key', 'b.pem', 'b.key'].map((name) => join(dir, name)) as [string, string, string, string];
    authority.issue(cert, key);
    authority.issue(otherCert, otherKey, -1);
    const check = async (first: string, second: string): Promise<string> => (await run(['config', 'check', '--config', 'off', '--tls.cert', first, '--tls.key', second])).out.split('\n')[0] ?? '';
    expect(await check(cert, key)).toBe('no configuration file: 0 errors, 0 warnings');
    expect(await check(cert, otherKey)).toBe('error: flag --tls.key: the key is not that of the certificate. Take both from the same order.');
    expect(await check(otherCert, otherKey)).toMatch(/^error: flag --tls\.cert: the certificate is valid from .* to .*\. Renew it; check the clock of the machine\.$/);
    expect(await check(key, key)).toMatch(/does not begin with a certificate in PEM/);
    expect(await check(cert, cert)).toMatch(/holds no private key in PEM/);
  });

  it('has places as numbers in JSON', async () => {
    const path = file('bad.json', '{\n  "workers": "many"\n}');
    const { code, out } = await run(['config', 'check', path, '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ file: path, findings: [{ severity: 'error', code: 'config_invalid', place: { path, line: 2, column: 14 } }] });
  });

  it('lets warnings pass, but not a strict check', async () => {
    const env = { DB_PATH: 'relay.db' };
    const args = ['config', 'check', '--config', 'off'];
    expect(await run(args, env)).toMatchObject({ code: 0, out: expect.stringContaining('warning: environment variable DB_PATH has no effect yet') });
    expect(await run([...args, '--strict'], env)).toMatchObject({ code: 1 });
    expect(await run([...args, '--strict'])).toMatchObject({ code: 0 });
  });

  it('takes what `config default` prints, in every format', async () => {
    for (const format of ['yaml', 'toml', 'json']) {
      const { out } = await run(['config', 'default', '--format', format]);
      expect(await run(['config', 'check', file(`default.${format}`, out), '--strict'])).toMatchObject({ code: 0 });
    }
  });
});
