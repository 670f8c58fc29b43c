// The real product as a process of its own: started, killed and restarted by tests.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

// From the root, where every command of the project runs: this file is also bundled, and then lies elsewhere.
const CLI = resolve('dist/cli/main.js');
/** A machine that is busy with other tests takes its time. */
const START_MS_MAX = 60_000;

/** One program plays all clients here, so the rates of one address are not what is looked at. */
const RATES_OFF = {
  RELAY_LIMITS_REQUESTS_PER_MINUTE: '0',
  RELAY_LIMITS_NATIVE_REQUESTS_PER_MINUTE: '0',
  RELAY_LIMITS_CONNECTIONS_PER_MINUTE: '0',
  RELAY_LIMITS_ADDRESS_CONNECTIONS_MAX: '0',
};

export interface RelayOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly adminPort?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Receives every line the relay prints. */
  readonly onLine?: (line: string) => void;
  /** Another program that serves the same way (a test double). */
  readonly program?: string;
}

export interface RelayProcess {
  readonly pid: number;
  readonly port: number;
  /** `sealrelay://…#k=…` as the relay printed it. */
  readonly address: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Whether the built product is there; tests that need it skip without it, saying so. */
export const productBuilt = (): boolean => existsSync(CLI);

/** Starts the relay and waits until it prints its address. */
export async function startRelay(options: RelayOptions): Promise<RelayProcess> {
  const args = [
    options.program ?? CLI,
    'serve',
    ...['--port', String(options.port)],
    ...['--admin.port', options.adminPort === undefined ? 'off' : String(options.adminPort)],
    ...['--data-dir', options.dataDir],
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...RATES_OFF, ...options.env },
  });
  const address = await firstAddress(child, options.onLine ?? (() => undefined));
  return {
    pid: child.pid ?? 0,
    port: options.port,
    address,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill('SIGTERM');
      await once(child, 'exit');
      return child.exitCode;
    },
  };
}

function firstAddress(child: ChildProcess, onLine: (line: string) => void): Promise<string> {
  const printed: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${why}\n${printed.slice(-20).join('\n')}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`the relay did not start within ${START_MS_MAX} ms`);
    }, START_MS_MAX);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`the relay ended before it served (${code ?? signal})`);
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (printed.length < 1000) printed.push(line);
        onLine(line);
        const found = /sealrelay:\/\/[^\s"]+#k=[A-Za-z0-9_-]{43}/.exec(line);
        if (found !== null) {
          clearTimeout(timer);
          resolve(found[0]);
        }
      });
    }
  });
}

/** Below the ports that systems give to connections, so that none of those takes it before it is used. */
const [PORT_MIN, PORT_MAX] = [12_000, 32_000];
const PORT_TRIES_MAX = 50;

/** A loopback port that was free a moment ago, for relays that must come back on the same one. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = randomInt(PORT_MIN, PORT_MAX);
    const server = createServer();
    server.listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(() => true, () => false);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no free port');
}
