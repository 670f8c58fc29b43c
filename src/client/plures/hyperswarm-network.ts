// Direct ways by Hyperswarm: peers find each other in a DHT, and speak over encrypted streams that go through most NATs.
import type { DirectMembership, DirectNetwork, DirectStream, DirectStreamEvents } from './direct-network.js';

/** The part of a Noise stream of Hyperswarm that is used. */
export interface SwarmStream {
  readonly isInitiator: boolean;
  readonly handshakeHash: Uint8Array | null;
  write(bytes: Uint8Array): boolean;
  pause(): unknown;
  resume(): unknown;
  end(): unknown;
  destroy(): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'drain' | 'close' | 'end' | 'error', listener: () => void): unknown;
}

export interface SwarmRoles {
  readonly server: boolean;
  readonly client: boolean;
}

export interface SwarmDiscovery {
  flushed(): Promise<unknown>;
  refresh(options: SwarmRoles): Promise<unknown>;
}

/** The part of a Hyperswarm that is used. */
export interface Swarm {
  on(event: 'connection', listener: (stream: SwarmStream) => void): unknown;
  join(topic: Uint8Array, options: SwarmRoles): SwarmDiscovery;
  destroy(): Promise<void>;
}

/** Time for a stream to end by itself, after which it is cut. */
const END_MS = 2000;
/** When others are looked for again: two that come at the same moment do not see each other. It doubles, up to the time after which Hyperswarm does so itself. */
const LOOK_AGAIN_MS_MIN = 500;
const LOOK_AGAIN_MS_MAX = 5 * 60_000;
const ROLES: SwarmRoles = { server: true, client: true };

/** Direct ways over swarms that the function makes, one for every connect() and listen(). */
export function hyperswarmNetwork(create: () => Swarm | Promise<Swarm>): DirectNetwork {
  return {
    async join(name, found): Promise<DirectMembership> {
      const swarm = await create();
      swarm.on('connection', (stream) => {
        const adapted = adapt(stream);
        if (adapted !== null) found(adapted);
      });
      const discovery = swarm.join(name, ROLES);
      const stopLooking = lookAgain(discovery);
      await discovery.flushed();
      return {
        close: () => {
          stopLooking();
          return swarm.destroy();
        },
      };
    },
  };
}

function lookAgain(discovery: SwarmDiscovery): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = (delayMs: number): void => {
    timer = setTimeout(() => {
      // One that failed is followed by the next.
      discovery.refresh(ROLES).catch(() => undefined);
      later(Math.min(2 * delayMs, LOOK_AGAIN_MS_MAX));
    }, delayMs);
  };
  later(LOOK_AGAIN_MS_MIN);
  return () => clearTimeout(timer);
}

/** Null: a stream without a handshake, which nothing can be bound to. */
function adapt(stream: SwarmStream): DirectStream | null {
  // A close follows; without a listener Node would end the process.
  stream.on('error', () => undefined);
  const binding = stream.handshakeHash;
  if (binding === null) {
    stream.destroy();
    return null;
  }
  const drained: (() => void)[] = [];
  stream.on('drain', () => {
    for (const go of drained.splice(0)) go();
  });
  let isClosing = false;
  return {
    isInitiator: stream.isInitiator,
    binding: Uint8Array.from(binding),
    write: (bytes) => {
      if (isClosing || stream.write(bytes)) return Promise.resolve();
      return new Promise((resolve) => drained.push(resolve));
    },
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    close: () => {
      if (isClosing) return;
      isClosing = true;
      stream.end();
      const timer = setTimeout(() => stream.destroy(), END_MS);
      stream.on('close', () => clearTimeout(timer));
    },
    listen: ({ data, closed }: DirectStreamEvents) => {
      stream.on('data', data);
      stream.on('end', () => closed());
      stream.on('close', () => closed());
    },
  };
}
