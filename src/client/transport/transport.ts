// What the connection needs from a byte-message transport: a WebSocket in practice, a pair of queues in tests.

/** Why a transport ended: a WebSocket close code, 1006 when there was none. */
export interface Closure {
  readonly code: number;
  readonly reason: string;
}

/** Called by the transport; after `closed` nothing more comes. */
export interface TransportEvents {
  opened(): void;
  message(bytes: Uint8Array): void;
  closed(closure: Closure): void;
}

/** One connection attempt and what becomes of it. */
export interface Transport {
  /** Queues one message; throws ClientError when the bounded buffer is full. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Bytes queued and not yet given to the network. */
  readonly bufferedBytes: number;
  close(code: number, reason: string): void;
}

/** Starts a connection attempt. */
export interface OpenTransport {
  (url: string, events: TransportEvents): Transport;
  /** The network may be another one: what was found out about the one before does not count. */
  networkChanged?(): void;
}
