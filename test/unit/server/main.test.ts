import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import type { Config } from '../../../src/config/options.js';
import { RelayError } from '../../../src/errors.js';
import { DATA_PLANE_ROUTES } from '../../../src/server/data-plane-routes.js';
import { startServer, type ServerDeps } from '../../../src/server/main.js';
import { RelayPortDouble } from '../../support/relay-port-double.js';

const dataDir = mkdtempSync(join(tmpdir(), 'sealrelay-main-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
const { config } = loadConfig(['--admin.port', '0', '--drain-time', '2s', '--data-dir', dataDir], {});

function deps(port: RelayPortDouble, lines: string[] = [], reread: ServerDeps['reread'] = null): ServerDeps {
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  return { logger, startPort: port.start, routes: DATA_PLANE_ROUTES, reread };
}

describe('startServer', () => {
  it('hands the core the route table and a private socket, and closes in order', async () => {
    const port = new RelayPortDouble();
    const server = await startServer(config, deps(port));
    const socketPath = port.config?.controlPlane?.socketPath ?? '';
    expect(port.config?.routes).toEqual([
      { path: '/v1/connect', kind: 'native' },
      { path: '/v1/session', kind: 'session' },
      { path: '/v1/push', kind: 'push' },
      { path: '/v1/pull', kind: 'pull' },
      { path: '/v1/subscribe', kind: 'subscribe' },
      { path: '/v1/frames', kind: 'frames' },
      { path: '/v1/blobs/', kind: 'blobs' },
      { path: '/health/live', kind: 'liveness' },
      { path: '/health/ready', kind: 'probe' },
      ...['push', 'pull', 'ack', 'devices', 'export', 'import'].map((name) => ({ path: `/sync/${name}`, kind: 'graceful' })),
      ...['push', 'pull', 'ack'].map((name) => ({ path: `/api/sync/${name}`, kind: 'graceful' })),
      { path: '/ws', kind: 'graceful-socket' },
      { path: '/gun', kind: 'first-frame-socket' },
      { path: '/api/v0', kind: 'eidetica' },
      { path: '/*', kind: 'plures-socket' },
    ]);
    expect(statSync(socketPath.replace(/\/[^/]*$/, '')).mode & 0o777).toBe(0o700);
    expect(port.config?.controlPlane?.secret).toMatch(/^[0-9a-f]{64}$/);
    await Promise.all([server.stop(), server.stop()]);
    expect(port.calls).toEqual(['start', 'beat', 'stop 2000']);
    expect(existsSync(socketPath)).toBe(false);
  });

  it('logs the events of the core, also those from before it had a handle', async () => {
    const port = new RelayPortDouble();
    const lines: string[] = [];
    port.waiting.push({ level: 'warn', code: 'torn_tail', message: 'early', subject: null });
    const server = await startServer(config, deps(port, lines));
    port.waiting.push({ level: 'info', code: 'other', message: 'late', subject: null });
    port.wake();
    await server.stop();
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['early', 'late']);
  });

  it('applies what can change while it runs, and says what needs a restart', async () => {
    const port = new RelayPortDouble();
    const lines: string[] = [];
    let read: Config = { ...config, 'log.level': 'warn', 'drain-time': 3000, workers: 7 };
    const given = deps(port, lines, async () => read);
    const server = await startServer(config, given);
    expect(await server.reload()).toEqual({ error: null, applied: ['drain-time', 'log.level'], needRestart: ['workers'] });
    expect(given.logger.level).toBe('warn');
    read = { ...read, 'log.level': 'info' };
    expect(await server.reload()).toEqual({ error: null, applied: ['log.level'], needRestart: ['workers'] });
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['configuration reloaded: applied log.level; a restart is needed for workers']);
    await server.stop();
    expect(port.calls).toContain('stop 3000');
  });

  it('goes on with what it has when the configuration is wrong, or was given by a program', async () => {
    const lines: string[] = [];
    const refusing = deps(new RelayPortDouble(), lines, () => Promise.reject(new RelayError('config_invalid', 'port is "x"', { hint: 'Give a port.' })));
    const server = await startServer(config, refusing);
    expect(await server.reload()).toEqual({ error: 'port is "x". Give a port.', applied: [], needRestart: [] });
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['the configuration was not reloaded: port is "x". Give a port.']);
    await server.stop();
    const embedded = await startServer(config, deps(new RelayPortDouble()));
    expect(await embedded.reload()).toMatchObject({ error: 'this relay was given its configuration by a program' });
    await embedded.stop();
  });

  it('closes everything again when the core does not start', async () => {
    const port = new RelayPortDouble();
    let socketPath = '';
    const failing = {
      ...deps(port),
      startPort: async (core: Parameters<typeof port.start>[0]) => {
        socketPath = core.controlPlane?.socketPath ?? '';
        throw new Error('no store');
      },
    };
    await expect(startServer(config, failing)).rejects.toThrow('no store');
    expect(socketPath).not.toBe('');
    expect(existsSync(socketPath)).toBe(false);
  });

  it('names the flag of a port the core finds taken', async () => {
    const taken = new RelayError('port_in_use', 'cannot listen on 127.0.0.1:1: the port is taken', { temporary: true });
    const failing = { ...deps(new RelayPortDouble()), startPort: () => Promise.reject(taken) };
    await expect(startServer(config, failing)).rejects.toMatchObject({
      code: 'port_in_use',
      message: taken.message,
      temporary: true,
      hint: 'Stop the program that uses it, or choose another port with --port.',
    });
  });

  it('names the admin port when it is taken, before the core is started', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const taken = (blocker.address() as { port: number }).port;
    const port = new RelayPortDouble();
    const busy = loadConfig(['--admin.port', String(taken)], {}).config;
    await expect(startServer(busy, deps(port))).rejects.toMatchObject({ code: 'port_in_use', hint: expect.stringContaining('--admin.port') });
    expect(port.calls).toEqual([]);
    blocker.close();
  });
});
