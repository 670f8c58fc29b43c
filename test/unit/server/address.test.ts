import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseRelayAddress } from '../../../src/protocol/address.js';
import { relayAddress } from '../../../src/server/address.js';

// The Ed25519 base point: a sound key.
const logId = Buffer.from(`58${'66'.repeat(31)}`, 'hex').toString('base64url');
const interfaceOf = (address: string, internal: boolean): NetworkInterfaceInfo => ({ address, internal, family: 'IPv4', netmask: '', mac: '', cidr: null });
const interfaces = { lo: [interfaceOf('127.0.0.1', true)], eth0: [interfaceOf('192.168.7.8', false)] };
const plain = { port: 9, logId, tls: false, certificateName: null, redirectPort: null };

describe('relayAddress', () => {
  it.each([
    ['127.0.0.1', `sealrelay://127.0.0.1:9/#k=${logId}`],
    ['::1', `sealrelay://[::1]:9/#k=${logId}`],
    ['192.168.1.2', `sealrelay://192.168.1.2:9/?tls=off#k=${logId}`],
    ['0.0.0.0', `sealrelay://192.168.7.8:9/?tls=off#k=${logId}`],
    ['::', `sealrelay://192.168.7.8:9/?tls=off#k=${logId}`],
  ])('names %s as clients reach it, and clients can read it', (host, expected) => {
    expect(relayAddress({ ...plain, host }, interfaces)).toBe(expected);
    expect(parseRelayAddress(expected)).toMatchObject({ port: 9, tls: false });
  });

  it.each([
    ['0.0.0.0', 'relay.example', `sealrelay://relay.example:9/#k=${logId}`],
    ['127.0.0.1', 'localhost', `sealrelay://localhost:9/?tls=on#k=${logId}`],
    ['127.0.0.1', null, `sealrelay://127.0.0.1:9/?tls=on#k=${logId}`],
    ['0.0.0.0', null, `sealrelay://192.168.7.8:9/#k=${logId}`],
  ])('with TLS on %s and a certificate for %s gives an address that is believed', (host, certificateName, expected) => {
    expect(relayAddress({ ...plain, host, tls: true, certificateName }, interfaces)).toBe(expected);
    expect(parseRelayAddress(expected)).toMatchObject({ port: 9, tls: true });
  });

  it('falls back to this machine where there is no other address', () => {
    expect(relayAddress({ ...plain, host: '0.0.0.0' }, {})).toBe(`sealrelay://127.0.0.1:9/#k=${logId}`);
  });
});
