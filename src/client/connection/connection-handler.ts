// What the connection needs from whom it serves, and what it gives to an open session.
import type { ClientFrame } from '../../protocol/client-frame.js';
import type { GoawayFrame, RelayFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import type { ClientError } from '../client-error.js';
import type { HandshakeOffer } from './handshake.js';
import type { ConnectionState } from './machine.js';
import type { RelayRefusal } from './relay-refusal.js';

/** What an open session may do with its connection. */
export interface SessionLink {
  /** The feature bits both sides offered. */
  readonly features: bigint;
  send(frame: ClientFrame): void;
  /** Resolves when the send buffer is low enough for bulk frames, or the connection ended. */
  writable(): Promise<void>;
  /** Ends the connection and comes back after a back-off. */
  reconnect(): void;
}

/** Whom the driver serves. `opened` and `frame` are awaited one after the other; what they throw ends the connection for good. */
export interface ConnectionHandler {
  /** Asked at each attempt. */
  offer(): HandshakeOffer;
  opened(link: SessionLink, welcome: WelcomeFrame, raw: Uint8Array): Promise<void>;
  frame(frame: Exclude<RelayFrame, GoawayFrame>, raw: Uint8Array): Promise<void>;
  down(): void;
  /** True: the refusal may be overcome by what the next offer says, so come back. */
  refused(refusal: RelayRefusal): boolean;
  /** Turns what a handler threw into the error of the failed state. */
  failure(cause: unknown): ClientError;
  stateChanged(state: ConnectionState): void;
}
