// What apps see of every transport.
import type { Environment } from '../environment.js';
import type { TextWebSocketConstructor } from '../transport/text-socket.js';
import type { DirectNetwork } from './direct-network.js';
import { CONNECTION_TIMEOUT_MS } from './limits.js';

/** A way to one peer, or to all peers of a topic. */
export interface SyncConnection {
  /** Resolves when the network took it; waits while the network is slower than the app. */
  send(data: Uint8Array): Promise<void>;
  /** What comes, until the connection ends; rejects when something broke it. What is not read holds up who sends. */
  receive(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface SyncTransport {
  readonly name: string;
  /** Resolves when there is a peer. The id is the own one. */
  connect(peerId: string): Promise<SyncConnection>;
  /** Resolves when peers can come; each of them is told of once. */
  listen(onConnection: (connection: SyncConnection) => void): Promise<void>;
  close(): Promise<void>;
}

export type TransportMode = 'auto' | 'azure-relay' | 'vercel-relay' | 'direct';

/** What is tried, and what became of it. */
export type TransportEvent =
  | { readonly type: 'attempt'; readonly transport: string; readonly outcome: 'connected' | 'failed' | 'skipped'; readonly error: Error | null }
  /** The way to a peer is another one. */
  | { readonly type: 'path'; readonly peerId: string; readonly path: 'direct' | 'relay' | 'none' }
  /** Something came that was not made with the sync key. */
  | { readonly type: 'unreadable'; readonly error: Error };

export interface TransportConfig {
  readonly mode: TransportMode;
  readonly azureRelayUrl?: string;
  readonly vercelRelayUrl?: string;
  /** Seals every message and hides the topic; all peers need the same. Peers that seal nothing cannot read it. */
  readonly syncKey?: string;
  /** Time for each attempt, in milliseconds. */
  readonly connectionTimeoutMs?: number;
  /** Who meets whom; a secret where there is no sync key. */
  readonly topic?: string;
  /** What a relay with a token file asks for. */
  readonly token?: string;
  /** `corporate`: no direct way is ever tried, nor looked for; the only traffic is to the relays. */
  readonly profile?: 'any' | 'corporate';
  /** Time for the direct way before a relay is tried, in milliseconds. */
  readonly directTimeoutMs?: number;
  /** The network for direct ways; absent: there is none. */
  readonly direct?: DirectNetwork;
  readonly webSocket?: TextWebSocketConstructor;
  readonly environment?: Partial<Environment>;
  readonly observe?: (event: TransportEvent) => void;
}

/** The topic of everybody who names none. */
export const DEFAULT_TOPIC = 'pluresdb-default';

export const defaultTransportConfig: TransportConfig = { mode: 'auto', connectionTimeoutMs: CONNECTION_TIMEOUT_MS };
