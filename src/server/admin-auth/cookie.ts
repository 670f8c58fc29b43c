// The cookie of a session: for this host and the paths of the admin API only, never read by scripts, never sent from elsewhere.
import { SESSION_MS_MAX } from './sessions.js';

const NAME = 'sealrelay-admin';
const HEADER_CHARS_MAX = 4096;

/** The value in a Cookie header; null when there is none. */
export function readCookie(header: string | undefined): string | null {
  if (header === undefined || header.length > HEADER_CHARS_MAX) return null;
  const pairs = header.split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${NAME}=`))?.slice(NAME.length + 1) ?? null;
}

/** Keeps a value. `origin` says whether the page came over TLS. */
export function setCookie(value: string, origin: string | undefined): string {
  return cookie(value, Math.floor(SESSION_MS_MAX / 1000), origin);
}

/** Takes the cookie away. */
export function dropCookie(origin: string | undefined): string {
  return cookie('', 0, origin);
}

function cookie(value: string, seconds: number, origin: string | undefined): string {
  const secure = origin?.startsWith('https:') === true ? '; Secure' : '';
  return `${NAME}=${value}; Path=/admin; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
}
