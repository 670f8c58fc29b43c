// The relay under search: the installed program in a process of its own, at its finest log level, on free ports.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { RelayError } from '../errors.js';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;
const ADDRESS = /(sealrelay:\/\/[^\s"]+#k=[A-Za-z0-9_-]{43})/;

export interface RelayProcess {
  readonly pid: number;
  /** Its relay address, without the tap. */
  readonly address: string;
  readonly port: number;
  readonly adminPort: number;
  stop(): Promise<void>;
}

export interface RelayProgram {
  /** A JavaScript file that understands `serve`. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Starts it and waits for its address; everything it prints goes to `printed`. */
export async function startRelay(program: RelayProgram, dataDir: string, printed: (piece: Uint8Array) => void): Promise<RelayProcess> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const args = ['--port', String(port), '--admin.port', String(adminPort), '--data-dir', dataDir, '--log.level', 'trace'];
  const child = spawn(process.execPath, [program.path, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: program.env });
  const address = await firstAddress(child, printed);
  return {
    pid: child.pid ?? 0,
    address,
    port,
    adminPort,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      await exited;
      clearTimeout(timer);
    },
  };
}

function firstAddress(child: ChildProcess, printed: (piece: Uint8Array) => void): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new RelayError('verify_failed', `${why}: ${text.trim().split('\n').at(-1) ?? ''}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail('the relay did not start in time');
    }, START_MS_MAX);
    child.once('error', ({ message }) => fail(message));
    child.once('exit', () => {
      clearTimeout(timer);
      fail('the relay ended');
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (piece: Buffer) => {
        printed(piece);
        text = (text + piece.toString()).slice(-65_536);
        const found = ADDRESS.exec(text)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      });
    }
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new RelayError('verify_failed', 'there is no free port');
  return address.port;
}
