// What is spoken over iroh: a stream for each request and its answer, JSON both ways.
const TEXT = new TextEncoder();

/** The system's own protocol: the body alone. */
export const PLAIN_ALPN = 'eidetica/v0';
/** The same between peers of this project: a line with the proof of the request, then its body. */
export const PROVEN_ALPN = 'sealrelay/eidetica/v1';
/** Bytes that instances of the system read of a message, less what is around entries in it. */
export const PEER_BYTES_MAX = 1024 * 1024 - 64 * 1024;

/** What both ends know of their way: whose endpoint asks, and whose is asked. Both proved these ids to each other when they connected. */
export function channelOf(asking: Uint8Array, asked: Uint8Array): Uint8Array {
  return Uint8Array.from([...TEXT.encode('iroh'), ...asking, ...asked]);
}

/** A protocol's name as the package takes it. */
export function alpnBytes(alpn: string): number[] {
  return [...TEXT.encode(alpn)];
}
