// The conductor's handle on one device process.
import { fork, type ChildProcess } from 'node:child_process';
import type { Answer, Command, DeviceReport } from './messages.ts';

const COMMAND_MS_MAX = 8 * 60_000;

/** A device in a process of its own; commands are answered in order. */
export class DeviceProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (link: string | null) => void; reject: (error: Error) => void }[] = [];
  #report: DeviceReport | undefined;
  onProgress: (edits: number) => void = () => undefined;

  constructor(name: string, program: string) {
    this.name = name;
    this.#child = fork(program, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (answer: Answer) => this.#take(answer));
    this.#child.on('exit', (code) => this.#fail(new Error(`device ${name} ended (${code})`)));
  }

  /** Sends a command; resolves when it is done, with the space link where there is one. */
  tell(command: Command): Promise<string | null> {
    const { promise, resolve, reject } = withResolvers<string | null>();
    const timer = setTimeout(() => reject(new Error(`device ${this.name} did not finish "${command.do}"`)), COMMAND_MS_MAX);
    this.#waiting.push({ resolve, reject });
    this.#child.send(command);
    return promise.finally(() => clearTimeout(timer));
  }

  async report(): Promise<DeviceReport> {
    await this.tell({ do: 'report' });
    if (this.#report === undefined) throw new Error(`device ${this.name} sent no report`);
    return this.#report;
  }

  stop(): void {
    if (this.#child.connected) this.#child.send({ do: 'stop' } satisfies Command);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(answer: Answer): void {
    if (answer.say === 'progress') this.onProgress(answer.edits);
    else if (answer.say === 'report') this.#report = answer.report;
    else if (answer.say === 'done') this.#waiting.shift()?.resolve(answer.link);
    else this.#waiting.shift()?.reject(new Error(`device ${this.name}: ${answer.why}`));
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
