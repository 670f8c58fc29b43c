// The relay as a service: a socket that was opened for it, a log file that is moved away, a service manager that waits.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort, productBuilt } from '../support/relay-process.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { until } from '../support/test-space.js';

const hasActivate = spawnSync('systemd-socket-activate', ['--version']).status === 0;
const hasPython = spawnSync('python3', ['--version']).status === 0;
const START_MS_MAX = 30_000;
const DEPLOY = join(import.meta.dirname, '../../deploy');
/** A service manager's socket: prints what it is told. Node has no sockets of this kind. */
const RECEIVE = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('open', flush=True)
while True: print(s.recv(4096).decode(), flush=True)`;

/** A service manager that opens a socket and hands it over; ends what it started once that said something. */
const HAND_OVER = `import os, signal, socket, subprocess, sys
host = sys.argv[1]
s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
s.bind((host, 0)); s.listen()
def hand_over():
    os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
start = 'import os, sys; os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1"); os.execv(sys.argv[1], sys.argv[1:])'
child = subprocess.Popen([sys.executable, '-c', start, *sys.argv[2:]], stdout=subprocess.PIPE, preexec_fn=hand_over, close_fds=False)
print(child.stdout.readline().decode(), end='', flush=True)
child.send_signal(signal.SIGTERM)
sys.exit(child.wait())`;

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

  it.skipIf(!hasPython || process.platform !== 'linux')('is as careful with a socket that it was handed as with a host of its own (needs Linux and python3)', async () => {
    const run = (host: string, ...flags: string[]): ReturnType<typeof spawnSync> => spawnSync('python3', ['-c', HAND_OVER, host, process.execPath, CLI, 'serve', '--json', '--config', 'off', '--data-dir', join(dir, 'data'), '--admin.port', '0', ...flags], { cwd: dir, encoding: 'utf8', timeout: START_MS_MAX });
    for (const host of ['0.0.0.0', '::']) {
      const refused = run(host);
      const { error }: { error: { code: string; message: string } } = JSON.parse(String(refused.stderr));
      expect([refused.status, error]).toEqual([2, expect.objectContaining({ code: 'bind_not_loopback', message: `host "${host}" (socket of the service manager) is not a loopback address, and TLS is not on` })]);
    }
    expect(existsSync(join(dir, 'data'))).toBe(false);
    // What is open to this machine alone is closed where others can come: HAND_OVER ends what listens after its first line.
    const open = run('0.0.0.0', '--insecure');
    const here = run('127.0.0.1');
    const told = [open, here].map(({ stdout }): { demoUrl: string | null; foreign: string[]; isOpen: boolean } => JSON.parse(String(stdout).split('\n')[0] ?? ''));
    expect(told.map(({ demoUrl, foreign, isOpen }) => [demoUrl === null, foreign.length, isOpen])).toEqual([[true, 0, true], [false, 4, false]]);
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

  it.skipIf(!hasPython)('runs as its systemd unit says: ready when it is, reloaded, drained (skipped without python3)', async () => {
    const unit = readFileSync(join(DEPLOY, 'systemd/sealrelay.service'), 'utf8').replaceAll('%S', dir);
    const lines = (key: string): string[] => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);
    const [bin, state, socket] = [join(dir, 'bin'), lines('WorkingDirectory')[0] ?? '', join(dir, 'notify')];
    for (const folder of [bin, state]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(bin, 'sealrelay'), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`, { mode: 0o755 });
    const manager = spawn('python3', ['-c', RECEIVE, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    manager.stdout.on('data', (piece: Buffer) => (told += piece.toString()));
    await until('the manager listens', () => told.startsWith('open'), START_MS_MAX);
    const [program = '', ...args] = (lines('ExecStart')[0] ?? '').split(' ');
    // As /etc/sealrelay/environment would: ports that are free here.
    const file = { RELAY_PORT: '0', RELAY_ADMIN_PORT: '0' };
    const given = Object.fromEntries(lines('Environment').map((line) => line.split('=') as [string, string]));
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, ...given, ...file, NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(2_000_000) };
    const relay = spawn(program, args, { cwd: state, env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let said = '';
      relay.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
      await until('it is ready', () => told.includes('READY=1'), START_MS_MAX);
      expect(said).toContain('relay is listening');
      expect(existsSync(join(state, 'data', 'relay.key'))).toBe(true);
      expect(lines('ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
      relay.kill('SIGHUP');
      await until('it is reloaded', () => said.includes('configuration reloaded'));
      await until('it feeds the watchdog', () => told.includes('WATCHDOG=1'));
      relay.kill('SIGTERM');
      expect(await once(relay, 'exit')).toEqual([0, null]);
      await until('it said that it stops', () => told.includes('STOPPING=1'));
    } finally {
      relay.kill('SIGKILL');
      manager.kill('SIGKILL');
    }
  });
});
