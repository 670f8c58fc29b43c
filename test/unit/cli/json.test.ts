// `--json` everywhere: what commands print for programs.
import { describe, expect, it } from 'vitest';
import type { BannerFacts } from '../../../src/cli/banner.js';
import { COMMANDS } from '../../../src/cli/command-list.js';
import { servingLine } from '../../../src/cli/serving-line.js';
import { OPTION_KEYS } from '../../../src/config/options.js';
import { run } from './run-cli.js';

async function json(argv: readonly string[]): Promise<unknown> {
  const { code, out, err } = await run([...argv, '--json']);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

describe('--json', () => {
  it.each(COMMANDS)('is a switch of $name, in its help and in one of its examples', async ({ name, switches, examples }) => {
    expect(switches.map((each) => each.name)).toContain('json');
    expect((await run([...name.split(' '), '--help'])).out).toContain('\n  --json');
    // The schema is JSON with and without it.
    expect(name === 'config schema' || examples.some(({ line }) => line.includes('--json'))).toBe(true);
  });

  it('gives the default configuration as the JSON format does, and refuses another format beside it', async () => {
    expect(await json(['config', 'default'])).toEqual(JSON.parse((await run(['config', 'default', '--format', 'json'])).out));
    expect(await json(['config', 'default', '--format', 'json'])).toMatchObject({ port: 8080 });
    const { code, out, err } = await run(['config', 'default', '--format', 'toml', '--json']);
    expect([code, out]).toEqual([2, '']);
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'config_invalid', message: '--json and --format toml exclude each other' } });
  });

  it('gives every option with its variables, limits and default', async () => {
    const options = (await json(['config', 'docs'])) as Record<string, unknown>[];
    expect(options.map(({ key }) => key)).toEqual(OPTION_KEYS);
    expect(options.find(({ key }) => key === 'log.level')).toMatchObject({ flag: '--log.level', environment: ['RELAY_LOG_LEVEL', 'LOG_LEVEL'], type: 'choice', choices: expect.arrayContaining(['debug']), default: 'info', reloadable: true, secret: false });
    for (const { secret, flag } of options) expect(flag === null).toBe(secret);
    const variables = (await json(['config', 'env'])) as Record<string, string>;
    expect(Object.keys(variables)).toHaveLength(OPTION_KEYS.length);
    expect(variables).toMatchObject({ RELAY_PORT: '8080', RELAY_LOG_LEVEL: 'info' });
  });

  it('gives the schema, and a completion script inside an object', async () => {
    expect(await json(['config', 'schema'])).toMatchObject({ title: 'sealrelay configuration' });
    expect(await json(['completion', 'fish'])).toEqual({ shell: 'fish', script: (await run(['completion', 'fish'])).out });
  });
});

describe('the line of a relay that listens', () => {
  const facts: BannerFacts = {
    version: '0.1.0',
    relayAddress: `sealrelay://127.0.0.1:4242/#k=${'A'.repeat(43)}`,
    dataDir: '/srv/data',
    configFile: null,
    metricsUrl: 'http://127.0.0.1:9090/metrics',
    demoUrl: null,
    adminUrl: `http://localhost:9090/admin#link=${'S'.repeat(43)}`,
    isFirstSignIn: true,
    isBehindProxy: false,
    tls: false,
    isOpen: false,
    foreign: [],
  };
  const info = { host: '127.0.0.1', port: 4242, logId: 'A'.repeat(43), tls: false, certificateName: null, redirectPort: null };

  it('has addresses, key and place, and no link that signs in', () => {
    const line = servingLine(facts, info, 7);
    expect(line).not.toContain('SSSS');
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      event: 'listening',
      ready: true,
      pid: 7,
      version: '0.1.0',
      relayAddress: facts.relayAddress,
      publicKey: info.logId,
      host: '127.0.0.1',
      port: 4242,
      redirectPort: null,
      tls: false,
      isOpen: false, isBehindProxy: false,
      dataDir: '/srv/data',
      configFile: null,
      metricsUrl: facts.metricsUrl,
      adminUrl: 'http://localhost:9090/admin',
      adminHint: '`relay admin-link` prints a link to sign in with',
      demoUrl: null,
      foreign: [],
    });
    expect(JSON.parse(servingLine({ ...facts, adminUrl: null, isFirstSignIn: false }, info, 7))).toMatchObject({ adminUrl: null });
  });
});
