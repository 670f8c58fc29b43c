// A TCP proxy on loopback before a relay, that cuts its connections when it is told to, in the middle of whatever is under way.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections that were accepted. */
  accepted = 0;
  /** Connections that were cut. */
  cuts = 0;
  /** What is taken and never answered: a network that swallows packets. */
  swallowing = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server);
    server.on('connection', (socket) => proxy.#take(socket, port));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /** The same link or address, over this proxy. */
  over(text: string): string {
    return text.replace(/:\d+\//, `:${this.port}/`);
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) {
      this.cuts += 1;
      socket.resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(socket: Socket, port: number): void {
    this.accepted += 1;
    this.#sockets.add(socket);
    const relay = connect(port, '127.0.0.1');
    socket.on('data', (bytes) => void (this.swallowing || relay.write(bytes)));
    relay.on('data', (bytes) => void (this.swallowing || socket.write(bytes)));
    const end = (): void => {
      this.#sockets.delete(socket);
      socket.destroy();
      relay.destroy();
    };
    for (const side of [socket, relay]) side.on('close', end).on('error', end);
  }
}
