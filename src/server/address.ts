// The relay address: where to connect and which key to expect. It holds no secret.
import type { RelayInfo } from '../native/relay-port.js';

export function relayAddress(info: RelayInfo): string {
  return `sealrelay://${authority(info.host, info.port)}/#k=${info.logId}`;
}

/** `host:port`, with brackets around an IPv6 address. */
export function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
