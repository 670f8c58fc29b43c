// Bounds guessing: so many failed attempts of one address in a minute, then nothing is even looked at until the minute is over.

const ATTEMPTS_PER_MINUTE_MAX = 5;
const WINDOW_MS = 60_000;
/** Addresses that are remembered; the one that failed longest ago gives way. */
const ADDRESSES_MAX = 4096;

interface Failures {
  readonly sinceMs: number;
  readonly count: number;
}

export class Attempts {
  readonly #failures = new Map<string, Failures>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Milliseconds until the address may try again; 0: it may now. */
  waitMs(address: string): number {
    const failures = this.#current(keyOf(address));
    if (failures === null || failures.count < ATTEMPTS_PER_MINUTE_MAX) return 0;
    return failures.sinceMs + WINDOW_MS - this.#nowMs();
  }

  /** Notes a failed attempt. */
  failed(address: string): void {
    const key = keyOf(address);
    const failures = this.#current(key) ?? { sinceMs: this.#nowMs(), count: 0 };
    this.#failures.delete(key);
    this.#failures.set(key, { ...failures, count: failures.count + 1 });
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > ADDRESSES_MAX && oldest.done === false) this.#failures.delete(oldest.value);
  }

  /** Takes one failure back that was noted before it was known. */
  succeeded(address: string): void {
    const key = keyOf(address);
    const failures = this.#current(key);
    if (failures === null) return;
    if (failures.count <= 1) this.#failures.delete(key);
    else this.#failures.set(key, { ...failures, count: failures.count - 1 });
  }

  #current(key: string): Failures | null {
    const failures = this.#failures.get(key);
    return failures === undefined || this.#nowMs() - failures.sinceMs >= WINDOW_MS ? null : failures;
  }
}

/** Whoever has one IPv6 address has 2^64 of them. */
function keyOf(address: string): string {
  const isV4 = !address.includes(':') || address.toLowerCase().startsWith('::ffff:');
  return isV4 ? address : address.split(':').slice(0, 4).join(':');
}
