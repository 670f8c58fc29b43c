import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALIASES, UNSUPPORTED } from '../../../src/config/aliases.js';
import { readFlags } from '../../../src/config/flags.js';
import { loadConfig } from '../../../src/config/load.js';
import { resolveTable } from '../../../src/config/resolve.js';
import type { OptionTable } from '../../../src/config/options.js';

describe('variables of other relays', () => {
  it.each([
    ['PORT', '7', 'port', 7],
    ['HOST', '::1', 'host', '::1'],
    ['LOG_LEVEL', 'warn', 'log.level', 'warn'],
    ['NODE_ENV', 'staging', 'environment', 'staging'],
    ['MAX_PAYLOAD_SIZE_MB', '20', 'limits.entry-size-max', 20 * 1024 * 1024],
    ['DB_CLEANUP_DAYS', '90', 'retention', 90 * 86_400_000],
    ['WS_PING_INTERVAL_MS', '15000', 'heartbeat', 15_000],
    ['WS_TIMEOUT_MS', '90000', 'heartbeat', 45_000],
    ['REQUIRE_HTTPS', 'false', 'require-https', false],
    ['CORS_ORIGIN', 'https://a.example, https://b.example', 'cors-origins', 'https://a.example,https://b.example'],
    ['WS_MAX_CONNECTIONS', '500', 'limits.connections-max', 500],
    ['METRICS_ENABLED', 'false', 'admin.port', null],
    ['METRICS_ENABLED', 'true', 'admin.port', 9090],
    ['SYNC_RELAY_ENABLED', 'true', 'compat.graceful', 'on'],
    ['SYNC_RELAY_ENABLED', 'false', 'compat.graceful', 'off'],
    ['GUN_PEERS', 'http://one/gun, https://two/gun?t=x', 'compat.gun-peers', 'http://one/gun,https://two/gun?t=x'],
  ] as const)('%s=%s sets %s in its own unit', (name, text, key, value) => {
    const { config, warnings } = loadConfig([], { [name]: text });
    expect(config[key]).toBe(value);
    expect(warnings).toEqual([]);
  });

  it('names the variable when its value is no good, and prefers the RELAY_ one', () => {
    expect(() => loadConfig([], { DB_CLEANUP_DAYS: 'ten' })).toThrow('environment variable DB_CLEANUP_DAYS: "ten" is not valid for retention');
    expect(loadConfig([], { RELAY_RETENTION: '1d', DB_CLEANUP_DAYS: '9' })).toMatchObject({ config: { retention: 86_400_000 } });
  });

  it.each([
    ['SLA_TARGET_UPTIME', '99.5', 'Give a share of 1, such as 0.999; or set RELAY_SLA_TARGET_UPTIME to a percentage such as 99.9%, from 1% to 100%, for example 99.9%.'],
    ['MAX_PAYLOAD_SIZE_MB', 'x', 'Give a number, in MiB; or set RELAY_LIMITS_ENTRY_SIZE_MAX to a size such as 512KiB, 10MiB or 1GiB, from 1KiB to 64MiB, for example 10MiB.'],
    ['PORT', 'x', 'Give a port from 0 to 65535, for example 8080.'],
  ])('%s=%s is answered in its own words and unit', (name, text, hint) => {
    const refusal = (): unknown => {
      try {
        return loadConfig([], { [name]: text });
      } catch (error) {
        return error;
      }
    };
    expect(refusal()).toMatchObject({ message: expect.stringContaining(`environment variable ${name}: "${text}" is not valid`), hint });
  });

  it.each(UNSUPPORTED.map(({ name }) => name))('%s is never ignored in silence', (name) => {
    expect(loadConfig([], { [name]: 'something' }).warnings).toEqual([
      expect.stringMatching(new RegExp(`^environment variable ${name} has no effect yet: .+\\. [A-Z].+\\.$`)),
    ]);
    expect(loadConfig([], { [name]: '' }).warnings).toEqual([]);
  });

  it('says nothing when they ask for what happens anyway', () => {
    expect(loadConfig([], { REQUIRE_HTTPS: 'false', LOG_FORMAT: 'json' }).warnings).toEqual([]);
    expect(loadConfig([], { WS_PING_INTERVAL_MS: '30000', WS_TIMEOUT_MS: '60000' })).toMatchObject({ config: { heartbeat: 30_000 }, warnings: [] });
  });

  it('names two that are at odds, and goes by the interval', () => {
    const { config, warnings } = loadConfig([], { WS_PING_INTERVAL_MS: '30000', WS_TIMEOUT_MS: '45000' });
    expect(config.heartbeat).toBe(30_000);
    expect(warnings).toEqual([expect.stringContaining('WS_TIMEOUT_MS was ignored: it is not twice WS_PING_INTERVAL_MS')]);
  });

  it('start nothing that clients could reach over plain HTTP where REQUIRE_HTTPS is true', () => {
    expect(() => loadConfig([], { REQUIRE_HTTPS: 'true' })).toThrow('require-https (environment variable REQUIRE_HTTPS): clients would come over plain HTTP');
    expect(() => loadConfig(['--host', '0.0.0.0', '--insecure'], { REQUIRE_HTTPS: 'true' })).toThrow('require-https');
    expect(loadConfig(['--behind-proxy', 'loopback'], { REQUIRE_HTTPS: 'true' }).warnings).toEqual([]);
    expect(loadConfig(['--tls.cert', 'a.pem', '--tls.key', 'a.key'], { REQUIRE_HTTPS: 'true' }).warnings).toEqual([]);
  });

  it('covers every name an operator of the older relay has', () => {
    const names = [...ALIASES, ...UNSUPPORTED].map(({ name }) => name);
    for (const name of ['MAX_REQUESTS_PER_MINUTE', 'CORS_ORIGIN', 'GUN_PEERS', 'DB_PATH', 'WS_TIMEOUT_MS', 'LOG_FORMAT']) expect(names).toContain(name);
  });
});

