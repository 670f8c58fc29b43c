// Who is served by foreign protocols: nobody on an address that others can reach, until the operator names the protocol; and what the banner says of it.
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import type { Config } from '../../../src/config/options.js';
import { isOn, toCoreConfig } from '../../../src/server/core-config.js';
import { DATA_PLANE_ROUTES } from '../../../src/server/data-plane-routes.js';
import { describeProtocol, openProtocols as openOnes, settingsWithoutEffect } from '../../../src/server/open-protocols.js';

const BINDS = { loopback: ['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost'], public: ['0.0.0.0', '::', '192.0.2.7'], proxied: ['127.0.0.1', '::1', '0.0.0.0'] } as const;
/** A proxy on this machine brings everybody to a relay that listens on loopback. */
const FLAGS = { loopback: [], public: [], proxied: ['--behind-proxy', 'loopback'] } as const;
const PROTOCOLS = ['graceful', 'plures', 'gun', 'eidetica'] as const;
const TOKENLESS = ['graceful', 'gun', 'eidetica'] as const;
const KINDS = { graceful: ['graceful', 'graceful-socket'], plures: ['plures-socket', 'first-frame-socket'], gun: ['first-frame-socket', 'gun-socket'], eidetica: ['eidetica'] } as const;
const NAMES = { graceful: 'Graceful Books', plures: 'PluresDB', gun: 'GUN', eidetica: 'Eidetica' } as const;

const openProtocols = (config: Config): string[] => openOnes(config).map(describeProtocol);

type Bind = keyof typeof BINDS;
type Protocol = (typeof PROTOCOLS)[number];
type Switch = 'auto' | 'on' | 'off';

/** What the table says: `auto` follows the bind, everything else is as it was named. */
const TABLE: readonly (readonly [Bind, Switch | 'unnamed', boolean])[] = [
  ['loopback', 'unnamed', true],
  ['loopback', 'auto', true],
  ['loopback', 'on', true],
  ['loopback', 'off', false],
  ['public', 'unnamed', false],
  ['public', 'auto', false],
  ['public', 'on', true],
  ['public', 'off', false],
  ['proxied', 'unnamed', false],
  ['proxied', 'auto', false],
  ['proxied', 'on', true],
  ['proxied', 'off', false],
];

const NONE = PROTOCOLS.flatMap((protocol) => [`--compat.${protocol}`, 'off']);

function configs(bind: Bind, given: readonly string[]): Config[] {
  return BINDS[bind].map((host) => loadConfig(['--host', host, '--insecure', ...FLAGS[bind], ...given], {}).config);
}

/** The switch of one protocol, with the others off. */
function only(protocol: Protocol, position: Switch | 'unnamed', ...more: string[]): string[] {
  const others = PROTOCOLS.filter((other) => other !== protocol).flatMap((other) => [`--compat.${other}`, 'off']);
  return [...others, ...(position === 'unnamed' ? [] : [`--compat.${protocol}`, position]), ...more];
}

function servedKinds(config: Config): Set<string> {
  return new Set(toCoreConfig(config, DATA_PLANE_ROUTES, null).routes.map(({ kind }) => kind));
}

const NATIVE_KINDS = servedKinds(configs('loopback', NONE)[0]!);

describe.each(PROTOCOLS)('%s', (protocol) => {
  test.each(TABLE)('on a %s address, %s: %s', (bind, position, expected) => {
    for (const config of configs(bind, only(protocol, position))) {
      expect(isOn(config, `compat.${protocol}`)).toBe(expected);
      expect(toCoreConfig(config, DATA_PLANE_ROUTES, null).compat[protocol] !== null).toBe(expected);
      expect([...servedKinds(config)].filter((kind) => !NATIVE_KINDS.has(kind)).sort()).toEqual(expected ? [...KINDS[protocol]].sort() : []);
      expect(openProtocols(config).map((line) => line.startsWith(NAMES[protocol]))).toEqual(expected ? [true] : []);
    }
  });
});

describe.each(TOKENLESS)('%s without a token', (protocol) => {
  test.each(TABLE)('on a %s address, %s: %s', (bind, position, expected) => {
    const given = position === 'unnamed' ? [] : [`--compat.${protocol}-tokenless`, position];
    for (const config of configs(bind, only(protocol, 'on', ...given))) {
      expect(isOn(config, `compat.${protocol}-tokenless`)).toBe(expected);
      expect(toCoreConfig(config, DATA_PLANE_ROUTES, null).compat[protocol]?.tokenless).toBe(expected);
      expect(openProtocols(config)).toEqual([expect.stringContaining(expected ? '(with or without a token; ' : '(with a token; ')]);
    }
  });

  test.each(['loopback', 'public'] as const)('opens nothing by itself on a %s address', (bind) => {
    for (const config of configs(bind, only(protocol, 'off', `--compat.${protocol}-tokenless`, 'on'))) {
      expect([toCoreConfig(config, DATA_PLANE_ROUTES, null).compat[protocol], openProtocols(config)]).toEqual([null, []]);
    }
  });
});

