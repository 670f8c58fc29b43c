// Where the keys of JWTs may be read from.
import { isLoopback } from './bind.js';

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Whether a source is a path. */
export function isKeyFile(source: string): boolean {
  return !SCHEME.test(source);
}

/** Whether a source may be read: a path, https, or http on this machine. */
export function isKeySource(source: string): boolean {
  if (isKeyFile(source)) return true;
  if (!URL.canParse(source)) return false;
  const { protocol, hostname } = new URL(source);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
