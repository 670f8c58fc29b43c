// Runs the compiled command line as its own process and reads what it says. Every process is ended by its own handle.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

// From the root, where every command of the project runs: this file is also bundled, and then lies elsewhere.
export const CLI = resolve('dist/cli/main.js');

const LINES_MAX = 1000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class ServeProcess implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'sealrelay-test-'));
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const defaults = ['--port', '0', '--admin.port', '0', '--data-dir', join(this.dir, 'data')];
    const given = defaults.filter((_, index) => !args.includes(defaults[index - (index % 2)] ?? ''));
    this.child = spawn(process.execPath, [CLI, 'serve', ...given, ...args], {
      cwd: this.dir,
      env: { PATH: process.env['PATH'], TMPDIR: this.dir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => this.child.once('close', (code, signal) => resolve({ code, signal })));
    this.#collect(this.child.stdout, this.stdout);
    this.#collect(this.child.stderr, this.stderr);
  }

  /** The JSON log line with this message; rejects when the process ends first. */
  async logLine(message: string): Promise<Record<string, unknown>> {
    const find = (): Record<string, unknown> | undefined =>
      this.stdout
        .filter((line) => line.startsWith('{'))
        .map((line): Record<string, unknown> => JSON.parse(line))
        .find(({ msg }) => msg === message);
    let over = false;
    void this.ended.then(() => (over = true));
    for (let line = find(); ; line = find()) {
      if (line !== undefined) return line;
      if (over) throw new Error(`ended without "${message}": ${this.stderr.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Base URL once the relay listens. */
  async url(): Promise<string> {
    const { relayAddress } = await this.logLine('relay is listening');
    return `http://${new URL(String(relayAddress)).host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
  }

  #collect(stream: NodeJS.ReadableStream | null, lines: string[]): void {
    if (stream === null) return;
    createInterface({ input: stream }).on('line', (line) => {
      if (lines.length < LINES_MAX) lines.push(line);
    });
  }
}
