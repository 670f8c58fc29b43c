import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Region } from '../../../src/config/regions.js';
import { RegionWatch } from '../../../src/server/regions/region-watch.js';

describe('other regions', () => {
  let server: Server;
  let base: string;
  const asked: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/ok/health') response.end(JSON.stringify({ status: 'ok' }));
      else if (request.url === '/degraded/health') response.end(JSON.stringify({ status: 'degraded' }));
      else if (request.url === '/busy/health') response.writeHead(429, { 'retry-after': '2' }).end('{}');
      else if (request.url === '/error/health') response.writeHead(503).end(JSON.stringify({ status: 'error' }));
      else if (request.url === '/endless/health') {
        const more = (): void => void (response.destroyed || (response.write('x'.repeat(64 * 1024)), setTimeout(more, 1)));
        more();
      } else if (request.url === '/away/health') response.writeHead(302, { location: '/ok/health' }).end();
      // `/silent` is never answered.
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const region = (id: string, endpoint = `${base}/${id}`): Region => ({ id, name: id, location: '', endpoint });
  let wallMs = 1000;
  const watch = (): RegionWatch => new RegionWatch({ fetch, clock: () => ({ wallMs, monotonicMs: performance.now() }), timeoutMs: 1500 });

  it('are asked for their health, each with a limit on time and on bytes', async () => {
    const looking = watch();
    const ids = ['ok', 'degraded', 'error', 'endless', 'away', 'silent'];
    const began = performance.now();
    await looking.look([...ids.map((id) => region(id)), region('nowhere', 'http://127.0.0.1:1/'), region('none', '')]);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(ids.map((id) => looking.of(id).status)).toEqual(['online', 'degraded', 'offline', 'offline', 'offline', 'offline']);
    expect(looking.of('nowhere').status).toBe('offline');
    expect(looking.of('none')).toEqual({ status: 'unknown', latencyMs: null, checkedMs: null, offlineSinceMs: null });
    expect(looking.of('ok').latencyMs).toBeGreaterThanOrEqual(0);
    expect(asked.filter((url) => url === '/ok/health')).toHaveLength(1);
  });

  it('are alive when they say that they are asked too often, and are left alone as long as they want', async () => {
    let monotonicMs = 0;
    const looking = new RegionWatch({ fetch, clock: () => ({ wallMs, monotonicMs }) });
    const times = (): number => asked.filter((url) => url === '/busy/health').length;
    await looking.look([region('busy')]);
    expect(looking.of('busy')).toMatchObject({ status: 'online', offlineSinceMs: null });
    monotonicMs = 1999;
    await looking.look([region('busy')]);
    expect(times()).toBe(1);
    expect(looking.of('busy').status).toBe('online');
    monotonicMs = 2000;
    await looking.look([region('busy')]);
    expect(times()).toBe(2);
  });

  it('are offline since the first time they did not answer, and forgotten with their configuration', async () => {
    const looking = watch();
    await looking.look([region('error')]);
    wallMs = 9000;
    await looking.look([region('error')]);
    expect(looking.of('error')).toMatchObject({ offlineSinceMs: 1000, checkedMs: 9000 });
    await looking.look([region('ok')]);
    expect(looking.of('error').status).toBe('unknown');
  });
});
