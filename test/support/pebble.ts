// A certificate authority that speaks ACME, and the name server it asks, which says that every name is this machine.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { get } from 'node:https';
import { join } from 'node:path';
import type { TestAuthority } from './test-authority.js';

const BIN = join(import.meta.dirname, '../../.build/bin');
const [PEBBLE, NAMES] = [join(BIN, 'pebble'), join(BIN, 'pebble-challtestsrv')];
const START_MS_MAX = 10_000;

/** Whether `tools/pebble.sh` was run. */
export const HAS_PEBBLE = existsSync(PEBBLE) && existsSync(NAMES);

export interface PebbleOptions {
  /** Folder for its configuration. */
  readonly dir: string;
  /** Issues the certificate of its own HTTPS. */
  readonly authority: TestAuthority;
  /** Where the domains under check answer. */
  readonly tlsPort: number;
  /** How long its certificates hold. */
  readonly validS: number;
}

export class Pebble implements AsyncDisposable {
  readonly directory: string;
  readonly #management: string;
  readonly #authority: TestAuthority;
  readonly #children: readonly ChildProcess[];

  private constructor(port: number, managementPort: number, authority: TestAuthority, children: readonly ChildProcess[]) {
    this.directory = `https://localhost:${port}/dir`;
    this.#management = `https://localhost:${managementPort}`;
    this.#authority = authority;
    this.#children = children;
  }

  static async start({ dir, authority, tlsPort, validS }: PebbleOptions): Promise<Pebble> {
    const [port, management, dns, unused] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const [certificate, privateKey, config] = [join(dir, 'pebble.crt'), join(dir, 'pebble.key'), join(dir, 'pebble.json')];
    authority.issue(certificate, privateKey);
    const pebble = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate,
      privateKey,
      httpPort: unused,
      tlsPort,
      externalAccountBindingRequired: false,
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: 'ecdsa',
      profiles: { default: { description: 'test', validityPeriod: validS } },
    };
    writeFileSync(config, JSON.stringify({ pebble }));
    const names = ['-defaultIPv6', '', '-dnsserver', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${unused}`, '-doh', '', '-http01', '', '-https01', '', '-tlsalpn01', ''];
    const env = { PATH: process.env['PATH'], PEBBLE_VA_NOSLEEP: '1' };
    const children = [spawn(NAMES, names, { stdio: 'ignore', env }), spawn(PEBBLE, ['-config', config, '-dnsserver', `127.0.0.1:${dns}`], { stdio: 'ignore', env })];
    const started = new Pebble(port, management, authority, children);
    for (const until = Date.now() + START_MS_MAX; ; ) {
      if (await fetchText(started.directory, authority).then(() => true, () => false)) return started;
      if (Date.now() > until) throw new Error('pebble does not answer');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The root of what it issues; another one each time it starts. */
  root(): Promise<string> {
    return fetchText(`${this.#management}/roots/0`, this.#authority);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function fetchText(url: string, authority: TestAuthority): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { ca: authority.pem, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () => resolve(Buffer.concat(pieces).toString()));
    }).once('error', reject);
  });
}
