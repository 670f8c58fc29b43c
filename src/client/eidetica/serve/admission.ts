// How much is served: requests a minute of each caller, requests and bytes of bodies at a time over all of them.
import { AT_ONCE_MAX, BODIES_BYTES_MAX, BODY_BYTES_MAX, CALLERS_MAX } from './limits.js';
import { Refusal } from './refusal.js';

/** How many requests of one caller are served. */
export interface CallRate {
  readonly perMinute: number;
  readonly burst: number;
}

/** One request that is being served; end it in any case. */
export interface Visit {
  /** Counts bytes of its body; throws when there are too many. */
  take(bytes: number): void;
  end(): void;
}

export class Admission {
  readonly #now: () => number;
  readonly #rate: CallRate;
  /** When each caller will have used up nothing of its rate, in Unix milliseconds; who was seen last is last. */
  readonly #free = new Map<string, number>();
  #visits = 0;
  #bytes = 0;

  constructor(now: () => number, rate: CallRate) {
    [this.#now, this.#rate] = [now, rate];
  }

  /** Lets a caller in, or throws. */
  begin(from: string): Visit {
    this.#pay(from);
    if (this.#visits >= AT_ONCE_MAX) throw new Refusal(503, `there are ${AT_ONCE_MAX} requests at work already`, 1);
    this.#visits += 1;
    let [bytes, isOver] = [0, false];
    return {
      take: (more) => {
        if (bytes + more > BODY_BYTES_MAX) throw new Refusal(413, `the body has more than ${BODY_BYTES_MAX} bytes`);
        if (this.#bytes + more > BODIES_BYTES_MAX) throw new Refusal(503, 'too many large requests are at work', 1);
        bytes += more;
        this.#bytes += more;
      },
      end: () => {
        if (isOver) return;
        isOver = true;
        this.#visits -= 1;
        this.#bytes -= bytes;
      },
    };
  }

  #pay(from: string): void {
    const now = this.#now();
    const [each, burst] = [60_000 / this.#rate.perMinute, this.#rate.burst];
    const free = Math.max(this.#free.get(from) ?? this.#room(), now);
    const waitMs = free + each - (now + burst * each);
    if (waitMs > 0) throw new Refusal(429, 'too many requests of this caller', Math.ceil(waitMs / 1000));
    this.#free.delete(from);
    this.#free.set(from, free + each);
  }

  /** Makes room for one more caller, who begins where the one that goes stood: filling the table forgives nobody. */
  #room(): number {
    const [oldest] = this.#free;
    if (oldest === undefined || this.#free.size < CALLERS_MAX) return 0;
    this.#free.delete(oldest[0]);
    return oldest[1];
  }
}