describe('GUN, sealed only', () => {
  test.each(
    (['loopback', 'public'] as const).flatMap((bind) => (['auto', 'on', 'off'] as const).flatMap((tokenless) => [true, false].map((sealed) => [bind, tokenless, sealed] as const))),
  )('on a %s address, tokenless %s, sealed %s: the banner says what is in clear', (bind, tokenless, sealed) => {
    const who = tokenless === 'on' || (tokenless === 'auto' && bind === 'loopback') ? 'with or without a token' : 'with a token';
    const open = sealed ? 'souls, keys, links and states' : 'souls, keys, states and all values the app does not encrypt';
    for (const config of configs(bind, only('gun', 'on', '--compat.gun-tokenless', tokenless, `--compat.gun-sealed-only=${sealed}`))) {
      expect(toCoreConfig(config, DATA_PLANE_ROUTES, null).compat.gun?.sealedOnly).toBe(sealed);
      expect(openProtocols(config)).toEqual([`GUN at /gun (${who}; ${open} are in clear)`]);
    }
  });

  test.each([
    ['loopback', 1],
    ['public', 0],
  ] as const)('does not turn GUN on by itself on a %s address', (bind, lines) => {
    for (const config of configs(bind, only('gun', 'auto', '--compat.gun-sealed-only=true'))) expect(openProtocols(config)).toHaveLength(lines);
  });
});

test('what is asked of a protocol that is not served is told, and nothing else', () => {
  const asked = { RELAY_COMPAT_GUN_PEERS: 'wss://other.example/gun?t=s3cret', RELAY_COMPAT_PLURES_TOKEN_FILE: '/etc/token', RELAY_COMPAT_GRACEFUL_TOKENLESS: 'on' };
  const told = (flags: string[]): string[] => settingsWithoutEffect(loadConfig(flags, asked).config).map(({ message, hint }) => `${message}. ${hint}`);
  expect(told(['--behind-proxy', 'loopback'])).toEqual([
    'compat.graceful-tokenless has no effect: its protocol is not served here. Set compat.graceful to on, or leave it out.',
    'compat.plures-token-file has no effect: its protocol is not served here. Set compat.plures to on, or leave it out.',
    'compat.gun-peers has no effect: its protocol is not served here. Set compat.gun to on, or leave it out.',
  ]);
  expect(told(['--behind-proxy', 'loopback', '--compat.gun', 'on', '--compat.plures', 'on', '--compat.graceful', 'on'])).toEqual([]);
  expect(told([])).toEqual([]);
  for (const bind of ['loopback', 'public', 'proxied'] as const) for (const config of configs(bind, [])) expect(settingsWithoutEffect(config)).toEqual([]);
});

test('an operator who names nothing serves all four to this machine and none to others', () => {
  expect(configs('loopback', []).map((config) => openProtocols(config).length)).toEqual(BINDS.loopback.map(() => PROTOCOLS.length));
  for (const bind of ['public', 'proxied'] as const) expect(configs(bind, []).map((config) => openProtocols(config))).toEqual(BINDS[bind].map(() => []));
});

test.each([
  ['loopback', 'auto', false],
  ['loopback', 'on', true],
  ['loopback', 'off', false],
  ['public', 'auto', true],
  ['public', 'on', true],
  ['public', 'off', false],
  ['proxied', 'auto', true],
] as const)('the proof of Eidetica on a %s address, %s: %s', (bind, position, expected) => {
  for (const config of configs(bind, only('eidetica', 'on', '--compat.eidetica-proof', position))) {
    expect(toCoreConfig(config, DATA_PLANE_ROUTES, null).compat.eidetica?.proof).toBe(expected);
  }
});

describe('where somebody lets in', () => {
  test.each(TOKENLESS)('%s takes nobody without a token, and says so', (protocol) => {
    for (const config of configs('loopback', only(protocol, 'on', '--admission', 'invite'))) {
      expect(isOn(config, `compat.${protocol}-tokenless`)).toBe(false);
      expect(openProtocols(config)).toEqual([expect.stringContaining('(with an invite token; ')]);
    }
    expect(() => configs('loopback', only(protocol, 'on', '--admission', 'invite', `--compat.${protocol}-tokenless`, 'on'))).toThrow(/nobody lets in who shows no token/);
  });
});

test('limits over all tenants reach the core', () => {
  const [config] = configs('loopback', ['--compat.tenants-max', '7', '--compat.open-quota', '2MiB', '--compat.connections-max', '3', '--limits.space-pushes-per-second', '5', '--limits.session-pushes-per-second', '4', '--compat.address-writes-per-minute', '6']);
  expect(toCoreConfig(config!, DATA_PLANE_ROUTES, null).compat.limits).toEqual({
    tenantsMax: 7,
    openBytesMax: 2 * 1024 * 1024,
    connectionsMax: 3,
    tenantConnectionsMax: 1024,
    tenantWritesPerSecondMax: 5,
    connectionPutsPerSecondMax: 4,
    addressWritesPerMinuteMax: 6,
  });
});
