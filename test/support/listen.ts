// Puts a relay of test/support behind a real socket of the loopback interface.
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import type { HonestRelay } from './honest-relay.js';

const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Where it listens, and how it ends. */
export interface Listening {
  readonly port: number;
  close(): void;
}

export async function listen(relay: HonestRelay): Promise<Listening> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/v1/connect', perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX });
  server.on('connection', (socket) => {
    const connection = relay.connect(
      (message) => socket.send(message),
      (code) => (code === 1006 ? socket.terminate() : socket.close(code)),
    );
    socket.on('message', (data, isBinary) => {
      if (isBinary && Buffer.isBuffer(data)) connection.receive(new Uint8Array(data));
      else socket.close(1003);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => connection.closed());
  });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
