// Relays of Graceful Books in memory, behind a fetch of their own: they keep what they accept, in receive order, and fail when they are told to.
import type { SyncChange } from '../../src/client/graceful/wire.js';

const PAGE = 100;
const DUPLICATE = 'Duplicate or outdated change';

/** `lost`: the work is done, and its answer does not arrive; `silent`: nothing ever does. */
export type RelayMood = 'well' | 'down' | 'lost' | 'silent' | { readonly status: number; readonly code?: string; readonly retryAfter?: number };

export class RelayDouble {
  mood: RelayMood = 'well';
  latencyMs = 0;
  isStrict = false;
  /** Relays of the original send none. */
  sendsCursors = true;
  /** Answers every push with this reason instead of storing anything. */
  refuses: string | null = null;
  /** A page may not read `/health`. */
  hidesHealth = false;
  /** A push with more is too large. */
  changesMax = 1_000_000;
  answerInstead: unknown = undefined;
  readonly stored: SyncChange[] = [];
  readonly asked: string[] = [];
  readonly bodies: string[] = [];
  readonly tokens = new Set<string>();
  acknowledged: string[] = [];

  get ids(): string[] {
    return this.stored.map(({ id }) => id);
  }

  answer(path: string, body: Record<string, unknown>): unknown {
    if (this.answerInstead !== undefined) return this.answerInstead;
    switch (path) {
      case '/sync/push':
        return this.#push(String(body['device_id']), body['changes'] as SyncChange[]);
      case '/sync/pull':
        return this.#pull(body);
      case '/sync/ack':
        this.acknowledged.push(...(body['acknowledged_ids'] as string[]));
        return { success: true };
      case '/health':
        return { status: 'ok', timestamp: 1, region: 'here' };
      default:
        return {};
    }
  }

  #push(device: string, changes: readonly SyncChange[]): unknown {
    const accepted: string[] = [];
    const rejected: { id: string; reason: string }[] = [];
    for (const change of changes) {
      const known = this.stored.find(({ id }) => id === change.id);
      const full = { ...change, device_id: device };
      const isRetry = known !== undefined && !this.isStrict && JSON.stringify(known) === JSON.stringify(full);
      if (this.refuses !== null) rejected.push({ id: change.id, reason: this.refuses });
      else if (known !== undefined && !isRetry) rejected.push({ id: change.id, reason: DUPLICATE });
      else {
        if (known === undefined) this.stored.push(full);
        accepted.push(change.id);
      }
    }
    return { protocol_version: '1.0.0', success: rejected.length === 0, accepted, rejected, timestamp: 1 };
  }

  #pull({ device_id, cursor, since_timestamp }: Record<string, unknown>): unknown {
    const after = typeof cursor === 'string' ? Number(cursor.slice(1)) : 0;
    const later = this.stored.slice(after).filter(({ timestamp }) => timestamp > Number(since_timestamp));
    const changes = later.filter((change) => change.device_id !== device_id).slice(0, PAGE);
    const last = changes.length < PAGE ? this.stored.length : this.stored.indexOf(changes.at(-1)!) + 1;
    const page = { protocol_version: '1.0.0', changes, has_more: changes.length === PAGE, timestamp: 1 };
    return this.sendsCursors ? { ...page, cursor: `c${last}` } : page;
  }
}

interface Clock {
  after(delayMs: number, call: () => void): { cancel(): void };
}

/** Relays by host, and the fetch that reaches them. */
export class RelayWorld {
  readonly relays: Readonly<Record<string, RelayDouble>>;
  /** What `GET /regions` says. */
  regions: unknown = { regions: [] };
  readonly #clock: Clock;

  constructor(clock: Clock, hosts: readonly string[]) {
    this.#clock = clock;
    this.relays = Object.fromEntries(hosts.map((host) => [host, new RelayDouble()]));
  }

  readonly fetch = ((input: string, init?: RequestInit) => {
    const url = new URL(input);
    const relay = this.relays[url.host];
    return new Promise<Response>((resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
      if (relay === undefined) return reject(new Error('no such host'));
      relay.asked.push(url.pathname);
      this.#clock.after(relay.latencyMs, () => this.#answer(relay, url.pathname, init ?? {}, resolve, reject));
    });
  }) as typeof globalThis.fetch;

  #answer(relay: RelayDouble, path: string, init: RequestInit, resolve: (response: Response) => void, reject: (cause: Error) => void): void {
    const { mood } = relay;
    if (mood === 'silent') return;
    if (mood === 'down' || (path === '/health' && relay.hidesHealth)) return reject(new Error('connection refused'));
    if (path === '/health/live') return resolve(new Response(null, { status: 200 }));
    if (path === '/regions') return resolve(Response.json(this.regions));
    if (typeof mood === 'object') {
      const headers = mood.retryAfter === undefined ? {} : { 'retry-after': String(mood.retryAfter) };
      return resolve(Response.json({ error: { code: mood.code ?? 'INTERNAL_ERROR', message: 'no' }, timestamp: 1 }, { status: mood.status, headers }));
    }
    relay.tokens.add(new Headers(init.headers).get('authorization') ?? '');
    const body = typeof init.body === 'string' ? init.body : '{}';
    relay.bodies.push(body);
    if (path === '/sync/push' && (JSON.parse(body) as { changes: unknown[] }).changes.length > relay.changesMax) return resolve(Response.json({ error: { code: 'PAYLOAD_TOO_LARGE', message: 'no' } }, { status: 413 }));
    const answer = relay.answer(path, JSON.parse(body) as Record<string, unknown>);
    if (mood === 'lost') return reject(new Error('connection reset'));
    resolve(Response.json(answer));
  }
}
