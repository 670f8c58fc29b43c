// The relay address: where to connect and which key to expect. It holds no secret.
import { networkInterfaces } from 'node:os';
import { isLoopback } from '../config/bind.js';
import type { RelayInfo } from '../native/relay-port.js';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** What clients are given. Where every address is listened on, it is the first one that other machines can reach. */
export function relayAddress(info: RelayInfo, interfaces: Interfaces = networkInterfaces()): string {
  const listened = isWildcard(info.host) ? (firstReachable(interfaces) ?? '127.0.0.1') : info.host;
  // A certificate holds for names, rarely for addresses.
  const host = info.certificateName ?? listened;
  const usual = !isLoopback(host);
  const query = info.tls === usual ? '' : `?tls=${info.tls ? 'on' : 'off'}`;
  return `sealrelay://${authority(host, info.port)}/${query}#k=${info.logId}`;
}

/** True for the addresses that mean all of this machine's. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '[::]';
}

function firstReachable(interfaces: Interfaces): string | null {
  const addresses = Object.values(interfaces).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null;
}

/** `host:port`, with brackets around an IPv6 address. */
export function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
