import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../../src/config/bind.js';
import { loadConfig } from '../../../src/config/load.js';
import { RelayError } from '../../../src/errors.js';

function refusal(args: string[], env: Record<string, string> = {}): RelayError {
  try {
    loadConfig(args, env);
  } catch (error) {
    if (error instanceof RelayError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  it('gives the defaults when nothing is set', () => {
    const { config, origin } = loadConfig([], {});
    expect(config.host).toBe('127.0.0.1');
    expect(config.port).toBe(8080);
    expect(config['limits.entry-size-max']).toBe(10 * 1024 * 1024);
    expect(config.heartbeat).toBe(30_000);
    expect(config.retention).toBe(30 * 86_400_000);
    expect(origin.port).toBe('default');
  });

  it('prefers a flag to the environment and the environment to the default', () => {
    const env = { RELAY_PORT: '2', PORT: '1' };
    expect(loadConfig(['--port', '3'], env)).toMatchObject({ config: { port: 3 }, origin: { port: 'flag --port' } });
    expect(loadConfig([], env)).toMatchObject({ config: { port: 2 }, origin: { port: 'environment variable RELAY_PORT' } });
    expect(loadConfig([], { PORT: '1' })).toMatchObject({ config: { port: 1 }, origin: { port: 'environment variable PORT' } });
    expect(loadConfig([], { PORT: '' }).config.port).toBe(8080);
  });

  it('reads units and the inline form', () => {
    const { config } = loadConfig(['--limits.entry-size-max=2MiB', '--heartbeat', '500ms', '--admin.port=off'], {});
    expect(config['limits.entry-size-max']).toBe(2 * 1024 * 1024);
    expect(config.heartbeat).toBe(500);
    expect(config['admin.port']).toBeNull();
  });

  it('takes a boolean with and without its value, and by its negation', () => {
    const { config: off } = loadConfig([], {});
    expect([off['status.public'], off.insecure]).toEqual([true, false]);
    for (const args of [['--status.public', 'false'], ['--status.public=no'], ['--no-status.public'], ['--status.public', '0', '--port', '1']]) {
      expect(loadConfig(args, {}).config['status.public']).toBe(false);
    }
    for (const args of [['--insecure'], ['--insecure', 'yes'], ['--insecure=true'], ['--insecure', '--port', '1']]) expect(loadConfig(args, {}).config.insecure).toBe(true);
    expect(refusal(['--insecure', 'maybe']).message).toBe('unexpected argument "maybe"');
    expect(refusal(['--no-insecure=true']).hint).toBe('Write --insecure=true or --no-insecure.');
    expect(refusal(['--no-port']).message).toBe('unknown option --no-port');
    expect(refusal(['--insecure', '--no-insecure']).message).toBe('option --no-insecure is given twice');
  });

  it('names option, value, origin and fix of a bad value', () => {
    const fromFlag = refusal(['--heartbeat', '30 seconds']);
    expect(fromFlag.message).toBe('flag --heartbeat: "30 seconds" is not valid for heartbeat');
    expect(fromFlag.hint).toBe('Give a duration such as 30s, 5m, 12h or 30d, from 100ms to 10m, for example 30s.');
    const fromEnv = refusal([], { LOG_LEVEL: 'loud' });
    expect(fromEnv.message).toBe('environment variable LOG_LEVEL: "loud" is not valid for log.level');
    expect(fromEnv.hint).toContain('one of trace, debug, info');
  });

  it.each([
    ['--limits.push-entries-max', '4097'],
    ['--limits.push-entries-max', '-1'],
    ['--limits.entry-size-max', '1GiB'],
    ['--port', '65536'],
    ['--admin.port', 'none'],
    ['--data-dir', ''],
    ['--workers', '1e3'],
  ])('refuses %s %s', (flag, value) => {
    expect(refusal([flag, value]).code).toBe('config_invalid');
  });

  it('suggests the option that was meant', () => {
    expect(refusal(['--prot', '1'])).toMatchObject({ message: 'unknown option --prot', hint: 'Did you mean --port?' });
    expect(refusal(['--completely-else', '1']).hint).toBe('Run it with --help for the list.');
  });

  it('warns about unknown RELAY_ variables and starts all the same', () => {
    expect(loadConfig([], { RELAY_DATADIR: 'x', RELAY_ABSOLUTELY_ELSE: '1', PATH: '/bin' })).toMatchObject({
      config: { 'data-dir': './relay-data' },
      warnings: [
        'unknown environment variable RELAY_DATADIR was ignored; did you mean RELAY_DATA_DIR?',
        'unknown environment variable RELAY_ABSOLUTELY_ELSE was ignored',
      ],
    });
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`RELAY_X${index}Y`, '1']));
    expect(loadConfig([], many).warnings).toHaveLength(20);
  });

  it('starts as the service `relay`, or `relay-admin`, of Kubernetes', () => {
    const links = {
      RELAY_SERVICE_HOST: '10.96.0.7',
      RELAY_SERVICE_PORT: '8080',
      RELAY_SERVICE_PORT_HTTP: '8080',
      RELAY_PORT: 'tcp://10.96.0.7:8080',
      RELAY_PORT_8080_TCP: 'tcp://10.96.0.7:8080',
      RELAY_PORT_8080_TCP_PROTO: 'tcp',
      RELAY_PORT_8080_TCP_PORT: '8080',
      RELAY_PORT_8080_TCP_ADDR: '10.96.0.7',
      RELAY_ADMIN_SERVICE_HOST: '10.96.0.8',
      RELAY_ADMIN_PORT: 'tcp://10.96.0.8:9090',
    };
    expect(loadConfig([], links)).toMatchObject({
      config: { port: 8080, host: '127.0.0.1', 'admin.port': 9090 },
      warnings: [
        'environment variable RELAY_PORT is a service link of Kubernetes and was ignored; use --port',
        'environment variable RELAY_ADMIN_PORT is a service link of Kubernetes and was ignored; use --admin.port',
      ],
    });
    expect(loadConfig([], { ...links, PORT: '7' }).config.port).toBe(7);
    expect(refusal([], { PORT: 'tcp://10.96.0.7:8080' }).message).toContain('environment variable PORT');
  });

  it('refuses a value that is missing, doubled or without its flag', () => {
    expect(refusal(['--port']).hint).toBe('Write --port 8080.');
    expect(refusal(['--port', '1', '--port=2']).message).toContain('twice');
    expect(refusal(['8080']).message).toContain('unexpected argument');
  });

  it.each(['0.0.0.0', '::', '192.168.1.4', 'relay.example', '128.0.0.1', ''])('refuses to bind %s', (host) => {
    expect(isLoopback(host)).toBe(false);
    if (host !== '') expect(refusal(['--host', host])).toMatchObject({ code: 'bind_not_loopback' });
  });

  it('names the three ways out when the bind is refused', () => {
    expect(refusal([], { HOST: '0.0.0.0' }).message).toContain('(environment variable HOST)');
    expect(refusal(['--host', '0.0.0.0']).hint).toMatch(/--tls\.cert.*reverse proxy.*--host 127\.0\.0\.1.*--behind-proxy.*--insecure/);
  });

  it('binds the admin listener anywhere with a token only, and takes no token that is easily guessed', () => {
    const token = 'a-long-enough-token';
    expect(loadConfig(['--admin.host', '0.0.0.0'], { RELAY_ADMIN_TOKEN: token }).config).toMatchObject({ 'admin.host': '0.0.0.0', 'admin.token': token });
    expect(refusal(['--admin.host', '0.0.0.0']).message).toContain('no admin.token is set');
    for (const weak of ['hunter2', 'fifteen-letters', 'with a space, and long enough', 'lang-genug-für-alle']) {
      const refused = refusal([], { RELAY_ADMIN_TOKEN: weak });
      expect(refused).toMatchObject({ code: 'config_invalid', hint: expect.stringContaining('16 letters') });
      expect(`${refused.message} ${String(refused.hint)}`).not.toContain(weak);
    }
    expect(() => loadConfig(['--admin.token', token], {})).toThrow('admin.token is a secret and has no flag');
  });

  it('binds anywhere when told that it is insecure, the admin listener not for that', () => {
    expect(loadConfig(['--host', '0.0.0.0', '--insecure'], {}).config).toMatchObject({ host: '0.0.0.0', insecure: true });
    expect(loadConfig([], { RELAY_INSECURE: 'true', HOST: '::' }).config.host).toBe('::');
    expect(refusal(['--host', '0.0.0.0', '--insecure=false']).code).toBe('bind_not_loopback');
    expect(refusal(['--insecure', '--admin.host', '0.0.0.0'])).toMatchObject({ code: 'bind_not_loopback', hint: expect.stringContaining('SSH tunnel') });
    expect(loadConfig(['--admin.host', '0.0.0.0', '--admin.port', 'off'], {}).config['admin.port']).toBeNull();
  });

  it('says how many errors there are besides the first', () => {
    expect(refusal(['--port', 'x', '--workers', 'y', '--host', '0.0.0.0']).hint).toMatch(/2 more errors: run `relay config check`\.$/);
  });

  it('takes addresses to listen on and no names, which lead somewhere else one day', () => {
    for (const flags of [['--insecure'], ['--behind-proxy', 'private']]) {
      expect(refusal(['--host', 'relay.example', ...flags])).toMatchObject({ code: 'config_invalid', message: 'host "relay.example" (flag --host) is not an IP address', hint: expect.stringContaining('0.0.0.0') });
      expect(loadConfig(['--host', '::', ...flags], {}).config.host).toBe('::');
    }
  });

  it.each(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'])('accepts the loopback address %s', (host) => {
    expect(loadConfig(['--host', host], {}).config.host).toBe(host);
  });
});
