import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseRelayAddress } from '../../../src/protocol/address.js';
import { relayAddress } from '../../../src/server/address.js';

// The Ed25519 base point: a sound key.
const logId = Buffer.from(`58${'66'.repeat(31)}`, 'hex').toString('base64url');
const interfaceOf = (address: string, internal: boolean): NetworkInterfaceInfo => ({ address, internal, family: 'IPv4', netmask: '', mac: '', cidr: null });
const interfaces = { lo: [interfaceOf('127.0.0.1', true)], eth0: [interfaceOf('192.168.7.8', false)] };

describe('relayAddress', () => {
  it.each([
    ['127.0.0.1', `sealrelay://127.0.0.1:9/#k=${logId}`],
    ['::1', `sealrelay://[::1]:9/#k=${logId}`],
    ['192.168.1.2', `sealrelay://192.168.1.2:9/?tls=off#k=${logId}`],
    ['0.0.0.0', `sealrelay://192.168.7.8:9/?tls=off#k=${logId}`],
    ['::', `sealrelay://192.168.7.8:9/?tls=off#k=${logId}`],
  ])('names %s as clients reach it, and clients can read it', (host, expected) => {
    expect(relayAddress({ host, port: 9, logId }, interfaces)).toBe(expected);
    expect(parseRelayAddress(expected)).toMatchObject({ port: 9, tls: false });
  });

  it('falls back to this machine where there is no other address', () => {
    expect(relayAddress({ host: '0.0.0.0', port: 9, logId }, {})).toBe(`sealrelay://127.0.0.1:9/#k=${logId}`);
  });
});
