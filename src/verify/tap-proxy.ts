// A TCP proxy between devices and relay that shows what an observer of the wire sees: both directions reassembled, and the
// payload of WebSocket frames unmasked.
import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

export type Direction = 'to-relay' | 'to-device';
/** Called with each piece of unmasked traffic, per connection and direction, in order. */
export type Tap = (connection: number, direction: Direction, bytes: Uint8Array) => void;

export interface TapProxy {
  readonly port: number;
  readonly bytes: { readonly toRelay: number; readonly toDevice: number };
  close(): Promise<void>;
}

/** Starts a proxy on a free loopback port to `target` (a port on 127.0.0.1). */
export async function startTapProxy(target: () => number, tap: Tap): Promise<TapProxy> {
  const sockets = new Set<Socket>();
  const bytes = { toRelay: 0, toDevice: 0 };
  let connections = 0;
  const server: Server = createServer((device) => {
    connections += 1;
    const id = connections;
    const relay = connect({ host: '127.0.0.1', port: target(), noDelay: true });
    device.setNoDelay(true);
    const up = new Unframer((piece) => tap(id, 'to-relay', piece));
    const down = new Unframer((piece) => tap(id, 'to-device', piece));
    device.on('data', (piece: Buffer) => {
      bytes.toRelay += piece.length;
      up.push(piece);
    });
    relay.on('data', (piece: Buffer) => {
      bytes.toDevice += piece.length;
      down.push(piece);
    });
    link(device, relay, sockets);
    link(relay, device, sockets);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the tap proxy has no port');
  return {
    port: address.port,
    bytes,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function link(from: Socket, to: Socket, sockets: Set<Socket>): void {
  sockets.add(from);
  from.pipe(to);
  from.on('error', () => to.destroy());
  from.on('close', () => {
    sockets.delete(from);
    to.destroy();
  });
}

/** Takes one direction of one connection: a head, then WebSocket frames, whose payloads it unmasks, or HTTP as it is. */
export class Unframer {
  #buffer: Buffer = Buffer.alloc(0);
  #body: 'head' | 'http' | 'frames' = 'head';
  readonly #emit: (bytes: Uint8Array) => void;

  constructor(emit: (bytes: Uint8Array) => void) {
    this.#emit = emit;
  }

  push(piece: Uint8Array): void {
    if (this.#body === 'http') {
      this.#emit(piece);
      return;
    }
    this.#buffer = Buffer.concat([this.#buffer, piece]);
    if (this.#body === 'head' && !this.#takeHead()) return;
    while (this.#takeFrame());
  }

  #takeHead(): boolean {
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.#buffer.subarray(0, end + 4);
    this.#emit(head);
    this.#buffer = this.#buffer.subarray(end + 4);
    this.#body = /^upgrade: *websocket/im.test(head.toString('latin1')) ? 'frames' : 'http';
    if (this.#body === 'frames') return true;
    this.#emit(this.#buffer);
    this.#buffer = Buffer.alloc(0);
    return false;
  }

  #takeFrame(): boolean {
    const frame = readFrame(this.#buffer);
    if (frame === undefined) return false;
    this.#emit(frame.payload);
    this.#buffer = this.#buffer.subarray(frame.size);
    return true;
  }
}

function readFrame(buffer: Buffer): { payload: Uint8Array; size: number } | undefined {
  if (buffer.length < 2) return undefined;
  const masked = (buffer.readUInt8(1) & 0x80) !== 0;
  const short = buffer.readUInt8(1) & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const head = 2 + lengthBytes + (masked ? 4 : 0);
  if (buffer.length < head) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
  if (buffer.length < head + length) return undefined;
  const payload = Uint8Array.from(buffer.subarray(head, head + length));
  if (masked) {
    const mask = buffer.subarray(head - 4, head);
    for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  }
  return { payload, size: head + length };
}
