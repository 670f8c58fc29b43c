// The adapter on Node, which before version 22 has no WebSocket of its own: the one of `ws` is the default.
import { NodeWebSocket } from '../client/node.js';
import { SealrelayNetworkAdapter as Adapter } from './index.js';
import type { AdapterOptions } from './index.js';

/** Give it to a Repo as `network: [new SealrelayNetworkAdapter({ link })]`. */
export class SealrelayNetworkAdapter extends Adapter {
  constructor(options: AdapterOptions) {
    super({ webSocket: NodeWebSocket, ...options });
  }
}

export type { AdapterOptions } from './index.js';
