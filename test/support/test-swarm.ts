// A DHT of a few nodes on loopback, and swarms in it. Types of its own: the packages have none.
import { createRequire } from 'node:module';
import { hyperswarmNetwork, type Swarm } from '../../src/client/plures/hyperswarm-network.js';
import type { DirectNetwork } from '../../src/client/plures/direct-network.js';

interface Testnet {
  readonly bootstrap: readonly { readonly host: string; readonly port: number }[];
  destroy(): Promise<void>;
}

export interface TestSwarms {
  readonly bootstrap: Testnet['bootstrap'];
  readonly network: DirectNetwork;
  /** Cuts every stream without a word, as a network that is gone does. */
  cut(): void;
  close(): Promise<void>;
}

/** Null: the native parts do not load on this platform; says why. */
export async function startTestSwarms(): Promise<TestSwarms | { readonly why: string }> {
  const require = createRequire(import.meta.url);
  try {
    const createTestnet = require('hyperdht/testnet') as (size: number) => Promise<Testnet>;
    const Hyperswarm = require('hyperswarm') as new (options: object) => Swarm & { readonly connections: Iterable<{ destroy(): void }> };
    const Dht = require('hyperdht') as new (options: object) => object;
    const testnet = await createTestnet(3);
    const swarms: InstanceType<typeof Hyperswarm>[] = [];
    return {
      bootstrap: testnet.bootstrap,
      network: hyperswarmNetwork(() => {
        const swarm = new Hyperswarm({ dht: new Dht({ bootstrap: testnet.bootstrap, host: '127.0.0.1' }) });
        swarms.push(swarm);
        return swarm;
      }),
      cut: () => swarms.forEach(({ connections }) => [...connections].forEach((stream) => stream.destroy())),
      close: () => testnet.destroy(),
    };
  } catch (cause) {
    return { why: (cause as Error).message };
  }
}
