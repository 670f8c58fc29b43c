// The live stream of figures: one WebSocket for all pages, two minutes of samples, and rates between neighbours.
import type { Figures } from './model.js';

const SAMPLES_MAX = 120;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;

export interface Sample {
  readonly atMs: number;
  readonly figures: Figures;
}

export type LiveState = 'connecting' | 'live' | 'lost';

export class Live {
  readonly samples: Sample[] = [];
  state: LiveState = 'connecting';
  readonly #listeners = new Set<() => void>();
  #socket: WebSocket | null = null;
  #retryMs = RETRY_MS_MIN;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #wanted = false;

  start(): void {
    this.#wanted = true;
    if (this.#socket === null && this.#timer === null) this.#connect();
  }

  stop(): void {
    this.#wanted = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#socket?.close();
    this.#socket = null;
  }

  /** Calls back on every sample and change of state, until `signal`. */
  follow(listener: () => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener));
    listener();
  }

  /** What a counter gained per second between neighbouring samples, oldest first. */
  rates(name: string): number[] {
    return this.samples.slice(1).map((sample, index) => {
      const before = this.samples[index];
      const seconds = before === undefined ? 0 : (sample.atMs - before.atMs) / 1000;
      const gained = (sample.figures[name] ?? 0) - (before?.figures[name] ?? 0);
      return seconds > 0 ? Math.max(0, gained / seconds) : 0;
    });
  }

  values(name: string): number[] {
    return this.samples.map(({ figures }) => figures[name] ?? 0);
  }

  #connect(): void {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/admin/api/live`);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(String(data)));
    socket.addEventListener('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#become('lost');
      if (this.#wanted) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.#connect();
        }, this.#retryMs);
        this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
      }
    });
  }

  #take(text: string): void {
    const figures: Figures | null = JSON.parse(text);
    if (figures === null) return;
    const atMs = figures['uptimeMs'] ?? 0;
    const last = this.samples.at(-1);
    // A relay that was started anew counts from zero.
    if (last !== undefined && atMs < last.atMs) this.samples.length = 0;
    if (last?.atMs === atMs) return;
    this.samples.push({ atMs, figures });
    if (this.samples.length > SAMPLES_MAX) this.samples.shift();
    this.#retryMs = RETRY_MS_MIN;
    this.#become('live');
  }

  #become(state: LiveState): void {
    this.state = state;
    for (const listener of this.#listeners) listener();
  }
}
