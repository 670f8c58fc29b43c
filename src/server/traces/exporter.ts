// Sends finished spans in batches. Bounded: what comes while the queue is full is dropped and counted, a collector that does not
// answer is given up after a while, and what it refused is not sent again.
import type { ExportRequest } from './otlp.js';
import type { FinishedSpan } from './span.js';

/** Spans that wait to be sent; later ones are dropped. */
export const SPANS_WAITING_MAX = 8192;
/** Spans in one request. */
export const SPANS_PER_REQUEST = 512;
const PERIOD_MS = 1000;
const REQUEST_TIMEOUT_MS = 5000;

export interface ExporterDeps {
  readonly endpoint: string;
  readonly encode: (spans: readonly FinishedSpan[]) => ExportRequest;
  /** Spans that were finished elsewhere since the last call. */
  readonly collect: () => readonly FinishedSpan[];
  readonly fetch: typeof globalThis.fetch;
}

export class SpanExporter {
  readonly #deps: ExporterDeps;
  readonly #timer: NodeJS.Timeout;
  #waiting: FinishedSpan[] = [];
  #sending: Promise<void> | null = null;
  #dropped = 0;
  #sent = 0;

  constructor(deps: ExporterDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.flush(), PERIOD_MS);
    this.#timer.unref();
  }

  /** Spans that were lost: no room, or the collector did not take them. */
  get dropped(): number {
    return this.#dropped;
  }

  get sent(): number {
    return this.#sent;
  }

  add(span: FinishedSpan): void {
    if (this.#waiting.length < SPANS_WAITING_MAX) this.#waiting.push(span);
    else this.#dropped += 1;
  }

  /** Sends everything that waits; never fails. */
  flush(): Promise<void> {
    for (const span of this.#deps.collect()) this.add(span);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null));
    return this.#sending;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    if (this.#waiting.length > 0) await this.flush();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, SPANS_PER_REQUEST);
      if (await this.#send(batch)) {
        this.#sent += batch.length;
        continue;
      }
      this.#dropped += batch.length;
      return;
    }
  }

  async #send(batch: readonly FinishedSpan[]): Promise<boolean> {
    try {
      const answer = await this.#deps.fetch(this.#deps.endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(this.#deps.encode(batch)),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        redirect: 'error',
      });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    }
  }
}
