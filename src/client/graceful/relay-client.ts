/*
 * Speaks to the relays of a service: chooses one by latency or by the user's word, tries again with back-off and jitter, goes on with the next
 * one when one fails, and listens for news on a WebSocket. What it is given it sends as it is: SyncApi seals.
 */
import { ClientError } from '../client-error.js';
import { retryDelayMs } from '../connection/backoff.js';
import { Emitter } from '../emitter.js';
import { environmentWith, sleep } from '../environment.js';
import type { Environment } from '../environment.js';
import type { MeasuredRegion } from '../region/region-client.js';
import type { Region } from '../region/region-list.js';
import { probeRegion } from '../region/region-probe.js';
import { MemoryRegionStorage } from '../region/region-storage.js';
import type { RegionStorage } from '../region/region-storage.js';
import type { Surroundings } from '../region/timed-fetch.js';
import type { TextWebSocketConstructor } from '../transport/text-socket.js';
import { CallError, call } from './http-call.js';
import { FAILOVER_WAIT_MS, REQUEST_TIMEOUT_MS, RETRIES, RETRIES_MAX, RETRY_AFTER_WAIT_MS_MAX } from './limits.js';
import { NewsSocket } from './news-socket.js';
import { RelayChoice } from './relay-choice.js';
import type { RelayRegion } from './relay-choice.js';
import { closedError, optionError } from './sync-errors.js';
import { parseHealth, parsePullAnswer, parsePushAnswer } from './wire.js';
import type { CursorPullRequest, CursorPullResponse, RelayHealth, SyncAckMessage, SyncPushRequest, SyncPushResponse } from './wire.js';

export interface RelayClientOptions {
  /** Base URL of a relay, which lists the regions, or the relays themselves. */
  readonly relays: string | readonly RelayRegion[];
  /** All devices of a user show the same; absent: the one tenant of a relay that allows it. */
  readonly token?: string;
  /** The region to use; absent: the one chosen before, else the nearest. */
  readonly region?: string;
  /** Remembers the user's choice and the list. */
  readonly storage?: RegionStorage;
  /** Time for one request, in milliseconds. */
  readonly timeoutMs?: number;
  /** Further tries at one relay before the next one is asked. */
  readonly retries?: number;
  readonly fetch?: typeof globalThis.fetch;
  readonly webSocket?: TextWebSocketConstructor;
  readonly environment?: Partial<Environment>;
}

/** `failover`: the relay that would be asked does not answer. */
export type RegionChangeReason = 'chosen' | 'nearest' | 'failover';

/** Events by name. */
export interface RelayClientEvents {
  /** Another device pushed something. The relay's word for it, which may be an opaque token. */
  sync_available: { readonly source: string | null };
  /** The WebSocket is open, or was lost. */
  connected: { readonly region: string };
  disconnected: { readonly region: string };
  /** Another relay is asked from now on. */
  region_changed: { readonly from: string | null; readonly to: string; readonly why: RegionChangeReason };
  retry: { readonly region: string; readonly attempt: number; readonly delayMs: number; readonly error: ClientError };
}

/** An answer, and the relay it is from. */
export interface Exchanged {
  readonly endpoint: string;
  readonly answer: unknown;
}

/** Speaks to the relays of a service, the nearest one first; what it is given it sends as it is. */
export class RelayClient {
  readonly #options: RelayClientOptions;
  readonly #environment: Environment;
  readonly #surroundings: Surroundings;
  readonly #choice: RelayChoice;
  readonly #events = new Emitter<RelayClientEvents>(() => undefined);
  readonly #closing = new AbortController();
  readonly #retries: number;
  readonly #timeoutMs: number;
  #current: Region | null = null;
  #news: NewsSocket | undefined;

