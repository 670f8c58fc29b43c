// One WebSocket of the app, joined to a session of the core.
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { SocketBridge, StreamSide } from './bridge.js';
import { Output, RECORD_HEADER_BYTES, type OutputRecord } from './wire.js';

const TEXT_REFUSED = 1003;

/** Joins them until the socket is gone. */
export function joinSession(bridge: SocketBridge, socket: WebSocket, raw: Pick<Socket, 'cork' | 'uncork'>): void {
  let corked = false;
  const side: StreamSide = {
    output(record) {
      // What the core says to this socket in one turn leaves in one write.
      if (!corked) raw.cork();
      corked = true;
      obey(bridge, id, socket, record);
    },
    flushed() {
      if (corked) raw.uncork();
      corked = false;
    },
    pause: (paused) => (paused ? socket.pause() : socket.resume()),
  };
  const id = bridge.openSession(side);
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) bridge.data(id, data);
    else socket.close(TEXT_REFUSED, 'text');
  });
  socket.on('pong', () => bridge.alive(id));
  socket.on('close', () => bridge.gone(id));
}

function obey(bridge: SocketBridge, id: number, socket: WebSocket, { kind, payload }: OutputRecord): void {
  switch (kind) {
    case Output.data:
      // Called when the system took it, or when the socket is gone, after which nobody counts.
      return socket.send(payload, { binary: true, compress: false }, () => bridge.taken(id, RECORD_HEADER_BYTES + payload.length));
    case Output.close:
      return socket.close(payload.readUInt16BE(0), payload.subarray(2));
    case Output.ping:
      return socket.readyState === socket.OPEN ? socket.ping() : undefined;
    case Output.cut:
      return socket.terminate();
    default:
      return undefined;
  }
}
