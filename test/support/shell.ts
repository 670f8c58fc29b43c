// Runs lines for a POSIX shell as a reader would type them, with `relay` on the path: what help and guides show.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { CLI } from './serve-process.js';

const LINE_MS_MAX = 60_000;
/** Said by a relay that listens, in its log or with `--json`; until then it cannot be told to stop. */
const LISTENING = /relay is listening|"event":"listening"/;

export interface LineRan {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A directory of its own, in which one line after the other runs. */
export class Shell implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'sealrelay-shell-'));
  readonly #env: Readonly<Record<string, string>>;

  constructor(env: Readonly<Record<string, string>> = {}) {
    const bin = join(this.dir, '.bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'relay'), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
    chmodSync(join(bin, 'relay'), 0o755);
    this.#env = { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, TMPDIR: this.dir, HOME: this.dir, ...env };
  }

  /** Runs a line to its end. A relay that starts to serve is told to stop once it listens, on free ports instead of those shown. */
  async run(line: string): Promise<LineRan> {
    const serves = /(^|\s)relay (serve|demo)( |$)/.test(line);
    // A domain of an example is nobody's: its authority and the ports of the web are left alone.
    const asDomain = / serve [a-z0-9-]+\.[a-z.-]+/.test(line) ? ' --host 127.0.0.1 --tls.redirect-port off --acme.directory https://127.0.0.1:1/' : '';
    const free = serves ? `${line.replaceAll(/ --(admin\.)?port \d+/g, '')} --port 0${line.includes('--admin.port') ? '' : ' --admin.port 0'}${asDomain}` : line;
    // A group of its own, so that exactly what this line started is ended.
    const child = spawn('bash', ['--norc', '-c', free], { cwd: this.dir, env: this.#env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const end = (signal: NodeJS.Signals): void => void (child.pid !== undefined && process.kill(-child.pid, signal));
    let [out, err] = ['', ''];
    child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
    child.stdout.on('data', (piece: Buffer) => {
      const wasListening = LISTENING.test(out);
      out += piece.toString();
      if (serves && !wasListening && LISTENING.test(out)) end('SIGTERM');
    });
    const timer = setTimeout(() => end('SIGKILL'), LINE_MS_MAX);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    clearTimeout(timer);
    return { code, out, err };
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
