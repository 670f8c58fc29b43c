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
  /** Refuses every connection, as a relay that is gone; cut() ends those that are there. */
  isDown = false;
  /** What is taken and never answered: a network that swallows packets. */
  swallowing = false;
  /** How late everything is passed on, in either direction. */
  delayMs = 0;
  /** Refuses what wants to become a WebSocket, as some networks do. */
  refusesUpgrades = false;
  /** Never answers what wants to become a WebSocket, as others do. */
  swallowsUpgrades = false;
  /** Holds back answers that stay open until they end, as proxies do that look into what they pass on. */
  holdsOpenAnswers = false;
  /** WebSockets that were asked for. */
  upgrades = 0;
  /** Those of them that were let through. */
  upgraded = 0;

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
    if (this.isDown) return void socket.resetAndDestroy();
    this.#sockets.add(socket);
    const relay = connect(port, '127.0.0.1');
    let isHeld = false;
    socket.on('data', (bytes) => {
      const isUpgrade = /^upgrade: websocket/im.test(bytes.toString('latin1'));
      isHeld = this.holdsOpenAnswers && bytes.toString('latin1').startsWith('GET /v1/subscribe');
      this.upgrades += isUpgrade ? 1 : 0;
      this.upgraded += isUpgrade && !this.refusesUpgrades && !this.swallowsUpgrades ? 1 : 0;
      if (isUpgrade && this.swallowsUpgrades) return;
      if (isUpgrade && this.refusesUpgrades) socket.destroy();
      else if (!this.swallowing) this.#pass(relay, bytes);
    });
    relay.on('data', (bytes) => void (this.swallowing || isHeld || this.#pass(socket, bytes)));
    const end = (): void => {
      this.#sockets.delete(socket);
      socket.destroy();
      relay.destroy();
    };
    for (const side of [socket, relay]) side.on('close', end).on('error', end);
  }

  #pass(to: Socket, bytes: Buffer): void {
    if (this.delayMs === 0) to.write(bytes);
    else setTimeout(() => void (to.destroyed || to.write(bytes)), this.delayMs);
  }
}
