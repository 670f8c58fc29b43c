// One device of the example, in a process of its own. The conductor tells it what to do over IPC.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { openLink, type Counts, type DeviceLink } from './device-link.ts';
import { applyUpdate, stateOf, TraceDocument } from './document.ts';
import type { Answer, Command, DeviceReport } from './messages.ts';
import { readTrace } from './trace-file.ts';

/** Edits typed between two looks at the event loop, at back-pressure and at the conductor. */
const EDITS_PER_TURN = 64;
const PROGRESS_EVERY_EDITS = 2048;

const say = (answer: Answer): void => void process.send?.(answer);

class Device {
  readonly document = new TraceDocument();
  readonly counts: Counts = { mergedBytes: 0, entries: 0, receiptsVerified: 0, acksVerified: 0, bootstrapped: false, troubles: [] };
  readonly #ticks: string[] = [];
  #link: DeviceLink | undefined;
  #edits = 0;
  #rawBytes = 0;
  #canaries: string[] = [];
  #names: readonly string[] = [];

  async start({ role, route, windowMs, names }: Extract<Command, { do: 'start' }>): Promise<string | null> {
    const { document } = this;
    if (role === 'follower') document.onTick((tick) => (this.#ticks[tick] = String(process.hrtime.bigint())));
    const link = await openLink({
      route,
      windowMs,
      counts: this.counts,
      received: (update) => applyUpdate(document, update),
      state: () => stateOf(document),
    });
    this.#link = link;
    document.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === 'remote') return;
      this.#rawBytes += update.length;
      link.push(update);
    });
    this.#names = names;
    return link.link;
  }

  async type({ trace: path, canaries, from, to }: Extract<Command, { do: 'type' }>): Promise<void> {
    const trace = readTrace(path);
    const end = Math.min(to, trace.patches.length);
    if (from === 0) {
      this.document.begin(trace.startContent, this.#names);
      this.#canaries = [...canaries];
    }
    const every = Math.max(1, Math.floor(trace.patches.length / Math.max(1, canaries.length)));
    for (let at = from; at < end; at += 1) {
      const patch = trace.patches[at];
      if (patch !== undefined) this.document.type(patch);
      this.#edits += 1;
      if (at % every === 0) this.#insertCanary();
      if (at % EDITS_PER_TURN === 0) {
        await this.#open.writable();
        await turn();
      }
      if (at % PROGRESS_EVERY_EDITS === 0) say({ say: 'progress', edits: at });
    }
    if (end === trace.patches.length) {
      while (this.#canaries.length > 0) this.#insertCanary();
      const typed = this.document.typedText;
      if (typed !== trace.endContent) throw new Error('the typed text is not the endContent of the trace');
    }
  }

  async tick(count: number, everyMs: number): Promise<void> {
    for (let tick = 0; tick < count; tick += 1) {
      this.#ticks[tick] = String(process.hrtime.bigint());
      this.document.tick(tick);
      await sleep(everyMs);
    }
  }

  report(): DeviceReport {
    return {
      textHash: this.document.textHash,
      textLength: this.document.length,
      edits: this.#edits,
      rawBytes: this.#rawBytes,
      ticks: this.#ticks,
      ...this.counts,
    };
  }

  async obey(command: Command): Promise<string | null> {
    switch (command.do) {
      case 'start':
        return this.start(command);
      case 'type':
        await this.type(command);
        break;
      case 'tick':
        await this.tick(command.count, command.everyMs);
        break;
      case 'offline':
        this.#open.goOffline();
        break;
      case 'online':
        this.#open.goOnline();
        break;
      case 'snapshot':
        await this.#open.snapshot();
        break;
      case 'settle':
        await this.#open.settle();
        break;
      case 'report':
        say({ say: 'report', report: this.report() });
        break;
      case 'stop':
        await this.#link?.close();
        process.disconnect();
        break;
    }
    return null;
  }

  get #open(): DeviceLink {
    if (this.#link === undefined) throw new Error('the device was not started');
    return this.#link;
  }

  #insertCanary(): void {
    const canary = this.#canaries.shift();
    if (canary === undefined) return;
    this.document.addCanary(canary);
    this.#edits += 1;
  }
}

const device = new Device();
let queue = Promise.resolve();
process.on('message', (command: Command) => {
  // One command after the other, each answered.
  const run = async (): Promise<void> => {
    try {
      const link = await device.obey(command);
      if (command.do !== 'stop') say({ say: 'done', link });
    } catch (error) {
      say({ say: 'failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
  queue = queue.then(run);
});
