import { describe, expect, it } from 'vitest';
import { RelayError } from '../../../src/errors.js';
import { loadConfig } from '../../../src/config/load.js';
import { isOfProxies, parseProxies } from '../../../src/config/proxies.js';

describe('behind-proxy', () => {
  it('is a list of networks and of names for them', () => {
    expect(parseProxies('off')).toEqual([]);
    expect(parseProxies('10.0.0.0/8, ::1,loopback')).toEqual(['10.0.0.0/8', '::1', '127.0.0.0/8', '::1']);
    expect(parseProxies('private')).toContain('192.168.0.0/16');
  });

  it.each(['proxy', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%eth0', 'off,::1', 'toString', `${'::1,'.repeat(70)}::1`])('refuses %s', (text) => {
    expect(parseProxies(text)).toBeNull();
    expect(() => loadConfig(['--behind-proxy', text], {})).toThrow(RelayError);
  });

  it('is a reason to listen where others can connect', () => {
    expect(loadConfig(['--host', '0.0.0.0', '--behind-proxy', 'private'], {}).config.host).toBe('0.0.0.0');
    expect(() => loadConfig(['--host', '0.0.0.0', '--behind-proxy', 'off'], {})).toThrow('not a loopback address');
  });

  it('knows who is in them', () => {
    expect(['127.0.0.1', '::1', 'localhost'].map((host) => isOfProxies('loopback', host))).toEqual([true, true, true]);
    expect(['10.1.2.3', '11.0.0.1', '2001:db8::5'].map((host) => isOfProxies('10.0.0.0/8,2001:db8::/32', host))).toEqual([true, false, true]);
    expect(isOfProxies('off', '127.0.0.1')).toBe(false);
  });

  it('need to be named before they may speak the PROXY protocol', () => {
    expect(() => loadConfig(['--proxy-protocol'], {})).toThrow('the PROXY protocol is spoken by nobody');
    expect(loadConfig(['--proxy-protocol', '--behind-proxy', 'loopback'], {}).config['proxy-protocol']).toBe(true);
  });
});
