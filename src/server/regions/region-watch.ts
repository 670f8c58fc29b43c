// How the other regions are: each that has an endpoint is asked for its /health once a period, with a limit on time, on bytes and
// on how many are asked at once. What was learned stays until something newer is known; the page says how old it is.
import type { Region } from '../../config/regions.js';

const TIMEOUT_MS = 5_000;
const BODY_BYTES_MAX = 16 * 1024;
const AT_ONCE_MAX = 4;
/** Longest time a region is left alone because it asked for it. */
const RETRY_AFTER_MS_MAX = 600_000;

export type RegionStatus = 'online' | 'degraded' | 'offline' | 'unknown';

export interface RegionHealth {
  readonly status: RegionStatus;
  /** Time until the answer was there, or null. */
  readonly latencyMs: number | null;
  /** When it was asked, milliseconds since the Unix epoch; null: never. */
  readonly checkedMs: number | null;
  /** Since when it has been offline, or null. */
  readonly offlineSinceMs: number | null;
}

export interface RegionWatchDeps {
  readonly fetch: typeof fetch;
  readonly clock: () => { readonly wallMs: number; readonly monotonicMs: number };
  readonly timeoutMs?: number;
}

const OFFLINE = { status: 'offline', retryAfterMs: 0 } as const;
const UNKNOWN: RegionHealth = { status: 'unknown', latencyMs: null, checkedMs: null, offlineSinceMs: null };

export class RegionWatch {
  readonly #deps: RegionWatchDeps;
  #health = new Map<string, RegionHealth>();
  /** Until when a region wants to be left alone, on the monotonic clock. */
  readonly #quietUntil = new Map<string, number>();
  #asking = false;

  constructor(deps: RegionWatchDeps) {
    this.#deps = deps;
  }

  of(id: string): RegionHealth {
    return this.#health.get(id) ?? UNKNOWN;
  }

  /** Asks every region that has an endpoint; a call while one is under way does nothing. */
  async look(regions: readonly Region[]): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const watched = regions.filter(({ endpoint }) => endpoint !== '');
      const known = new Set(watched.map(({ id }) => id));
      const nowMs = this.#deps.clock().monotonicMs;
      const waiting = watched.filter(({ id }) => (this.#quietUntil.get(id) ?? -Infinity) <= nowMs);
      // Regions that are no longer configured are forgotten.
      for (const id of this.#quietUntil.keys()) if (!known.has(id)) this.#quietUntil.delete(id);
      this.#health = new Map([...this.#health].filter(([id]) => known.has(id)));
      const ask = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#ask(next);
      };
      await Promise.all(Array.from({ length: AT_ONCE_MAX }, ask));
    } finally {
      this.#asking = false;
    }
  }

  async #ask({ id, endpoint }: Region): Promise<void> {
    const begun = this.#deps.clock();
    const { status, retryAfterMs } = await this.#statusOf(endpoint, this.of(id).status);
    if (retryAfterMs > 0) this.#quietUntil.set(id, this.#deps.clock().monotonicMs + retryAfterMs);
    else this.#quietUntil.delete(id);
    const isOffline = status === 'offline';
    this.#health.set(id, {
      status,
      latencyMs: isOffline ? null : Math.round(this.#deps.clock().monotonicMs - begun.monotonicMs),
      checkedMs: begun.wallMs,
      offlineSinceMs: isOffline ? (this.of(id).offlineSinceMs ?? begun.wallMs) : null,
    });
  }

  async #statusOf(endpoint: string, before: RegionStatus): Promise<{ readonly status: RegionStatus; readonly retryAfterMs: number }> {
    try {
      const url = new URL('health', endpoint.endsWith('/') ? endpoint : `${endpoint}/`);
      const answer = await this.#deps.fetch(url, { signal: AbortSignal.timeout(this.#deps.timeoutMs ?? TIMEOUT_MS), redirect: 'error', headers: { accept: 'application/json' } });
      const text = await boundedText(answer);
      // Who counts our requests is alive; what it said before holds until it answers again.
      if (answer.status === 429) return { status: before === 'degraded' ? 'degraded' : 'online', retryAfterMs: retryAfterMs(answer) };
      if (!answer.ok) return OFFLINE;
      const told: unknown = JSON.parse(text);
      return { status: typeof told === 'object' && told !== null && 'status' in told && told.status === 'ok' ? 'online' : 'degraded', retryAfterMs: 0 };
    } catch {
      return OFFLINE;
    }
  }
}

/** What a 429 asks for, within bounds: a slip in a header must not blind the watch. */
function retryAfterMs({ headers }: Response): number {
  const text = headers.get('retry-after') ?? '';
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Math.min(RETRY_AFTER_MS_MAX, Math.max(0, Number.isFinite(ms) ? ms : 0));
}

/** Throws when the body is larger than a health answer is. */
async function boundedText(answer: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new Error('the answer is too large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
