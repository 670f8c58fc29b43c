/**
 * Sync transports of PluresDB, with sealrelay as the relay.
 *
 * ```ts
 * import { createTransport } from 'sealrelay/pluresdb';
 * const transport = createTransport({ mode: 'auto', azureRelayUrl: 'wss://relay.example', syncKey });
 * const connection = await transport.connect('peer-a');
 * ```
 */
export { createTransport } from './create-transport.js';
export type { DirectMembership, DirectNetwork, DirectStream, DirectStreamEvents } from './direct-network.js';
export { hyperswarmNetwork } from './hyperswarm-network.js';
export type { Swarm, SwarmDiscovery, SwarmRoles, SwarmStream } from './hyperswarm-network.js';
export { MESSAGE_BYTES_MAX } from './limits.js';
export { DEFAULT_TOPIC, defaultTransportConfig } from './transport.js';
export type { SyncConnection, SyncTransport, TransportConfig, TransportEvent, TransportMode } from './transport.js';
export { ClientError } from '../client-error.js';
export type { TextWebSocketConstructor, TextWebSocketLike } from '../transport/text-socket.js';
