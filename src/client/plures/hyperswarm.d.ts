// The optional peer dependency ships no types of its own.
declare module 'hyperswarm' {
  import type { Swarm } from './hyperswarm-network.js';

  export interface SwarmOptions {
    readonly bootstrap?: readonly { readonly host: string; readonly port: number }[];
    readonly dht?: unknown;
  }

  export default class Hyperswarm implements Swarm {
    constructor(options?: SwarmOptions);
    on: Swarm['on'];
    join: Swarm['join'];
    destroy: Swarm['destroy'];
  }
}
