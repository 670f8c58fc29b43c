// The one-time admin link: one at a time, good once, for half an hour. What it carries is kept as a digest only.
import { digest, isSecret, newSecret } from './secrets.js';

export const LINK_MS_MAX = 30 * 60 * 1000;

export class OneTimeLink {
  readonly #nowMs: () => number;
  #current: { readonly digest: Buffer; readonly endsAtMs: number } | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A new code; the one before is worth nothing any more. */
  issue(): string {
    const code = newSecret();
    this.#current = { digest: digest(code), endsAtMs: this.#nowMs() + LINK_MS_MAX };
    return code;
  }

  /** Whether it is the code; it is used up by this. */
  redeem(code: string): boolean {
    const current = this.#current;
    if (current === null || this.#nowMs() >= current.endsAtMs || !isSecret(code, current.digest)) return false;
    this.#current = null;
    return true;
  }
}

/** What is printed. The code is behind the `#`, so that no server and no log on the way sees it; passkeys need a name, not an address. */
export function linkUrl(port: number, code: string): string {
  return `http://localhost:${port}/admin#link=${code}`;
}
