import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressError, connectUrl, formatRelayAddress, formatSpaceLink, parseRelayAddress, parseSpaceLink } from '../../../src/protocol/address.js';
import { toBase64url } from '../../../src/protocol/base64url.js';
import { fromHex } from '../../../src/protocol/hex.js';

const logId = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')!;
const k = toBase64url(logId);
const secret = new Uint8Array(32).fill(9);
const s = toBase64url(secret);

describe('relay addresses', () => {
  it.each([
    [`sealrelay://relay.example/#k=${k}`, 'wss://relay.example:443/v1/connect'],
    [`sealrelay://RELAY.example:8443/#k=${k}`, 'wss://relay.example:8443/v1/connect'],
    [`sealrelay://relay.example#k=${k}`, 'wss://relay.example:443/v1/connect'],
    [`sealrelay://localhost/#k=${k}`, 'ws://localhost:8080/v1/connect'],
    [`sealrelay://127.8.9.1:9000/#k=${k}`, 'ws://127.8.9.1:9000/v1/connect'],
    [`sealrelay://[::1]:9000/#k=${k}`, 'ws://[::1]:9000/v1/connect'],
    [`sealrelay://[2001:db8::1]/#k=${k}`, 'wss://[2001:db8::1]:443/v1/connect'],
    [`sealrelay://192.168.1.4/?tls=off#k=${k}`, 'ws://192.168.1.4:8080/v1/connect'],
    [`sealrelay://localhost/?tls=on#k=${k}`, 'wss://localhost:443/v1/connect'],
    [`sealrelay://127.0.0.1:9000/?tls=on#k=${k}`, 'wss://127.0.0.1:9000/v1/connect'],
    [`sealrelay://relay.example/?tls=on#k=${k}`, 'wss://relay.example:443/v1/connect'],
    [`sealrelay://localhost.example/#k=${k}`, 'wss://localhost.example:443/v1/connect'],
    [`sealrelay://127.evil.example/#k=${k}`, 'wss://127.evil.example:443/v1/connect'],
  ])('%s connects to %s', (text, url) => {
    const address = parseRelayAddress(text);
    expect(connectUrl(address)).toBe(url);
    expect(address.logId).toEqual(logId);
    expect(parseRelayAddress(formatRelayAddress(address))).toEqual(address);
  });

  it.each([
    ['scheme', `https://relay.example/#k=${k}`],
    ['scheme', ''],
    ['host', `sealrelay:///#k=${k}`],
    ['host', `sealrelay://relay..example/#k=${k}`],
    ['host', `sealrelay://user@relay.example/#k=${k}`],
    ['host', `sealrelay://-relay.example/#k=${k}`],
    ['host', `sealrelay://256.1.1.1/#k=${k}`],
    ['host', `sealrelay://127.1/#k=${k}`],
    ['host', `sealrelay://[::g]/#k=${k}`],
    ['host', `sealrelay://rélay.example/#k=${k}`],
    ['port', `sealrelay://relay.example:/#k=${k}`],
    ['port', `sealrelay://relay.example:0/#k=${k}`],
    ['port', `sealrelay://relay.example:65536/#k=${k}`],
    ['port', `sealrelay://relay.example:80a/#k=${k}`],
    ['path', `sealrelay://relay.example/path#k=${k}`],
    ['query', `sealrelay://relay.example/?tls=yes#k=${k}`],
    ['query', `sealrelay://relay.example/?tls=off&x=1#k=${k}`],
    ['key', `sealrelay://relay.example/#k=${k.slice(1)}`],
    ['key', `sealrelay://relay.example/#k=${toBase64url(new Uint8Array(32))}`],
    ['fragment', 'sealrelay://relay.example/'],
    ['fragment', `sealrelay://relay.example/#k=${k}&k=${k}`],
    ['fragment', `sealrelay://relay.example/#k=${k}&x=1`],
    ['fragment', `sealrelay://relay.example/#k=${k}&s=${s}`],
    ['length', `sealrelay://relay.example/#k=${k}${'A'.repeat(1024)}`],
  ])('a wrong %s is named: %s', (code, text) => {
    let error: unknown;
    try {
      parseRelayAddress(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AddressError);
    expect(error).toMatchObject({ code });
  });

  it('arbitrary text gives an address or an AddressError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (rest) => {
        try {
          parseRelayAddress(`sealrelay://${rest}`);
        } catch (error) {
          expect(error).toBeInstanceOf(AddressError);
        }
      }),
    );
  });
});

describe('space links', () => {
  const address = parseRelayAddress(`sealrelay://relay.example/#k=${k}`);

  it('survive the round trip, with and without a roster', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { nil: undefined }), (rootSecret, version) => {
        const link = version === undefined ? { address, rootSecret } : { address, rootSecret, roster: { version, hash: logId } };
        expect(parseSpaceLink(formatSpaceLink(link))).toEqual(link);
      }),
    );
  });

  it.each([
    ['secret', ''],
    ['secret', `&s=${s.slice(2)}`],
    ['roster', `&s=${s}&v=1`],
    ['roster', `&s=${s}&r=${k}`],
    ['roster', `&s=${s}&v=0&r=${k}`],
    ['roster', `&s=${s}&v=9007199254740993&r=${k}`],
    ['roster', `&s=${s}&v=01&r=${k}`],
  ])('a wrong %s is named, and the secret is never repeated: %s', (code, rest) => {
    let error: unknown;
    try {
      parseSpaceLink(`sealrelay://relay.example/#k=${k}${rest}`);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain(s.slice(2));
  });
});
