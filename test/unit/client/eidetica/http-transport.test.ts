// Addresses of peers over HTTP and the credentials in them.
import { expect, test } from 'vitest';
import { HttpTransport, httpAddress } from '../../../../src/client/eidetica/http-transport.js';
import { TestClock } from './peer-double.js';

/** A transport, and the credentials its requests carry. */
function transport(): { readonly http: HttpTransport; readonly sent: (string | null)[] } {
  const sent: (string | null)[] = [];
  const fetch = (_url: unknown, init?: RequestInit): Promise<Response> => {
    sent.push(new Headers(init?.headers).get('authorization'));
    return Promise.resolve(new Response('"Ack"'));
  };
  const clock = new TestClock();
  const environment = { now: () => clock.now(), after: (ms: number, run: () => void) => clock.after(ms, run) };
  return { http: new HttpTransport(environment, { fetch: fetch as typeof globalThis.fetch }), sent };
}

test.each(['%zz@peer.example:1', 'device:%@peer.example:1', 'https://%c3@peer.example'])('%s is a bad address, and nothing is sent', async (address) => {
  const { http, sent } = transport();
  await expect(http.send(httpAddress(address), { SendEntries: [] })).rejects.toMatchObject({ name: 'ClientError', code: 'bad_address' });
  expect(sent).toEqual([]);
});

test.each([
  ['peer.example:1', null],
  ['token@peer.example:1', 'token:'],
  ['device:to%25ken@peer.example:1', 'device:to%ken'],
])('%s shows the credentials in it', async (address, credentials) => {
  const { http, sent } = transport();
  expect(await http.send(httpAddress(address), { SendEntries: [] })).toBe('Ack');
  expect(sent).toEqual([credentials === null ? null : `Basic ${Buffer.from(credentials).toString('base64')}`]);
});
