// Round trips to the relay in one session: frames come in order, so with the answer is known what the relay held when it was asked.
import type { SessionLink } from '../connection/connection-handler.js';

/** Above every nonce of the connection's own heartbeat, and below those of the watch on the relay. */
const NONCE_BASE = 2 ** 51;

export class RoundTrips {
  readonly #link: Pick<SessionLink, 'send'>;
  #begun = 0;
  #ended = 0;
  #isNextWanted = false;

  constructor(link: Pick<SessionLink, 'send'>) {
    this.#link = link;
  }

  /** Begins one, or waits for the one under way and begins one behind it; what it gives says whether that one is over. */
  begin(): () => boolean {
    if (this.#ended === this.#begun) this.#send();
    else this.#isNextWanted = true;
    const awaited = this.#isNextWanted ? this.#begun + 1 : this.#begun;
    return () => this.#ended >= awaited;
  }

  /** Whether a pong with that nonce ended one. */
  pong(nonce: number): boolean {
    if (nonce !== NONCE_BASE + this.#begun || this.#ended === this.#begun) return false;
    this.#ended = this.#begun;
    if (this.#isNextWanted) this.#send();
    this.#isNextWanted = false;
    return true;
  }

  #send(): void {
    this.#begun += 1;
    this.#link.send({ type: 'Ping', nonce: NONCE_BASE + this.#begun });
  }
}
