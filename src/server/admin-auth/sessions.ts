// Who is signed in. Sessions are in memory only: a restart signs everybody out. The cookie's value is never kept, only its digest.
import { digest, newSecret } from './secrets.js';

/** How somebody signed in. */
export type SignInWay = 'link' | 'token' | 'passkey';

export interface Session {
  /** Says which session it was, and nothing about its cookie. */
  readonly pseudonym: string;
  readonly way: SignInWay;
  readonly endsAtMs: number;
}

export const SESSION_MS_MAX = 12 * 60 * 60 * 1000;
const IDLE_MS_MAX = 60 * 60 * 1000;
/** The session that was used longest ago gives way. */
const SESSIONS_MAX = 64;
const PSEUDONYM_CHARS = 10;

interface Kept {
  readonly session: Session;
  readonly usedAtMs: number;
}

export class Sessions {
  readonly #kept = new Map<string, Kept>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Starts a session; returns the value of its cookie. */
  start(way: SignInWay): { readonly cookie: string; readonly session: Session } {
    const cookie = newSecret();
    const nowMs = this.#nowMs();
    const session = { pseudonym: digest(`pseudonym ${cookie}`).toString('hex').slice(0, PSEUDONYM_CHARS), way, endsAtMs: nowMs + SESSION_MS_MAX };
    this.#kept.set(keyOf(cookie), { session, usedAtMs: nowMs });
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > SESSIONS_MAX && oldest.done === false) this.#kept.delete(oldest.value);
    return { cookie, session };
  }

  /** The session of a cookie, which counts as a use; null when it has ended. */
  use(cookie: string): Session | null {
    const key = keyOf(cookie);
    const kept = this.#live(key);
    this.#kept.delete(key);
    if (kept === null) return null;
    this.#kept.set(key, { ...kept, usedAtMs: this.#nowMs() });
    return kept.session;
  }

  /** Whether the session of a cookie goes on; looking is no use. */
  has(cookie: string): boolean {
    return this.#live(keyOf(cookie)) !== null;
  }

  /** Whether there was such a session. */
  end(cookie: string): boolean {
    return this.#kept.delete(keyOf(cookie));
  }

  endAll(): void {
    this.#kept.clear();
  }

  #live(key: string): Kept | null {
    const kept = this.#kept.get(key);
    const nowMs = this.#nowMs();
    const isOver = kept === undefined || nowMs >= kept.session.endsAtMs || nowMs - kept.usedAtMs >= IDLE_MS_MAX;
    return isOver ? null : kept;
  }
}

/** A look-up by digest takes as long for a near miss as for any other. */
function keyOf(cookie: string): string {
  return digest(cookie).toString('base64');
}
