// Drives stock GUN clients, each a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = resolve('test/support/gun-client.mjs');
const PATIENCE_MS = 45_000;

export interface ClientAnswer {
  readonly id: number;
  readonly err?: string | null;
  readonly value?: unknown;
  readonly pub?: string | null;
}

export class GunClient {
  readonly #child: ChildProcess;
  readonly #answers: ClientAnswer[] = [];
  #last = 0;
  #wake: (() => void) | null = null;

  private constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      this.#answers.push(JSON.parse(line) as ClientAnswer);
      this.#wake?.();
    });
  }

  static async start(library: string, url: string): Promise<GunClient> {
    const child = spawn(process.execPath, [PROGRAM, library, url], { stdio: ['pipe', 'pipe', 'ignore'] });
    const client = new GunClient(child);
    await client.until(0, () => true);
    return client;
  }

  /** Begins something; its answers have the returned number. */
  begin(what: string, more: object): number {
    this.#last += 1;
    this.#child.stdin!.write(`${JSON.stringify({ do: what, id: this.#last, ...more })}\n`);
    return this.#last;
  }

  /** The first answer with this number that fits. */
  async until(id: number, fits: (answer: ClientAnswer) => boolean): Promise<ClientAnswer> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = this.#answers.find((answer) => answer.id === id && fits(answer));
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error(`no such answer; heard ${JSON.stringify(this.#answers.slice(-5))}`);
      await new Promise<void>((wake) => {
        this.#wake = wake;
        setTimeout(wake, 100);
      });
    }
  }

  async done(what: string, more: object): Promise<ClientAnswer> {
    const answer = await this.until(this.begin(what, more), () => true);
    if (answer.err !== undefined && answer.err !== null) throw new Error(`${what}: ${answer.err}`);
    return answer;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
