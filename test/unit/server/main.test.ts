import { existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { RelayError } from '../../../src/errors.js';
import { DATA_PLANE_ROUTES } from '../../../src/server/data-plane-routes.js';
import { startServer, type ServerDeps } from '../../../src/server/main.js';
import { RelayPortDouble } from '../../support/relay-port-double.js';

const { config } = loadConfig(['--admin.port', '0', '--drain-time', '2s'], {});

function deps(port: RelayPortDouble, lines: string[] = []): ServerDeps {
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  return { logger, startPort: port.start, routes: DATA_PLANE_ROUTES };
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
    port.waiting.push({ level: 'warn', code: 'torn_tail', message: 'early' });
    const server = await startServer(config, deps(port, lines));
    port.waiting.push({ level: 'info', code: 'other', message: 'late' });
    port.wake();
    await server.stop();
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['early', 'late']);
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
