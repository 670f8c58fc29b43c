// Reverse proxies as deploy/proxy configures them, each on a free port of loopback. Every process is ended by its own handle.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './relay-process.js';

const DEPLOY = join(import.meta.dirname, '../../deploy/proxy');
const START_MS_MAX = 10_000;

export interface ProxyPlan {
  /** A folder of its own. */
  readonly dir: string;
  readonly relayPort: number;
  readonly certificate: string;
  readonly key: string;
  /** Instead of the 75 s after which the shown configuration takes a peer for gone. */
  readonly silence: string;
}

interface Program {
  readonly command: string;
  readonly file: string;
  readonly version: readonly string[];
  /** What is replaced in the file as shown: each has to be there. */
  readonly changes: (plan: ProxyPlan, port: number) => readonly (readonly [shown: string, here: string])[];
  readonly args: (config: string, plan: ProxyPlan) => readonly string[];
}

const RELAY = '127.0.0.1:8080';

const PROGRAMS = {
  nginx: {
    command: 'nginx',
    file: 'nginx.conf',
    version: ['-v'],
    changes: (plan, port) => [
      [RELAY, `127.0.0.1:${plan.relayPort}`],
      ['listen 443', `listen 127.0.0.1:${port}`],
      ['relay.example.org', 'localhost'],
      ['/etc/ssl/relay.crt', plan.certificate],
      ['/etc/ssl/relay.key', plan.key],
      ['75s', plan.silence],
    ],
    args: (config, plan) => ['-p', plan.dir, '-e', 'stderr', '-c', nginxMain(config, plan.dir)],
  },
  haproxy: {
    command: 'haproxy',
    file: 'haproxy.cfg',
    version: ['-v'],
    changes: (plan, port) => [
      [RELAY, `127.0.0.1:${plan.relayPort}`],
      ['bind :443', `bind 127.0.0.1:${port}`],
      ['/etc/ssl/relay.pem', together(plan)],
      ['maxconn 60000', 'maxconn 100'],
      ['75s', plan.silence],
    ],
    args: (config) => ['-db', '-f', config],
  },
  'haproxy-tcp': {
    command: 'haproxy',
    file: 'haproxy-tcp.cfg',
    version: ['-v'],
    changes: (plan, port) => [
      [RELAY, `127.0.0.1:${plan.relayPort}`],
      ['bind :443', `bind 127.0.0.1:${port}`],
      ['maxconn 60000', 'maxconn 100'],
      ['75s', plan.silence],
    ],
    args: (config) => ['-db', '-f', config],
  },
  caddy: {
    command: 'caddy',
    file: 'Caddyfile',
    version: ['version'],
    changes: (plan, port) => [
      [RELAY, `127.0.0.1:${plan.relayPort}`],
      ['relay.example.org {', `{\n\tadmin off\n\tauto_https off\n}\nhttps://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${plan.certificate} ${plan.key}`],
    ],
    args: (config) => ['run', '--adapter', 'caddyfile', '--config', config],
  },
} as const satisfies Record<string, Program>;

export type ProxyName = keyof typeof PROGRAMS;
export const PROXY_NAMES: readonly ProxyName[] = ['nginx', 'haproxy', 'haproxy-tcp', 'caddy'];
/** Those that leave TLS to the relay and speak the PROXY protocol to it. */
export const PASSING_NAMES: readonly ProxyName[] = ['haproxy-tcp'];

/** Whether the program is on this machine. */
export function hasProxy(name: ProxyName): boolean {
  return spawnSync(PROGRAMS[name].command, [...PROGRAMS[name].version], { env: environment('/nonexistent') }).status === 0;
}

export class ProxyProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts it and waits until it listens. */
  static async start(name: ProxyName, plan: ProxyPlan): Promise<ProxyProcess> {
    const { command, file, changes, args }: Program = PROGRAMS[name];
    mkdirSync(plan.dir, { recursive: true });
    const port = await freePort();
    let text = readFileSync(join(DEPLOY, file), 'utf8');
    for (const [shown, here] of changes(plan, port)) {
      if (!text.includes(shown)) throw new Error(`${file} does not say ${shown}`);
      text = text.replaceAll(shown, here);
    }
    const config = join(plan.dir, file);
    writeFileSync(config, text);
    const child = spawn(command, [...args(config, plan)], { cwd: plan.dir, env: environment(plan.dir), stdio: ['ignore', 'ignore', 'pipe'] });
    const proxy = new ProxyProcess(child, port);
    let said = '';
    child.stderr?.on('data', (piece: Buffer) => (said = `${said}${piece.toString()}`.slice(-4000)));
    for (const endMs = Date.now() + START_MS_MAX; !(await isOpen(port)); await sleep(50)) {
      if (child.exitCode === null && Date.now() < endMs) continue;
      await proxy[Symbol.asyncDispose]();
      throw new Error(`${name} does not listen: ${said}`);
    }
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // Asked first: a killed nginx would leave its workers.
    this.#child.kill('SIGTERM');
    const gone = once(this.#child, 'exit');
    if ((await Promise.race([gone, sleep(3000, null)])) === null) this.#child.kill('SIGKILL');
    await gone;
  }
}

function environment(dir: string): NodeJS.ProcessEnv {
  return { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
}

/** The main file that a distribution has around what is shown. */
function nginxMain(site: string, dir: string): string {
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${join(dir, kind)};`).join(' ');
  const path = join(dir, 'main.conf');
  writeFileSync(path, `${user}daemon off;\nworker_processes 1;\npid ${join(dir, 'nginx.pid')};\nevents {}\nhttp { ${temporary} include ${site}; }\n`);
  return path;
}

function together({ dir, certificate, key }: ProxyPlan): string {
  const path = join(dir, 'relay.pem');
  writeFileSync(path, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return path;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