describe('RELAY_…_FILE', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-value-'));
  const file = join(dir, 'port');
  writeFileSync(file, '4711\n');

  it('reads the value from the file', () => {
    expect(loadConfig([], { RELAY_PORT_FILE: file })).toMatchObject({ config: { port: 4711 }, origin: { port: 'file in environment variable RELAY_PORT_FILE' }, warnings: [] });
    expect(loadConfig(['--port', '1'], { RELAY_PORT_FILE: file }).config.port).toBe(1);
    expect(loadConfig([], { PORT: '1', RELAY_PORT_FILE: file }).config.port).toBe(4711);
  });

  it('refuses one that is missing, too large, or set besides the value', () => {
    expect(() => loadConfig([], { RELAY_PORT_FILE: join(dir, 'none') })).toThrow(/RELAY_PORT_FILE: cannot read .*ENOENT/);
    expect(() => loadConfig([], { RELAY_PORT_FILE: file, RELAY_PORT: '1' })).toThrow('RELAY_PORT and RELAY_PORT_FILE are both set');
    expect(() => loadConfig([], { RELAY_PORT_FILE: dir })).toThrow('it is no file');
    writeFileSync(join(dir, 'big'), 'x'.repeat(70_000));
    expect(() => loadConfig([], { RELAY_HOST_FILE: join(dir, 'big') })).toThrow('larger than 65536 bytes');
    rmSync(dir, { recursive: true, force: true });
  });
});

describe('a secret', () => {
  const table: OptionTable = { 'hook.token': { group: 'process', type: 'choice', choices: ['right'], default: 'right', doc: 'A token.', secret: true, reloadable: false } };

  it('has no flag, because other users can read flags', () => {
    expect(() => readFlags(['--hook.token', 'hunter2'], { keys: ['hook.token'], switches: [], operandsMax: 0 }, table)).toThrow('hook.token is a secret and has no flag');
  });

  it('is not repeated when it is refused', () => {
    const layer = new Map([['hook.token', { text: 'hunter2', origin: { label: 'environment variable RELAY_HOOK_TOKEN', place: null } }]]);
    const { findings } = resolveTable(table, [layer]);
    expect(findings).toHaveLength(1);
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  });
});
