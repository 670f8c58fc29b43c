// Who may administer this relay: a token, a one-time link, a passkey. It knows nothing of HTTP.
import { RelayError } from '../../errors.js';
import type { AuditSink } from '../audit/audit-sink.js';
import { Attempts } from './attempts.js';
import { removeLocalToken, writeLocalToken } from './local-token.js';
import { OneTimeLink } from './one-time-link.js';
import { PasskeyStore } from './passkey-store.js';
import { digest, isSecret } from './secrets.js';
import { Sessions, type Session, type SignInWay } from './sessions.js';

export interface AdminAccessDeps {
  /** The operator's token; the empty text where none is set. */
  readonly token: () => string;
  readonly audit: AuditSink;
  readonly nowMs: () => number;
}

/** What an attempt came to. */
export type SignIn = { readonly ok: true; readonly cookie: string; readonly session: Session } | { readonly ok: false; readonly retryAfterMs: number };

export class AdminAccess {
  readonly sessions: Sessions;
  readonly audit: AuditSink;
  readonly nowMs: () => number;
  readonly #attempts: Attempts;
  readonly #link: OneTimeLink;
  readonly #token: () => string;
  #local: { readonly digest: Buffer; readonly dataDir: string; readonly passkeys: PasskeyStore } | null = null;

  constructor({ token, audit, nowMs }: AdminAccessDeps) {
    this.#token = token;
    // What cannot be written is reported by the log itself, and a full disk must not keep the operator out.
    this.audit = { record: (entry) => audit.record(entry).catch(() => undefined) };
    this.nowMs = nowMs;
    this.sessions = new Sessions(nowMs);
    this.#attempts = new Attempts(nowMs);
    this.#link = new OneTimeLink(nowMs);
  }

  /** Called once this process holds the data directory; before that nobody can sign in with what lies there. */
  async open(dataDir: string): Promise<void> {
    const passkeys = await PasskeyStore.open(dataDir);
    this.#local = { digest: digest(await writeLocalToken(dataDir)), dataDir, passkeys };
  }

  /** Ends every session and takes the token of this machine away. */
  async close(): Promise<void> {
    const local = this.#local;
    this.#local = null;
    this.sessions.endAll();
    if (local !== null) await removeLocalToken(local.dataDir);
  }

  get hasToken(): boolean {
    return this.#token() !== '';
  }

  get passkeys(): PasskeyStore {
    if (this.#local === null) throw new RelayError('starting', 'the relay is starting', { temporary: true });
    return this.#local.passkeys;
  }

  /** A new code for a one-time link. */
  issueLink(): string {
    return this.#link.issue();
  }

  /** Whether it is the operator's token or the one of this machine; a failure counts as an attempt of `address`. */
  checkToken(given: string, address: string): 'right' | 'wrong' | { readonly retryAfterMs: number } {
    const retryAfterMs = this.#attempts.waitMs(address);
    if (retryAfterMs > 0) return { retryAfterMs };
    if (this.#isToken(given)) return 'right';
    this.#attempts.failed(address);
    return 'wrong';
  }

  signInWithToken(given: string, address: string): Promise<SignIn> {
    return this.#signIn('token', address, async () => this.#isToken(given));
  }

  signInWithLink(code: string, address: string): Promise<SignIn> {
    return this.#signIn('link', address, async () => this.#link.redeem(code));
  }

  /** `verify` says whether the answer of an authenticator is good. */
  signInWithPasskey(address: string, verify: () => Promise<boolean>): Promise<SignIn> {
    return this.#signIn('passkey', address, verify);
  }

  async #signIn(way: SignInWay, address: string, isGood: () => Promise<boolean>): Promise<SignIn> {
    const retryAfterMs = this.#attempts.waitMs(address);
    if (retryAfterMs > 0) return { ok: false, retryAfterMs };
    // Counted before it is judged, so that attempts that are judged at the same time are not free.
    this.#attempts.failed(address);
    if (!(await isGood())) {
      await this.audit.record({ action: 'admin.signed-in', actor: 'operator', subject: null, outcome: 'refused', detail: { way } });
      return { ok: false, retryAfterMs: 0 };
    }
    this.#attempts.succeeded(address);
    const started = this.sessions.start(way);
    await this.audit.record({ action: 'admin.signed-in', actor: actorOf(started.session), subject: null, outcome: 'done', detail: { way } });
    return { ok: true, ...started };
  }

  #isToken(given: string): boolean {
    const token = this.#token();
    const isOperators = isSecret(given, digest(token)) && token !== '';
    const isLocal = this.#local !== null && isSecret(given, this.#local.digest);
    return isOperators || isLocal;
  }
}

/** As the audit log names who acted. */
export function actorOf(session: Session | null): string {
  return session === null ? 'operator' : `admin ${session.pseudonym}`;
}
