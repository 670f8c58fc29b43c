// A restart without a gap: a new process takes the port and the store over while clients go on.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSpace, openSpace, type Space } from '../../src/client/node.js';
import { freePort, productBuilt } from '../support/relay-process.js';
import { ServeProcess } from '../support/serve-process.js';
import { bytes, until } from '../support/test-space.js';

const TIMEOUT_MS = 60_000;
const ASK_EVERY_MS = 5;
const LISTEN = '0A';

/** Sockets of this machine that listen on the port. */
function listeners(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return lines.filter((line) => line.includes(`0100007F:${hex} `) && line.split(/\s+/)[4] === LISTEN).length;
}

/** Asks on a new connection every few milliseconds, and keeps what came of it. */
class Asking {
  readonly failures: string[] = [];
  answered = 0;
  slowestMs = 0;
  #under = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(port: number) {
    this.#timer = setInterval(() => this.#ask(port), ASK_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await until('every request is over', () => this.#under === 0, TIMEOUT_MS / 2);
  }

  #ask(port: number): void {
    const startedMs = performance.now();
    this.#under += 1;
    const asked = request({ host: '127.0.0.1', port, path: '/health/live', agent: false }, (answer) => {
      answer.resume().once('end', () => {
        this.#under -= 1;
        this.answered += 1;
        this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
        if (answer.statusCode !== 200) this.failures.push(String(answer.statusCode));
      });
    });
    asked.once('error', (error: NodeJS.ErrnoException) => {
      this.#under -= 1;
      this.failures.push(error.code ?? error.message);
    });
    asked.end();
  }
}

describe.skipIf(!productBuilt() || process.platform !== 'linux')('a take-over (Linux; needs `npm run build`)', { timeout: TIMEOUT_MS }, () => {
  let dir: string;
  const spaces: Space[] = [];
  const relays: ServeProcess[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-take-over-'));
  });
  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
    for (const relay of relays.splice(0)) await relay[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  function start(port: number, ...more: string[]): ServeProcess {
    const relay = new ServeProcess(['--port', String(port), '--admin.port', 'off', '--data-dir', join(dir, 'data'), '--reuse-port', ...more]);
    relays.push(relay);
    return relay;
  }

  it('refuses no connection and loses nothing that was receipted', async () => {
    const port = await freePort();
    const old = start(port);
    const { relayAddress } = await old.logLine('relay is listening');
    const a = await createSpace({ relay: String(relayAddress), batchWindowMs: 0 });
    spaces.push(a);
    await a.whenSynced();
    const findings: string[] = [];
    a.on('misbehaviour', ({ kind }) => findings.push(kind));
    const receipted = new Set<string>();
    let pushed = 0;
    const typing = setInterval(() => {
      const text = String((pushed += 1));
      void a.push(bytes(text)).durable('relay').then(() => receipted.add(text));
    }, 5);
    const asking = new Asking(port);
    await until('receipts flow', () => receipted.size > 50);

    const next = start(port);
    await until('both listen', () => listeners(port) === 2, TIMEOUT_MS / 2);
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    old.child.kill('SIGTERM');
    expect(await old.ended).toEqual({ code: 0, signal: null });
    await next.logLine('relay is listening');
    clearInterval(typing);
    await until('everything is receipted', () => receipted.size === pushed, TIMEOUT_MS / 2);
    await asking.stop();
    process.stdout.write(`take-over: ${asking.answered} requests answered, ${asking.failures.length} failed, the slowest waited ${Math.round(asking.slowestMs)} ms\n`);
    expect(asking.failures).toEqual([]);

    const late = await openSpace({ link: a.link ?? '' });
    spaces.push(late);
    const texts: string[] = [];
    late.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    await until('a late device reads everything', () => texts.length >= pushed);
    expect(texts).toEqual(Array.from({ length: pushed }, (_, index) => String(index + 1)));
    expect(findings).toEqual([]);
  });

  it('gives up after its time when the other one does not stop, and the other one goes on', async () => {
    const port = await freePort();
    const old = start(port);
    await old.logLine('relay is listening');
    const next = start(port, '--reuse-port-wait', '300ms');
    expect(await next.ended).toEqual({ code: 1, signal: null });
    expect(next.stderr.join('\n')).toMatch(/was not let go within 300 ms.*--reuse-port-wait/);
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
  });

  it('is not for who does not ask: without the option the port is taken', async () => {
    const port = await freePort();
    const old = start(port);
    await old.logLine('relay is listening');
    const other = new ServeProcess(['--port', String(port), '--admin.port', 'off', '--data-dir', join(dir, 'other')]);
    relays.push(other);
    expect(await other.ended).toEqual({ code: 1, signal: null });
    expect(other.stderr.join('\n')).toContain('the port is taken');
  });
});