  constructor(options: RelayClientOptions) {
    this.#options = options;
    this.#retries = bounded('retries', options.retries ?? RETRIES, 0, RETRIES_MAX);
    this.#timeoutMs = bounded('timeoutMs', options.timeoutMs ?? REQUEST_TIMEOUT_MS, 1, 10 * REQUEST_TIMEOUT_MS);
    this.#environment = environmentWith(options.environment);
    const { fetch = (...args) => globalThis.fetch(...args) } = options;
    const { now, after } = this.#environment;
    this.#surroundings = { now, after, fetch: (url, init) => fetch(url, { ...init, signal: AbortSignal.any([this.#closing.signal, ...(init?.signal ? [init.signal] : [])]) }) };
    this.#choice = new RelayChoice(this.#surroundings, options.storage ?? new MemoryRegionStorage(), options.relays, options.region ?? null);
  }

  /** Calls the listener for every event of that name; the returned function ends it. */
  on<K extends keyof RelayClientEvents>(name: K, listener: (event: RelayClientEvents[K]) => void): () => void {
    return this.#events.on(name, listener);
  }

  async push(request: SyncPushRequest): Promise<SyncPushResponse> {
    return parsePushAnswer((await this.exchange('/sync/push', () => request, parsePushAnswer)).answer);
  }

  async pull(request: CursorPullRequest): Promise<CursorPullResponse> {
    return parsePullAnswer((await this.exchange('/sync/pull', () => request, parsePullAnswer)).answer);
  }

  /** Tells the relay which changes a device holds. */
  async acknowledge(message: SyncAckMessage): Promise<void> {
    await this.exchange('/sync/ack', () => message);
  }

  /** Declares all devices of the user: a change goes from the relay once all of them acknowledged it. */
  async declareDevices(devices: readonly string[]): Promise<void> {
    await this.exchange('/sync/devices', () => ({ devices }));
  }

