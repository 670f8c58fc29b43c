import { describe, expect, it } from 'vitest';
import { NEVER_SEES, SEES, clientSnippet, emphasisFor, renderBanner } from '../../../src/cli/banner.js';
import { COMMANDS } from '../../../src/cli/command-list.js';
import type { Command } from '../../../src/cli/command.js';
import { serveCommand } from '../../../src/cli/commands/serve.js';
import { RelayError } from '../../../src/errors.js';
import { VERSION } from '../../../src/version.js';
import { run } from './run-cli.js';

/** The real list, but `serve` only says what it was given. */
function withServe(serve: Command['run']): readonly Command[] {
  return COMMANDS.map((command) => (command === serveCommand ? { ...command, run: serve } : command));
}

const serving = withServe(async ({ found }, io) => {
  io.print(`served ${[...found].map(([key, { text }]) => `${key}=${text}`).join(' ')}`);
  return 0;
});

describe('runCli', () => {
  it('serves by default and by name', async () => {
    expect(await run([], {}, serving)).toMatchObject({ code: 0, out: 'served ' });
    expect(await run(['serve', '--port', '1'], {}, serving)).toMatchObject({ code: 0, out: 'served port=1' });
    expect(await run(['--port', '1', '--insecure', '--workers=2'], {}, serving)).toMatchObject({ code: 0, out: 'served port=1 insecure=true workers=2' });
  });

  it('prints the version', async () => {
    for (const argv of [['--version'], ['-V'], ['version']]) expect(await run(argv)).toEqual({ code: 0, out: VERSION, err: '' });
    expect(JSON.parse((await run(['version', '--json'])).out)).toMatchObject({ version: VERSION, protocolVersions: [1] });
  });

  it('says to programs what went wrong, with its code, where they asked for JSON', async () => {
    const { code, out, err } = await run(['space', 'show', 'nope', '--json']);
    expect([code, out]).toEqual([2, '']);
    expect(JSON.parse(err)).toEqual({ error: { code: 'config_invalid', message: '"nope" is no name of a space', hint: 'Names are 16 letters and digits; `relay space list` shows them.', temporary: false } });
    expect((await run(['space', 'show', 'nope'])).err).toMatch(/^relay: "nope"/);
  });

  it('suggests a command and a flag', async () => {
    expect(await run(['sreve'])).toEqual({ code: 2, out: '', err: 'relay: unknown command "sreve". Did you mean `relay serve`?' });
    expect(await run(['config', 'shwo'])).toEqual({ code: 2, out: '', err: 'relay: unknown command "config shwo". Did you mean `relay config show`?' });
    expect((await run(['config'])).err).toMatch(/`relay config` needs a command\. Give one of `relay config show`, /);
    expect((await run(['status', '--jsn'])).err).toBe('relay: unknown option --jsn. Did you mean --json?');
    expect((await run(['config', 'default', '--format', 'yml'])).err).toBe('relay: --format: "yml" is not known. Give one of yaml, toml, json.');
    expect((await run(['log-reset', '--port', '1'])).err).toMatch(/^relay: unknown option --port\./);
    expect((await run(['relay.example.org'])).err).toBe('relay: unknown command "relay.example.org". Did you mean `relay serve relay.example.org`?');
    expect((await run(['version', 'now'])).err).toMatch(/^relay: unexpected argument "now"\./);
  });

  it('says cause and fix in one line', async () => {
    const failing = withServe(() => Promise.reject(new RelayError('port_in_use', 'the port is taken', { hint: 'Choose another.' })));
    expect(await run([], {}, failing)).toEqual({ code: 1, out: '', err: 'relay: the port is taken. Choose another.' });
  });

  it('fits a terminal of 80 columns and a screen of 40 lines', async () => {
    for (const argv of [['--help'], ['help'], ['-h']]) {
      const { code, out } = await run(argv);
      expect(code).toBe(0);
      expect(out.split('\n').length).toBeLessThanOrEqual(40);
      for (const { name } of COMMANDS) {
        const [first = '', second] = name.split(' ');
        expect(out).toMatch(second === undefined ? new RegExp(`^  ${first} `, 'm') : new RegExp(`^  ${first} +[a-z][^:]*: .*\\b${second}\\b`, 'm'));
      }
    }
    for (const { name } of COMMANDS) {
      const { out } = await run([...name.split(' '), '--help']);
      expect(out).toContain(`Usage: relay ${name}`);
      expect(out).toMatch(/\nExit codes: 0 /);
      for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
      expect((await run(['help', ...name.split(' ')])).out).toBe(out);
    }
    expect((await run(['config', '--help'])).out).toContain('Usage: relay config show');
  });

  it.each(COMMANDS)('$name has two examples that start with it', ({ name, examples }) => {
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const { line } of examples) expect(line).toMatch(new RegExp(`^([A-Z_]+=\\S+ )?relay ${name}( |$)`));
  });
});

