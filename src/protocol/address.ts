// Relay addresses and space links. Grammar and TLS rule: docs/protocol.md section 1.
import { fromBase64url, toBase64url } from './base64url.js';
import { isSoundKey } from './ed25519-strict.js';
import { U64_MAX } from './byte-reader.js';

const SCHEME = 'sealrelay://';
const TLS_PORT = 443;
const PLAIN_PORT = 8080;
const ROUTE = '/v1/connect';
/** Longest address or link that is looked at. */
const ADDRESS_CHARACTERS_MAX = 1024;

/** Where a relay is, and the log id it is pinned to. */
export interface RelayAddress {
  /** A name, an IPv4 address, or an IPv6 address in brackets; lower case. */
  readonly host: string;
  readonly port: number;
  /** Whether the transport is TLS. */
  readonly tls: boolean;
  readonly logId: Uint8Array;
}

/** A relay address with the root secret; whoever holds it is an admin. */
export interface SpaceLink {
  readonly address: RelayAddress;
  readonly rootSecret: Uint8Array;
  /** The roster its maker knew, so that a new device cannot be given an older one. */
  readonly roster?: { readonly version: number; readonly hash: Uint8Array };
}

/** Which part of an address is wrong. */
export type AddressErrorCode = 'scheme' | 'host' | 'port' | 'path' | 'query' | 'key' | 'secret' | 'roster' | 'fragment' | 'length';

/** An address or link that does not follow the grammar. The message never repeats the text, which may hold a secret. */
export class AddressError extends Error {
  readonly code: AddressErrorCode;

  constructor(code: AddressErrorCode, detail: string) {
    super(`${code}: ${detail}`);
    this.name = 'AddressError';
    this.code = code;
  }
}

/** Reads a relay address; a space link is refused, so that a secret cannot slip in where an address is stored. */
export function parseRelayAddress(text: string): RelayAddress {
  const { address, fields } = parse(text);
  if (fields.size !== 1) throw new AddressError('fragment', 'a relay address carries only k');
  return address;
}

/** Reads a space link. */
export function parseSpaceLink(text: string): SpaceLink {
  const { address, fields } = parse(text);
  const rootSecret = fromBase64url(fields.get('s') ?? '');
  if (rootSecret?.length !== 32) throw new AddressError('secret', 's is not 32 bytes of base64url');
  const roster = parseRosterPin(fields.get('v'), fields.get('r'));
  return roster === undefined ? { address, rootSecret } : { address, rootSecret, roster };
}

/** The text of a relay address. */
export function formatRelayAddress(address: RelayAddress): string {
  const port = address.port === (address.tls ? TLS_PORT : PLAIN_PORT) ? '' : `:${address.port}`;
  const usual = !isLoopback(address.host);
  const query = address.tls === usual ? '' : `?tls=${address.tls ? 'on' : 'off'}`;
  return `${SCHEME}${address.host}${port}/${query}#k=${toBase64url(address.logId)}`;
}

/** The text of a space link. */
export function formatSpaceLink({ address, rootSecret, roster }: SpaceLink): string {
  const link = `${formatRelayAddress(address)}&s=${toBase64url(rootSecret)}`;
  return roster === undefined ? link : `${link}&v=${roster.version}&r=${toBase64url(roster.hash)}`;
}

/** The WebSocket URL to connect to. */
export function connectUrl(address: RelayAddress): string {
  return `${address.tls ? 'wss' : 'ws'}://${address.host}:${address.port}${ROUTE}`;
}

/** Whether the host is this machine, where TLS is not asked for unless the address says so. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIpv4(host) && host.startsWith('127.'));
}

interface Parsed {
  readonly address: RelayAddress;
  readonly fields: ReadonlyMap<string, string>;
}

function parse(text: string): Parsed {
  if (text.length > ADDRESS_CHARACTERS_MAX) throw new AddressError('length', `more than ${ADDRESS_CHARACTERS_MAX} characters`);
  if (text.slice(0, SCHEME.length).toLowerCase() !== SCHEME) throw new AddressError('scheme', `it does not start with ${SCHEME}`);
  const [, authority = '', path = '', query = '', fragment = ''] = /^([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(text.slice(SCHEME.length)) ?? [];
  if (path !== '/' && path !== '') throw new AddressError('path', 'a relay address has no path');
  if (!['', '?tls=off', '?tls=on'].includes(query)) throw new AddressError('query', 'only tls=on and tls=off are known');
  const [, name = '', portText] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(authority) ?? [];
  const host = parseHost(name);
  const tls = query === '' ? !isLoopback(host) : query === '?tls=on';
  const fields = parseFragment(fragment);
  const logId = fromBase64url(fields.get('k') ?? '');
  if (logId === undefined || !isSoundKey(logId)) throw new AddressError('key', 'k is not the base64url of a relay key');
  return { address: { host, port: parsePort(portText, tls), tls, logId }, fields };
}

function parseHost(name: string): string {
  const host = name.toLowerCase();
  if (host.startsWith('[')) {
    if (!isIpv6(host)) throw new AddressError('host', 'not an IPv6 address');
    return host;
  }
  const labels = host.split('.');
  const sound = host.length <= 253 && labels.every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label));
  if (!sound) throw new AddressError('host', 'not a host name or address');
  if (/^[0-9]+$/.test(labels.at(-1) ?? '') && !isIpv4(host)) throw new AddressError('host', 'not an IPv4 address');
  return host;
}

function isIpv4(host: string): boolean {
  const parts = host.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(host: string): boolean {
  return /^\[[0-9a-f:.]+\]$/.test(host) && URL.canParse(`http://${host}/`);
}

function parsePort(text: string | undefined, tls: boolean): number {
  if (text === undefined) return tls ? TLS_PORT : PLAIN_PORT;
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  if (port === 0 || port > 65_535) throw new AddressError('port', 'not a number from 1 to 65535');
  return port;
}

function parseFragment(fragment: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const pair of fragment.slice(1).split('&')) {
    const [, name = '', value = ''] = /^([ksvr])=(.+)$/s.exec(pair) ?? [];
    if (name === '' || fields.has(name)) throw new AddressError('fragment', 'an unknown, empty or repeated field');
    fields.set(name, value);
  }
  return fields;
}

function parseRosterPin(version: string | undefined, hash: string | undefined): SpaceLink['roster'] {
  if (version === undefined && hash === undefined) return undefined;
  const bytes = fromBase64url(hash ?? '');
  const number = /^[1-9][0-9]{0,15}$/.test(version ?? '') ? Number(version) : 0;
  if (bytes?.length !== 32 || number === 0 || number > U64_MAX) throw new AddressError('roster', 'v and r do not name a roster');
  return { version: number, hash: bytes };
}
