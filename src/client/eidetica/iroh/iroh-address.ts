// Addresses of peers over iroh, as the system's own instances write them: the id of an endpoint, and where it can be reached directly.
import { ClientError } from '../../client-error.js';
import { fromHex } from '../../../protocol/hex.js';
import type { Address } from '../wire.js';
import type { IrohAddr, IrohEndpoint, IrohPackage } from './iroh-package.js';

/** Direct addresses in one address. */
const DIRECT_MAX = 32;
const ID_HEX = /^[0-9a-f]{64}$/;

/** Of an endpoint, by its id in hex. */
export function irohAddress(id: string, directAddresses: readonly string[], relayUrl: string | null = null): Address {
  return { transport_type: 'iroh', address: JSON.stringify({ node_id: id, direct_addresses: directAddresses, ...(relayUrl === null ? {} : { relay_url: relayUrl }) }) };
}

/** Of this endpoint, as far as it knows now. */
export function addressOf(endpoint: IrohEndpoint): Address {
  const addr = endpoint.addr();
  return irohAddress(endpoint.id().toString(), addr.directAddresses(), addr.relayUrl());
}

export interface ReadAddress {
  readonly id: Uint8Array;
  readonly idText: string;
  readonly direct: readonly string[];
  readonly relayUrl: string | null;
}

/** Reads the text of an address: JSON, or an id alone. */
export function readIrohAddress(text: string): ReadAddress {
  const read: unknown = ID_HEX.test(text) ? { node_id: text } : parsed(text);
  const { node_id, direct_addresses = [], relay_url = null } = (typeof read === 'object' && read !== null ? read : {}) as Readonly<Record<string, unknown>>;
  const isList = Array.isArray(direct_addresses) && direct_addresses.length <= DIRECT_MAX && direct_addresses.every((address) => typeof address === 'string');
  const id = typeof node_id === 'string' && ID_HEX.test(node_id) ? fromHex(node_id) : undefined;
  if (typeof node_id !== 'string' || id === undefined || !isList || (relay_url !== null && typeof relay_url !== 'string')) throw badAddress();
  return { id, idText: node_id, direct: direct_addresses as string[], relayUrl: relay_url };
}

/** The same for the package. */
export function packageAddress({ EndpointAddr, EndpointId }: IrohPackage, { id, direct, relayUrl }: ReadAddress): IrohAddr {
  try {
    return new EndpointAddr(EndpointId.fromBytes([...id]), relayUrl, [...direct]);
  } catch (cause) {
    throw badAddress(cause);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badAddress(cause);
  }
}

function badAddress(cause?: unknown): ClientError {
  return new ClientError('bad_address', 'the address of the peer is none of iroh', { cause, hint: 'It is JSON with node_id (64 hex digits) and direct_addresses, or the id alone.' });
}