describe('the banner', () => {
  const facts = {
    version: '0.1.0',
    relayAddress: `sealrelay://127.0.0.1:65535/#k=${'A'.repeat(43)}`,
    dataDir: '/home/someone/relay-data',
    metricsUrl: 'http://127.0.0.1:9090/metrics',
    configFile: '/home/someone/sealrelay.yaml',
    tls: false,
    isOpen: false,
    isBehindProxy: false,
    demoUrl: 'http://127.0.0.1:65535/demo',
    adminUrl: 'http://localhost:65535/admin',
    isFirstSignIn: false,
    foreign: ['Some Books at /sync'],
  };
  const text = renderBanner(facts, emphasisFor({ NO_COLOR: '1' }));

  it('fits 80 columns', () => {
    for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
  });

  it('holds address, durability, TLS state, what is seen and not seen, and the snippet', () => {
    const flat = text.replaceAll(/\s+/g, ' ');
    for (const part of [facts.relayAddress, facts.configFile, 'fsync', 'TLS off', ...SEES, ...NEVER_SEES]) expect(flat).toContain(part);
    expect(text).toContain(clientSnippet(facts.relayAddress));
  });

  it('promises nothing for the protocols of others that are open, and says so', () => {
    const exception = 'it sees what the protocols that are also open leave in clear';
    const flat = (shown: string): string => shown.replaceAll(/\s+/g, ' ');
    expect(flat(text)).toContain(exception);
    expect(flat(renderBanner({ ...facts, foreign: [] }, emphasisFor({ NO_COLOR: '1' })))).not.toContain(exception);
  });

  it('names the demo near the top, where it is served', () => {
    const at = text.indexOf(facts.demoUrl);
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(text.indexOf(facts.relayAddress));
    expect(renderBanner({ ...facts, demoUrl: null }, emphasisFor({ NO_COLOR: '1' }))).not.toContain('two devices');
  });

  it('shows the one-time admin link on a line of its own, and otherwise how to get one', () => {
    const adminUrl = `http://localhost:65535/admin#link=${'A'.repeat(43)}`;
    const first = renderBanner({ ...facts, adminUrl, isFirstSignIn: true }, emphasisFor({ NO_COLOR: '1' }));
    expect(first.split('\n')).toContain(adminUrl);
    for (const line of first.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    expect(text).toContain('http://localhost:65535/admin (`relay admin-link` signs in)');
    expect(renderBanner({ ...facts, adminUrl: null }, emphasisFor({}))).toMatch(/^Admin +off$/m);
  });

  it('does not say that only this machine can connect when others can', () => {
    const open = renderBanner({ ...facts, isOpen: true }, emphasisFor({ NO_COLOR: '1' })).replaceAll(/\s+/g, ' ');
    expect(open).toContain('TLS off, and other machines can connect');
    expect(open).not.toContain('only this machine');
  });

  it('does not say so either where proxies bring others', () => {
    const behind = renderBanner({ ...facts, isBehindProxy: true }, emphasisFor({ NO_COLOR: '1' })).replaceAll(/\s+/g, ' ');
    expect(behind).toContain('TLS off here: the proxies named in behind-proxy end it');
    expect(behind).not.toContain('only this machine can connect');
  });

  it('says that TLS is on', () => {
    expect(renderBanner({ ...facts, tls: true, isOpen: true }, emphasisFor({}))).toMatch(/TLS +on: TLS 1\.3, nothing else/);
  });

  it('honours NO_COLOR', () => {
    expect(text).not.toContain('\u001B');
    expect(renderBanner(facts, emphasisFor({}))).toContain('\u001B[1m');
    expect(renderBanner(facts, emphasisFor({ NO_COLOR: '' }))).toContain('\u001B[1m');
  });
});
