// Rates of client addresses and trusted proxies, through the built product.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/relay-process.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

const asked = async (url: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> => {
  const response = await fetch(`${url}${path}`, { headers, method });
  await response.arrayBuffer();
  return response;
};

const statuses = async (url: string, path: string, count: number, headers: Record<string, string> = {}): Promise<number[]> => {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) found.push((await asked(url, path, headers)).status);
  return found;
};

describe.skipIf(!existsSync(CLI))('limits (needs `npm run build`)', () => {
  it('lets an address ask sixty times in a minute by default, and liveness as often as it likes', async () => {
    await using relay = new ServeProcess([]);
    const url = await relay.url();
    const first = await asked(url, '/health');
    expect([first.status, first.headers.get('x-ratelimit-limit'), first.headers.get('x-ratelimit-remaining')]).toEqual([200, '60', '59']);
    expect(await statuses(url, '/regions', 58)).not.toContain(429);
    // A second passes for one more.
    const more = await statuses(url, '/version', 10);
    expect(more.filter((status) => status === 429).length).toBeGreaterThanOrEqual(5);
    const refused = await fetch(`${url}/health`);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await refused.json()).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    const resetMs = Number(refused.headers.get('x-ratelimit-reset')) - Date.now();
    expect(resetMs).toBeGreaterThan(50_000);
    expect(resetMs).toBeLessThan(61_000);
    expect(await statuses(url, '/health/live', 70)).not.toContain(429);
    const { metricsUrl } = await relay.logLine('relay is listening');
    expect(await (await fetch(String(metricsUrl))).text()).toMatch(/relay_requests_limited_total [1-9]/);
  });

  it('says with every answer of a rate where the client stands, each rate its own, and with every answer how long it took', async () => {
    await using relay = new ServeProcess(['--limits.native-requests-per-minute', '5000', '--limits.requests-per-minute', '70', '--compat.graceful-rate-max', '65']);
    const url = await relay.url();
    const native = ['/v1/connect', '/v1/session', '/v1/push', '/v1/pull', '/v1/subscribe', '/v1/frames', `/v1/blobs/${'0'.repeat(64)}`, '/ws', '/gun', '/api/v0'];
    const graceful = ['/sync/push', '/sync/pull', '/sync/ack', '/sync/devices', '/api/sync/push'];
    const controlPlane = ['/', '/health', '/api/health', '/version', '/regions', '/metrics/sla', '/status', '/nothing'];
    const table = [...native.map((path) => [path, '5000']), ...graceful.map((path) => [path, '65']), ...controlPlane.map((path) => [path, '70']), ['/health/live', null], ['/health/ready', null]] as const;
    for (const [path, limit] of table) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const { headers } = await fetch(`${url}${path}`, { method });
        const said = { path, method, limit: headers.get('x-ratelimit-limit'), sniffing: headers.get('x-content-type-options') };
        expect(said).toEqual({ path, method, limit, sniffing: 'nosniff' });
        expect([headers.has('x-ratelimit-remaining'), headers.has('x-ratelimit-reset')]).toEqual([limit !== null, limit !== null]);
        expect(headers.get('x-response-time')).toMatch(/^\d+ms$/);
      }
    }
  });

  it('lets pages of listed origins read answers, whoever makes them, and no others', async () => {
    await using relay = new ServeProcess([], { CORS_ORIGIN: 'https://app.example https://other.example' });
    const url = await relay.url();
    for (const path of ['/health', '/regions', '/version', '/metrics/sla', '/v1/pull', '/sync/pull']) {
      for (const method of ['GET', 'OPTIONS']) {
        const allowed = async (origin: string): Promise<readonly (string | null)[]> => {
          const { headers } = await asked(url, path, { origin, 'access-control-request-method': 'GET' }, method);
          return [headers.get('access-control-allow-origin'), headers.get('access-control-expose-headers') === null ? null : 'exposed', headers.get('vary')];
        };
        expect([path, method, ...(await allowed('https://app.example'))]).toEqual([path, method, 'https://app.example', 'exposed', 'origin']);
        expect([path, method, ...(await allowed('https://evil.example'))]).toEqual([path, method, null, null, 'origin']);
      }
    }
  });

  it('refuses what a proxy brings over plain HTTP where HTTPS is required, and answers its probes', async () => {
    await using relay = new ServeProcess(['--behind-proxy', 'loopback'], { REQUIRE_HTTPS: 'true' });
    const url = await relay.url();
    for (const path of ['/health', '/v1/pull', '/sync/push']) {
      const refused = await fetch(`${url}${path}`, { headers: { 'x-forwarded-proto': 'http' } });
      expect([path, refused.status, (await refused.json()).code]).toEqual([path, 403, 'https_required']);
    }
    expect((await asked(url, '/health', { 'x-forwarded-proto': 'https' })).status).toBe(200);
    expect([await statuses(url, '/health/live', 1), await statuses(url, '/health/ready', 1)]).toEqual([[200], [200]]);
  });

  it('counts nothing when it is told so, by its own option or by the name of another relay', async () => {
    await using relay = new ServeProcess([], { RATE_LIMIT_ENABLED: 'false' });
    const url = await relay.url();
    expect(await statuses(url, '/health', 100)).not.toContain(429);
    expect((await asked(url, '/health')).headers.has('x-ratelimit-limit')).toBe(false);
  });

  it('believes the address of a client from trusted proxies only, and tells the control plane', async () => {
    await using trusting = new ServeProcess(['--behind-proxy', 'loopback'], { MAX_REQUESTS_PER_MINUTE: '2' });
    const url = await trusting.url();
    expect(await statuses(url, '/health', 3, { 'x-forwarded-for': '198.51.100.1' })).toEqual([200, 200, 429]);
    expect(await statuses(url, '/health', 1, { 'x-forwarded-for': '6.6.6.6, 198.51.100.1' })).toEqual([429]);
    expect(await statuses(url, '/health', 3, { 'x-forwarded-for': '198.51.100.2', forwarded: 'for=6.6.6.6' })).toEqual([200, 200, 429]);
    await using doubting = new ServeProcess(['--limits.requests-per-minute', '2']);
    const other = await doubting.url();
    const spoofed = ['198.51.100.1', '198.51.100.2', '198.51.100.3'];
    const found = await Promise.all(spoofed.map(async (address) => (await asked(other, '/health', { 'x-forwarded-for': address })).status));
    expect(found.toSorted()).toEqual([200, 200, 429]);
    for (const relay of [trusting, doubting]) expect([...relay.stdout, ...relay.stderr].join('\n')).not.toMatch(/198\.51\.100|6\.6\.6\.6/);
  });

  it('takes the client from a PROXY header of trusted proxies, and is probed by its own health check', async () => {
    const flags = ['--port', String(await freePort()), '--behind-proxy', 'loopback', '--proxy-protocol'];
    await using relay = new ServeProcess(flags);
    const url = await relay.url();
    const refused = await fetch(`${url}/health`);
    expect([refused.status, (await refused.json()).code]).toEqual([400, 'proxy_header_needed']);
    const probe = (...args: string[]): number | null => spawnSync(process.execPath, [CLI, 'healthcheck', ...args], { cwd: relay.dir }).status;
    expect(probe(...flags)).toBe(0);
    // The control: without the option it begins with no header, and is refused.
    expect(probe(...flags.slice(0, 2))).toBe(1);
  });
});
