// Ways to peers, and ways in which peers come.
import type { SyncHandler } from './serve/sync-handler.js';
import type { Address, SyncRequest } from './wire.js';

/** Proves the body of a request; `channel` is what both ends know of their way, and nobody in between can choose. */
export type Prove = (body: Uint8Array, channel: Uint8Array) => Promise<string>;

/** A way to peers. */
export interface SyncTransport {
  /** Bytes of entries that one request may have about; there is a limit without it. */
  readonly requestBytesMax?: number;
  /** Whether it can reach addresses of this kind. */
  canReach(address: Address): boolean;
  /** What both ends of the way to an address know of it; absent where a way has nothing of the kind. */
  channelTo?(address: Address): Uint8Array;
  /** The answer, as it came; rejects with a ClientError, which is temporary when trying again can help. With `prove` the proof of the body goes along beside it: the peer takes it. */
  send(address: Address, request: SyncRequest, prove?: Prove): Promise<unknown>;
}

/** A way in which peers come. */
export interface SyncListener {
  listen(handler: SyncHandler): Promise<SyncServer>;
}

/** Answers peers until it is closed. */
export interface SyncServer {
  /** What peers connect to. */
  readonly address: Address;
  /** Takes no more requests and resolves when those at work have their answers. */
  close(): Promise<void>;
}
