import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../src/config/load.js';
import { createRelay } from '../../src/index.js';
import { startRelayPort } from '../../src/native/addon.js';
import type { RelayConfig } from '../../src/native/relay-port.js';
import { toCoreConfig, type RouteTable } from '../../src/server/core-config.js';
import { DATA_PLANE_ROUTES } from '../../src/server/data-plane-routes.js';
import { TABLE } from '../../src/server/latency-buckets.js';
import { startServer } from '../../src/server/main.js';
import { ROUTES } from '../../src/server/telemetry/closed-labels.js';

const root = mkdtempSync(join(tmpdir(), 'sealrelay-test-'));
let dirs = 0;
const freshDir = (): string => join(root, String((dirs += 1)));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const configFor = (dir: string): ReturnType<typeof loadConfig>['config'] =>
  loadConfig(['--port', '0', '--admin.port', 'off', '--data-dir', dir, '--drain-time', '1s'], {}).config;

const coreConfig = (changes: Partial<RelayConfig> = {}): RelayConfig => ({
  ...toCoreConfig(configFor(freshDir()), DATA_PLANE_ROUTES, { socketPath: '/nowhere', secret: 'x' }),
  controlPlane: null,
  ...changes,
});

/** 101 when the path takes a WebSocket, else the status of the answer. */
function upgradeStatus(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('open', () => {
      resolve(101);
      socket.terminate();
    });
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    socket.on('error', reject);
  });
}

describe('the addon', () => {
  it('fails liveness when the event loop is silent, and recovers with a beat', async () => {
    const config = coreConfig();
    const port = await startRelayPort({ ...config, times: { ...config.times, eventLoopSilenceMs: 1000 } }, () => undefined);
    const url = `http://127.0.0.1:${port.info().port}/health/live`;
    expect((await fetch(url)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await fetch(url)).status).toBe(503);
    port.beat();
    expect((await fetch(url)).status).toBe(200);
    await port.stop({ drainMs: 100 });
  });

  it('gives figures while it runs, and stops once', async () => {
    const port = await startRelayPort(coreConfig(), () => undefined);
    const { uptimeMs, connectionsOpen } = port.stats() ?? {};
    expect(uptimeMs).toBeGreaterThanOrEqual(0);
    expect(connectionsOpen).toBe(0);
    const { table, requests, syncs } = port.measures() ?? {};
    expect([table, requests?.map(({ route }) => route)]).toEqual([TABLE, ROUTES]);
    // Only buckets that hold something, by ascending place: those of an idle relay are few.
    expect([syncs?.places, syncs?.counts].map((each) => each?.constructor.name)).toEqual(['Uint16Array', 'Float64Array']);
    expect([...(syncs?.places ?? [])].toSorted((a, b) => a - b)).toEqual([...(syncs?.places ?? [])]);
    expect([...(syncs?.counts ?? [])].every((count) => count > 0)).toBe(true);
    await Promise.all([port.stop({ drainMs: 100 }), port.stop({ drainMs: 100 })]);
    expect(port.stats()).toBeNull();
    expect(port.drainEvents()).toEqual([]);
    port.beat();
  });

  it('runs several relays side by side and refuses a taken port with a typed error', async () => {
    const first = await startRelayPort(coreConfig(), () => undefined);
    const second = await startRelayPort(coreConfig(), () => undefined);
    const taken = coreConfig({ port: first.info().port });
    await expect(startRelayPort(taken, () => undefined)).rejects.toMatchObject({
      name: 'RelayError',
      code: 'port_in_use',
      temporary: true,
      hint: expect.stringMatching(/^[A-Z].*\.$/),
    });
    await Promise.all([first.stop({ drainMs: 0 }), second.stop({ drainMs: 0 })]);
  });

  it.each([
    ['a host name', { host: 'localhost' }],
    ['an unknown kind of route', { routes: [{ path: '/x', kind: 'else' }] }],
    ['a path without a slash', { routes: [{ path: 'x', kind: 'native' }] }],
  ])('refuses %s', async (_what, changes) => {
    await expect(startRelayPort(coreConfig(changes), () => undefined)).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('refuses a configuration with a missing property', async () => {
    const { dataDir: _left, ...rest } = coreConfig();
    await expect(startRelayPort(rest as RelayConfig, () => undefined)).rejects.toThrow(/dataDir/);
  });

  it('never keeps the process alive', () => {
    const index = JSON.stringify(new URL('../../index.js', import.meta.url).href);
    const script = `const { RelayCore } = await import(${index}); await RelayCore.start(${JSON.stringify(coreConfig())}, () => undefined);`;
    const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000, encoding: 'utf8' });
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('the route table', () => {
  const serve = async (routes: RouteTable): Promise<{ at: (path: string) => Promise<number>; stop: () => Promise<void> }> => {
    const server = await startServer(configFor(freshDir()), { logger: pino({ level: 'silent' }), startPort: startRelayPort, routes, reread: null });
    return { at: (path) => upgradeStatus(`ws://127.0.0.1:${server.info.port}${path}`), stop: () => server.stop() };
  };

  it('decides where the native protocol is served', async () => {
    // A pattern takes whatever upgrade no other path takes.
    const { '/*': _pattern, ...exact } = DATA_PLANE_ROUTES;
    const usual = await serve(exact);
    expect(await usual.at('/v1/connect')).toBe(101);
    expect(await usual.at('/renamed')).not.toBe(101);
    await usual.stop();
    const renamed = await serve({ '/renamed': 'native' });
    expect(await renamed.at('/renamed')).toBe(101);
    expect(await renamed.at('/v1/connect')).not.toBe(101);
    await renamed.stop();
  });
});

describe('createRelay', () => {
  it('runs a relay inside a program', async () => {
    const relay = await createRelay({ config: { port: 0, 'admin.port': null, 'admin.token': 'a-secret-has-no-flag', 'data-dir': freshDir(), 'drain-time': 500 } });
    expect(relay.address).toBe(`sealrelay://127.0.0.1:${relay.port}/#k=${new URL(relay.address).hash.slice(3)}`);
    expect((await fetch(`http://${relay.host}:${relay.port}/health`)).status).toBe(200);
    await relay.stop();
    await expect(fetch(`http://${relay.host}:${relay.port}/health`)).rejects.toThrow();
  });

  it('checks its options like the command line', async () => {
    await expect(createRelay({ config: { host: '0.0.0.0' } })).rejects.toMatchObject({ code: 'bind_not_loopback' });
  });
});
