// TLS through the product: files, an address that clients believe, a client over wss, reload, and what is said about bad files.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createSpace } from '../../src/client/node.js';
import { readLocalToken } from '../../src/server/admin-auth/local-token.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { HAS_OPENSSL, TestAuthority } from '../support/test-authority.js';

let dir: string;
let authority: TestAuthority;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sealrelay-tls-'));
  if (HAS_OPENSSL) authority = new TestAuthority(dir, 'test-authority');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Files {
  readonly certificate: string;
  readonly key: string;
  readonly flags: readonly string[];
}

function files(name: string): Files {
  const [certificate, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)];
  authority.issue(certificate, key);
  return { certificate, key, flags: ['--tls.cert', certificate, '--tls.key', key] };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function get(url: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca: authority.pem, agent: false, ...options }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(pieces).toString() }));
    });
    sent.once('error', reject).end();
  });
}

function served(port: number): Promise<DetailedPeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.pem }, () => {
      resolve(socket.getPeerCertificate(true));
      socket.end();
    });
    socket.once('error', reject);
  });
}

async function started(relay: ServeProcess): Promise<{ address: string; port: number; url: string; metricsUrl: string }> {
  const line = await relay.logLine('relay is listening');
  expect(line).toMatchObject({ tls: '1.3' });
  const address = String(line['relayAddress']);
  const port = Number(/:(\d+)\//.exec(address)?.[1]);
  return { address, port, url: `https://localhost:${port}`, metricsUrl: String(line['metricsUrl']) };
}

const DAY_S = 86_400;
const PATIENCE = { timeout: 10_000 };

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

describe.skipIf(!existsSync(CLI) || !HAS_OPENSSL)('TLS (needs `npm run build` and openssl)', () => {
  it('is spoken by the SDK, the control plane and the health check, on every address', async () => {
    const { flags } = files('whole');
    await using relay = new ServeProcess(['--host', '0.0.0.0', ...flags]);
    const { address, port, url } = await started(relay);
    expect(address).toMatch(/^sealrelay:\/\/localhost:\d+\/\?tls=on#k=/);
    class TrustingWebSocket extends WebSocket {
      constructor(target: string) {
        super(target, { ca: authority.pem });
      }
    }
    const space = await createSpace({ relay: address, webSocket: TrustingWebSocket });
    await space.push(new TextEncoder().encode('over TLS'));
    await space.whenSynced();
    await space.close();
    const health = await get(`${url}/health`);
    expect(health).toMatchObject({ status: 200 });
    expect(health.headers['strict-transport-security']).toBe('max-age=31536000');
    expect(health.headers['x-content-type-options']).toBe('nosniff');
    const check = new URL(`https://localhost:${port}`);
    const { ask } = await import('../../src/cli/ask.js');
    expect(await ask({ url: `${check.origin}/health/ready`, method: 'GET', timeoutMs: 5000, hint: '', trustsAny: true })).toMatchObject({ status: 200, body: { ready: true } });
    await expect(ask({ url: `${check.origin}/health/ready`, method: 'GET', timeoutMs: 5000, hint: '' })).rejects.toThrow(/certificate/);
    const plain = await fetch(`http://localhost:${port}/health`);
    expect(plain.status).toBe(400);
    expect(await plain.json()).toMatchObject({ code: 'tls_needed' });
  });

  it('sends plain HTTP to itself', async () => {
    const { flags } = files('redirect');
    await using relay = new ServeProcess([...flags, '--tls.redirect-port', '0', '--tls.hsts', '0ms']);
    const { url, port } = await started(relay);
    const { redirectPort } = await relay.logLine('relay is listening');
    const answer = await fetch(`http://127.0.0.1:${Number(redirectPort)}/health?x=1`, { redirect: 'manual' });
    expect(answer.status).toBe(308);
    expect(answer.headers.get('location')).toBe(`https://127.0.0.1:${port}/health?x=1`);
    expect((await get(`${url}/health`)).headers['strict-transport-security']).toBeUndefined();
  });

  it('serves another certificate after a reload, and keeps the one it has when the files are bad', async () => {
    const { certificate, key, flags } = files('reload');
    await using relay = new ServeProcess(flags);
    const { port, metricsUrl } = await started(relay);
    const reload = async (): Promise<Response> =>
      await fetch(new URL('/admin/api/reload', metricsUrl), { method: 'POST', headers: { authorization: `Bearer ${await readLocalToken(join(relay.dir, 'data'))}` } });
    const first = await served(port);
    expect(Math.round((await metric(metricsUrl, 'relay_tls_certificate_left_seconds')) / DAY_S)).toBe(20);

    writeFileSync(certificate, 'not a certificate');
    const refused = await reload();
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/there is no certificate in .*reload\.crt; the relay goes on with the certificate it has/) });
    expect((await served(port)).fingerprint256).toBe(first.fingerprint256);
    // The look of every 10 s may have come first, and the snapshot behind the figures is shared for a moment.
    await expect.poll(() => metric(metricsUrl, 'relay_tls_certificate_failures_total'), PATIENCE).toBeGreaterThanOrEqual(1);

    authority.issue(certificate, key, 40);
    expect((await reload()).status).toBe(200);
    expect((await served(port)).fingerprint256).not.toBe(first.fingerprint256);
    await expect.poll(async () => Math.round((await metric(metricsUrl, 'relay_tls_certificate_left_seconds')) / DAY_S), PATIENCE).toBe(40);
    expect(await metric(metricsUrl, 'relay_tls_certificate_changes_total')).toBeGreaterThanOrEqual(1);
  });

  it.each([
    ['a file that is missing', (f: Files) => rmSync(f.key), /cannot read .*\.key: there is no such file\. Correct the path/],
    ['a key of another certificate', (f: Files) => authority.issue(join(dir, 'other.crt'), f.key), /does not belong to the certificate in .*Give the key/],
    ['an expired certificate', (f: Files) => authority.issue(f.certificate, f.key, -1), /expired \d days? ago\. Renew the certificate\./],
  ])('does not start with %s, and says what to do', async (_, spoil, message) => {
    const spoilt = files('spoilt');
    spoil(spoilt);
    await using relay = new ServeProcess(spoilt.flags);
    expect(await relay.ended).toEqual({ code: 1, signal: null });
    expect(relay.stderr.join('\n')).toMatch(message);
    expect(existsSync(join(relay.dir, 'data'))).toBe(false);
    expect(statSync(spoilt.certificate).isFile()).toBe(true);
  });
});
