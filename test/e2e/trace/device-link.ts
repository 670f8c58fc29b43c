// How a device of the example exchanges updates: through a space, or, for comparison, through a plain TCP connection with
// the same batching and merging but no sealing and no relay.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { platformEnvironment } from '../../../src/client/environment.ts';
import { NodeWebSocket } from '../../../src/client/node.ts';
import { snapshots } from '../../../src/client/snapshots/index.ts';
import { createSpaceWith, openSpaceWith } from '../../../src/client/space/open.ts';
import type { Space } from '../../../src/client/space/space.ts';
import { BATCH_WINDOW_MS } from '../../../src/client/limits.ts';
import { Batcher } from '../../../src/client/sync/batcher.ts';
import { UNSEALED } from '../../support/unsealing-double.ts';
import { mergeUpdates } from './document.ts';
import type { Route } from './messages.ts';

export interface Counts {
  mergedBytes: number;
  entries: number;
  receiptsVerified: number;
  acksVerified: number;
  bootstrapped: boolean;
  readonly troubles: string[];
}

export interface LinkOptions {
  readonly route: Route;
  readonly windowMs: number;
  readonly counts: Counts;
  /** Another device's update. */
  readonly received: (update: Uint8Array) => void;
  /** The whole state, for a snapshot. */
  readonly state: () => Uint8Array;
}

export interface DeviceLink {
  /** The space link, for the devices that follow. */
  readonly link: string | null;
  push(update: Uint8Array): void;
  /** Resolves when there is room for more. */
  writable(): Promise<void>;
  goOffline(): void;
  goOnline(): void;
  snapshot(): Promise<void>;
  /** Resolves when everything pushed is stored and everything stored is read. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the route. */
export function openLink(options: LinkOptions): Promise<DeviceLink> {
  return options.route.kind === 'relay' ? openSpaceLink(options, options.route) : openDirectLink(options, options.route.port);
}

async function openSpaceLink(options: LinkOptions, route: Extract<Route, { kind: 'relay' }>): Promise<DeviceLink> {
  const { counts, received } = options;
  const common = {
    webSocket: NodeWebSocket,
    batchWindowMs: options.windowMs,
    merge: counting(counts),
    parts: [
      snapshots({
        create: options.state,
        load(state: Uint8Array): void {
          counts.bootstrapped = true;
          received(state);
        },
      }),
    ] as const,
  };
  const internals = route.unsealed ? { sealer: UNSEALED } : {};
  const space =
    route.link === null
      ? await createSpaceWith({ ...common, relay: route.relay }, internals)
      : await openSpaceWith({ ...common, link: route.link }, internals);
  watch(space, counts, received);
  return {
    link: space.link,
    push: (update) => void space.push(update),
    writable: () => space.whenWritable(),
    goOffline: () => space.goOffline(),
    goOnline: () => space.goOnline(),
    snapshot: async () => void (await space.snapshot()),
    settle: () => space.whenSynced(),
    close: () => space.close(),
  };
}

function watch(space: Space, counts: Counts, received: (update: Uint8Array) => void): void {
  space.subscribe((entry) => {
    counts.entries += 1;
    if (!entry.own) entry.items.forEach(received);
  });
  space.on('write-state', (write) => {
    if (write.state === 'stored') counts.receiptsVerified += 1;
  });
  space.on('ack', () => (counts.acksVerified += 1));
  space.on('misbehaviour', (found) => counts.troubles.push(`misbehaviour: ${found.kind}`));
  space.on('entry-rejected', (entry) => counts.troubles.push(`rejected: ${entry.reason}`));
  space.on('error', (error) => counts.troubles.push(`error: ${error.code}`));
}

function counting(counts: Counts): (items: readonly Uint8Array[]) => readonly Uint8Array[] {
  return (items) => {
    const merged = mergeUpdates(items);
    counts.mergedBytes += merged.reduce((sum, item) => sum + item.length, 0);
    return merged;
  };
}

// === without a relay ===

/** Port 0 listens (the author), any other connects (the follower). */
async function openDirectLink(options: LinkOptions, port: number): Promise<DeviceLink> {
  const { socket, listening } = port === 0 ? await listenForOne() : { socket: Promise.resolve(connect(port, '127.0.0.1')), listening: null };
  const merge = counting(options.counts);
  const batcher = new Batcher({
    environment: platformEnvironment(),
    windowMs: Math.min(options.windowMs, BATCH_WINDOW_MS),
    merge,
    flushed: ({ items }) => {
      options.counts.entries += 1;
      void socket.then((open) => items.forEach((item) => open.write(framed(item))));
    },
  });
  void socket.then((open) => readFrames(open, options.received));
  return {
    link: listening,
    push: (update) => void batcher.push(update),
    writable: async () => {
      const open = await socket;
      if (open.writableNeedDrain) await once(open, 'drain');
    },
    goOffline: () => undefined,
    goOnline: () => undefined,
    snapshot: async () => undefined,
    settle: async () => batcher.flush(),
    close: async () => void (await socket).destroy(),
  };
}

async function listenForOne(): Promise<{ socket: Promise<Socket>; listening: string }> {
  const server = createServer({ noDelay: true });
  const socket = once(server, 'connection').then(([open]) => open as Socket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { socket, listening: String(address.port) };
}

function framed(item: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(item.length);
  return Buffer.concat([head, item]);
}

function readFrames(socket: Socket, received: (item: Uint8Array) => void): void {
  let waiting: Buffer = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => {
    waiting = Buffer.concat([waiting, piece]);
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE(0)) {
      const end = 4 + waiting.readUInt32BE(0);
      received(Uint8Array.from(waiting.subarray(4, end)));
      waiting = waiting.subarray(end);
    }
  });
}
