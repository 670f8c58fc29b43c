/*
 * What is known of WebSockets on the way to each relay, by all connections that share it: that they are blocked, or that they open.
 *
 * Invariants: W1 nothing is believed for longer than FALLBACK_MS_MAX, nor after the network changed; W2 WebSockets are called blocked only
 * when HTTP was answered and they were not; W3 of all that use HTTP meanwhile one looks whether they open again.
 */
import { FALLBACK_MS_MAX, FALLBACK_MS_MIN, FALLBACK_RELAYS_MAX, WEBSOCKET_HEAD_START_MS, WEBSOCKET_OPEN_MS } from '../limits.js';

interface Known {
  blockedUntil: number;
  /** For how long they are called blocked the next time. */
  periodMs: number;
  opensUntil: number;
}

export class WebSocketMemory {
  /** By origin; the one that was learned of last is the last. */
  readonly #relays = new Map<string, Known>();
  readonly #watchers = new Map<() => void, string>();

  /** Milliseconds for which they count as blocked from now on; 0: they are worth a try. */
  blockedMs(origin: string, now: number): number {
    return restMs(this.#relays.get(origin)?.blockedUntil, now);
  }

  /** How long a WebSocket is waited for before HTTP is tried beside it. */
  headStartMs(origin: string, now: number): number {
    return restMs(this.#relays.get(origin)?.opensUntil, now) > 0 ? WEBSOCKET_OPEN_MS : WEBSOCKET_HEAD_START_MS;
  }

  /** They are blocked, or somebody is about to look whether they still are: for a while nobody else tries. */
  blocked(origin: string, now: number): void {
    const periodMs = this.#relays.get(origin)?.periodMs ?? FALLBACK_MS_MIN;
    this.#learn(origin, { blockedUntil: now + periodMs, periodMs: Math.min(FALLBACK_MS_MAX, periodMs * 2), opensUntil: Number.NEGATIVE_INFINITY });
  }

  /** One opened, which says less than an answer: some networks let them open and nothing through. */
  opened(origin: string, now: number): void {
    const periodMs = this.#relays.get(origin)?.periodMs ?? FALLBACK_MS_MIN;
    this.#learn(origin, { blockedUntil: Number.NEGATIVE_INFINITY, periodMs, opensUntil: now + FALLBACK_MS_MAX });
    for (const [call, watched] of [...this.#watchers]) if (watched === origin) call();
  }

  /** The relay answered over one. */
  answered(origin: string, now: number): void {
    this.#learn(origin, { blockedUntil: Number.NEGATIVE_INFINITY, periodMs: FALLBACK_MS_MIN, opensUntil: now + FALLBACK_MS_MAX });
  }

  /** HTTP is no way either. */
  forget(origin: string): void {
    this.#relays.delete(origin);
  }

  forgetAll(): void {
    this.#relays.clear();
  }

  /** Calls when one opened that somebody else looked with; the returned function ends it. */
  watch(origin: string, call: () => void): () => void {
    this.#watchers.set(call, origin);
    return () => void this.#watchers.delete(call);
  }

  #learn(origin: string, known: Known): void {
    this.#relays.delete(origin);
    this.#relays.set(origin, known);
    const [oldest] = this.#relays.keys();
    if (this.#relays.size > FALLBACK_RELAYS_MAX && oldest !== undefined) this.#relays.delete(oldest);
  }
}

// A clock that was set back must not stretch it.
function restMs(until: number | undefined, now: number): number {
  const restMs = (until ?? now) - now;
  return restMs > FALLBACK_MS_MAX ? 0 : Math.max(0, restMs);
}
