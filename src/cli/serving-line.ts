// What `relay serve --json` says once it listens: one line for a program, where a person gets the banner. Who starts relays keeps what they
// print, so a link that signs in stays out of it, as out of the log.
import type { RelayInfo } from '../native/relay-port.js';
import type { BannerFacts } from './banner.js';

/** The facts without what signs in, and how to get that. */
export function withoutSignIn({ adminUrl, isFirstSignIn, ...facts }: BannerFacts): Omit<BannerFacts, 'isFirstSignIn'> & { readonly adminHint?: string } {
  const shown = { ...facts, adminUrl: adminUrl?.replace(/#.*$/, '') ?? null };
  return isFirstSignIn ? { ...shown, adminHint: '`relay admin-link` prints a link to sign in with' } : shown;
}

/** `publicKey` is what clients pin, base64url; `ready` says that it takes work. */
export function servingLine(facts: BannerFacts, { host, port, redirectPort, logId }: RelayInfo, pid: number): string {
  return JSON.stringify({ event: 'listening', ready: true, pid, ...withoutSignIn(facts), publicKey: logId, host, port, redirectPort });
}
