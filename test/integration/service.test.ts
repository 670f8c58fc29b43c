// The relay as a service: a socket that was opened for it, a log file that is moved away, a service manager that waits.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort, productBuilt } from '../support/relay-process.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { until } from '../support/test-space.js';

const hasActivate = spawnSync('systemd-socket-activate', ['--version']).status === 0;
const START_MS_MAX = 30_000;

describe.skipIf(!productBuilt() || process.platform === 'win32')('relay serve as a service (needs `npm run build`)', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-service-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it.skipIf(!hasActivate)('serves on the socket it was handed, the first connection included (skipped without systemd-socket-activate)', async () => {
    const port = await freePort();
    const args = ['-l', `127.0.0.1:${port}`, process.execPath, CLI, 'serve', '--admin.port', 'off', '--data-dir', join(dir, 'data')];
    const child = spawn('systemd-socket-activate', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
    await once(child.stderr, 'data');
    // The relay starts with this request, which waits in the queue of the socket.
    const answer = await fetch(`http://127.0.0.1:${port}/health/live`);
    expect(answer.status).toBe(200);
    // Signals are handled from a moment after it is ready.
    await vi.waitUntil(async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status === 200, { timeout: START_MS_MAX });
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('opens its log file anew on SIGUSR2 and on a reload, and goes on', async () => {
    const path = join(dir, 'log', 'relay.log');
    await using relay = new ServeProcess(['--log.to', `file:${path}`]);
    const has = (file: string, text: string): boolean => {
      try {
        return readFileSync(file, 'utf8').includes(text);
      } catch {
        return false;
      }
    };
    await until('the relay listens', () => has(path, 'relay is listening'), START_MS_MAX);
    renameSync(path, `${path}.1`);
    relay.child.kill('SIGUSR2');
    await until('there is a new file', () => has(path, ''));
    renameSync(path, `${path}.2`);
    relay.child.kill('SIGHUP');
    await until('the reload is in a new file', () => has(path, 'configuration reloaded'));
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toEqual({ code: 0, signal: null });
    expect(has(path, 'relay has stopped')).toBe(true);
    expect(relay.stdout).toEqual([]);
  });

  it('writes text where it is asked to, and refuses a destination that is none', async () => {
    await using relay = new ServeProcess(['--log.format', 'text']);
    await until('the relay listens', () => relay.stdout.some((line) => / INFO {2}relay is listening version=/.test(line)), START_MS_MAX);
    await using wrong = new ServeProcess(['--log.to', 'nowhere']);
    expect(await wrong.ended).toEqual({ code: 2, signal: null });
    expect(wrong.stderr.join('\n')).toContain('flag --log.to: "nowhere" is not valid for log.to');
  });

  it('says who asked in every answer of the control plane', async () => {
    await using relay = new ServeProcess([]);
    const url = await relay.url();
    const ids = await Promise.all([0, 1].map(async () => (await fetch(`${url}/health`, { headers: { 'x-request-id': 'mine' } })).headers.get('x-request-id')));
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[\da-f]{16}$/);
  });
});
