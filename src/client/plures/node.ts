// The same on Node: the WebSocket of `ws`, and direct ways by Hyperswarm where that is installed.
import { NodeWebSocket } from '../node.js';
import { createTransport as createBareTransport } from './create-transport.js';
import { hyperswarmNetwork } from './hyperswarm-network.js';
import { noDirectWay } from './transport-errors.js';
import type { SyncTransport, TransportConfig } from './transport.js';

/** A transport of that mode. Hyperswarm is loaded when a direct way is looked for, and never with the corporate profile. */
export function createTransport(config: TransportConfig): SyncTransport {
  return createBareTransport({ webSocket: NodeWebSocket, direct: installedSwarm, ...config });
}

const installedSwarm = hyperswarmNetwork(async () => {
  const { default: Hyperswarm } = await import('hyperswarm').catch(() => {
    throw noDirectWay();
  });
  return new Hyperswarm();
});

export * from './index.js';
