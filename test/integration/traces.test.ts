// A trace from the client through the core to the control plane, as a collector sees it.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRelay, type Relay } from '../../src/index.js';
import { productBuilt } from '../support/relay-process.js';
import { until } from '../support/test-space.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT_SPAN = 'b7ad6b7169203331';

interface Seen {
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

describe.skipIf(!productBuilt())('traces (needs `npm run build`)', () => {
  let dir: string;
  let collector: Server;
  const seen: Seen[] = [];
  const bodies: string[] = [];
  const relays: Relay[] = [];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-traces-'));
    seen.length = 0;
    bodies.length = 0;
    collector = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += String(piece)));
      request.on('end', () => {
        bodies.push(body);
        for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
          for (const { scope, spans } of scopeSpans) seen.push(...spans.map((span: Seen) => ({ ...span, scope: scope.name })));
        }
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const relay of relays.splice(0)) await relay.stop();
    collector.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(endpoint: string, sample = 0): Promise<string> {
    const relay = await createRelay({ config: { port: 0, 'admin.port': null, 'data-dir': join(dir, 'data'), 'traces.endpoint': endpoint, 'traces.sample': sample } });
    relays.push(relay);
    return `http://127.0.0.1:${relay.port}`;
  }

  const endpoint = (): string => `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

  it('go from the client through the core to the control plane', async () => {
    const url = await start(endpoint());
    const headers = { traceparent: `00-${TRACE}-${CLIENT_SPAN}-01`, cookie: 'canary-7f3a' };
    await fetch(`${url}/health?canary-7f3a`, { headers });
    await fetch(`${url}/v1/push`, { method: 'POST', headers });
    await until('three spans arrive', () => seen.length === 3);
    const core = seen.find(({ name }) => name === 'control_plane');
    const app = seen.find(({ scope }) => scope === 'sealrelay/control-plane');
    const push = seen.find(({ name }) => name === 'push');
    expect(core).toMatchObject({ scope: 'sealrelay/core', traceId: TRACE, parentSpanId: CLIENT_SPAN });
    expect(app).toMatchObject({ traceId: TRACE, parentSpanId: core?.spanId, name: 'GET /health' });
    expect(push).toMatchObject({ traceId: TRACE, parentSpanId: CLIENT_SPAN });
    for (const span of seen) expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
    expect(bodies.join('')).not.toContain('canary-7f3a');
  });

  it('begin by chance where the client began none, and what is left at the end is sent', async () => {
    const url = await start(endpoint(), 1000);
    await fetch(`${url}/health/live`);
    await relays.pop()?.stop();
    expect(seen.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([['liveness', undefined]]);
  });

  it('are off unless an endpoint is named', async () => {
    const url = await start('off');
    await fetch(`${url}/health`, { headers: { traceparent: `00-${TRACE}-${CLIENT_SPAN}-01` } });
    await relays.pop()?.stop();
    expect(bodies).toEqual([]);
  });
});
