// The same on Node: the WebSocket of `ws`, and direct ways by Hyperswarm where that is installed.
import { NodeWebSocket } from '../node.js';
import { createTransport as createBareTransport } from './create-transport.js';
import { hyperswarmNetwork } from './hyperswarm-network.js';
import type { Swarm } from './hyperswarm-network.js';
import { noDirectWay } from './transport-errors.js';
import type { SyncTransport, TransportConfig } from './transport.js';

/** A name, not an import: an app without this optional package is bundled and type-checked without it. */
const OPTIONAL_PACKAGE: string = 'hyperswarm';

interface SwarmPackage {
  readonly default: new (options: { readonly bootstrap?: NodeTransportConfig['bootstrap'] }) => Swarm;
}

export interface NodeTransportConfig extends TransportConfig {
  /** Nodes of the DHT to start from; absent: the public ones. */
  readonly bootstrap?: readonly { readonly host: string; readonly port: number }[];
}

/** A transport of that mode. Hyperswarm is loaded when a direct way is looked for, and never with the corporate profile. */
export function createTransport({ bootstrap, ...config }: NodeTransportConfig): SyncTransport {
  const direct = hyperswarmNetwork(async () => {
    const { default: Hyperswarm }: SwarmPackage = await import(OPTIONAL_PACKAGE).catch(() => {
      throw noDirectWay();
    });
    return new Hyperswarm(bootstrap === undefined ? {} : { bootstrap });
  });
  return createBareTransport({ webSocket: NodeWebSocket, direct, ...config });
}

export * from './index.js';
