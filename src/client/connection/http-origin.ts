// Where a relay answers requests over HTTP.
import type { RelayAddress } from '../../protocol/address.js';

/** `https://host:port` of a relay. */
export function httpOrigin({ host, port, tls }: RelayAddress): string {
  return `${tls ? 'https' : 'http'}://${host}:${port}`;
}