  /** How the relay in use is; asked once, without the token. */
  async health(): Promise<RelayHealth> {
    const { id, endpoint } = await this.#preferred();
    const url = new URL('/health', endpoint).href;
    try {
      return parseHealth(await call(this.#surroundings, { url, token: '', timeoutMs: this.#timeoutMs, alsoAnswers: [503] }));
    } catch (cause) {
      // A page of another origin may not read it; that the relay lives it can see.
      const { status } = await probeRegion(endpoint, this.#surroundings);
      if (status === 'offline') throw cause;
      return { status: status === 'online' ? 'ok' : 'degraded', timestamp: this.#environment.now(), region: id };
    }
  }

  /** The regions, with their latency where it was measured. */
  async getAvailableRegions({ force = false }: { readonly force?: boolean } = {}): Promise<readonly MeasuredRegion[]> {
    await this.#choice.prepare({ force });
    return this.#choice.regions;
  }

  /** The region in use; null before the first request. */
  getCurrentRegion(): string | null {
    return this.#current?.id ?? null;
  }

  /** Uses a region from now on; null: the nearest. Throws `unknown_region`. */
  async setRegion(id: string | null): Promise<void> {
    await this.#choice.choose(id);
    const [first] = this.#choice.order();
    if (first !== undefined) this.#use(first, this.#whyOf(first));
  }

  /** Origin of the relay in use; null before the first request. */
  get endpoint(): string | null {
    return this.#current?.endpoint ?? null;
  }

  /** Origins of all relays that are known. */
  get endpoints(): readonly string[] {
    return this.#choice.endpoints;
  }

  /** Listens for news of other devices until disconnect(). */
  connect(deviceId: string): void {
    this.#news?.close();
    const { webSocket = globalThis.WebSocket as TextWebSocketConstructor | undefined, token = '' } = this.#options;
    if (webSocket === undefined) throw new ClientError('no_websocket', 'this platform has no WebSocket', { hint: 'Pass one as `webSocket`.' });
    this.#news = new NewsSocket({
      open: webSocket,
      environment: this.#environment,
      where: async () => {
        const region = await this.#preferred();
        return { region: region.id, url: newsUrl(region.endpoint, deviceId, token) };
      },
      failed: (region) => this.#choice.failed(region),
      news: (source) => this.#events.emit('sync_available', { source }),
      opened: (region) => this.#events.emit('connected', { region }),
      lost: (region) => this.#events.emit('disconnected', { region }),
    });
  }

  disconnect(): void {
    this.#news?.close();
    this.#news = undefined;
  }

  /** Ends everything that is under way. */
  close(): void {
    this.disconnect();
    this.#closing.abort(closedError());
  }

  /** Asks relay after relay until one answers. The body may depend on whom it is for; `check` throws for an answer that is none. */
  async exchange(path: string, bodyFor: (endpoint: string) => unknown, check: (answer: unknown) => unknown = () => undefined): Promise<Exchanged> {
    await this.#choice.prepare();
    const order = this.#choice.order();
    let last: ClientError = closedError();
    for (const [index, region] of order.entries()) {
      try {
        const answer = await this.#persistently(region, path, () => bodyFor(region.endpoint), check, index + 1 < order.length);
        this.#choice.worked(region.id);
        this.#use(region, this.#whyOf(region));
        return { endpoint: region.endpoint, answer };
      } catch (cause) {
        if (!(cause instanceof CallError) || !cause.temporary || cause.code === 'rate_limited') throw cause;
        this.#choice.failed(region.id);
        last = cause;
      }
    }
    throw last;
  }

  /** Asks one relay, once. */
  async exchangeWith(endpoint: string, path: string, body: unknown): Promise<unknown> {
    return this.#once({ endpoint }, path, body, this.#timeoutMs);
  }

  async #persistently(region: Region, path: string, body: () => unknown, check: (answer: unknown) => unknown, hasOther: boolean): Promise<unknown> {
    const timeoutMs = hasOther ? Math.min(this.#timeoutMs, FAILOVER_WAIT_MS) : this.#timeoutMs;
    const began = this.#environment.now();
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await this.#once(region, path, body(), timeoutMs);
        checked(check, answer);
        return answer;
      } catch (cause) {
        if (!(cause instanceof CallError) || !cause.temporary || attempt >= this.#retries || cause.retryAfterMs > RETRY_AFTER_WAIT_MS_MAX) throw cause;
        // Who drains says when to come back; another relay answers now.
        if (hasOther && cause.retryAfterMs > 0 && cause.code !== 'rate_limited') throw cause;
        // Who says nothing is not waited for twice where another one may answer.
        if (hasOther && this.#environment.now() - began >= timeoutMs) throw cause;
        const delayMs = retryDelayMs({ attempt, notBeforeMs: cause.retryAfterMs, spreadMs: 0 }, this.#environment.random());
        this.#events.emit('retry', { region: region.id, attempt: attempt + 1, delayMs, error: cause });
        await sleep(this.#environment, delayMs, this.#closing.signal);
      }
    }
  }

  async #once(region: Pick<Region, 'endpoint'>, path: string, body: unknown, timeoutMs: number): Promise<unknown> {
    if (this.#closing.signal.aborted) throw closedError();
    const { token = '' } = this.#options;
    return call(this.#surroundings, { url: new URL(path, region.endpoint).href, token, timeoutMs, body });
  }

  async #preferred(): Promise<Region> {
    await this.#choice.prepare();
    const [first] = this.#choice.order();
    if (first === undefined) throw optionError('there is no relay');
    return first;
  }

  #whyOf(region: Region): RegionChangeReason {
    if (!this.#choice.isFirst(region.id)) return 'failover';
    return region.id === this.#choice.choice ? 'chosen' : 'nearest';
  }

  #use(region: Region, why: RegionChangeReason): void {
    const before = this.#current;
    this.#current = region;
    if (before?.endpoint === region.endpoint) return;
    this.#events.emit('region_changed', { from: before?.id ?? null, to: region.id, why });
    if (before !== null) this.#news?.moved();
  }
}

function newsUrl(endpoint: string, deviceId: string, token: string): string {
  const url = new URL('/ws', endpoint.replace(/^http/, 'ws'));
  url.searchParams.set('device_id', deviceId);
  if (token !== '') url.searchParams.set('token', token);
  return url.href;
}

function checked(check: (answer: unknown) => unknown, answer: unknown): void {
  try {
    check(answer);
  } catch (cause) {
    throw new CallError(cause as ClientError, { mayBeDone: true });
  }
}

function bounded(name: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) throw optionError(`${name} is not from ${min} to ${max}`);
  return value;
}
