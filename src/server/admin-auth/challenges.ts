// Challenges of passkey ceremonies under way: each is good once and for a few minutes.

const CHALLENGE_MS_MAX = 5 * 60_000;
/** The oldest gives way. */
const CHALLENGES_MAX = 32;

export class Challenges {
  readonly #endsAtMs = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  note(challenge: string): void {
    this.#endsAtMs.set(challenge, this.#nowMs() + CHALLENGE_MS_MAX);
    const oldest = this.#endsAtMs.keys().next();
    if (this.#endsAtMs.size > CHALLENGES_MAX && oldest.done === false) this.#endsAtMs.delete(oldest.value);
  }

  /** Whether it was given out and is not used up; it is now. */
  redeem(challenge: string): boolean {
    const endsAtMs = this.#endsAtMs.get(challenge);
    this.#endsAtMs.delete(challenge);
    return endsAtMs !== undefined && this.#nowMs() < endsAtMs;
  }
}
