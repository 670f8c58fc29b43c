// The network between devices and a relay, on loopback, with the faults that a test asks for. It carries WebSockets and HTTP alike.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { DELAYED_BYTES_MAX } from './limits.js';
import { RelayMessages, isEntries } from './relay-messages.js';
import type { Piece } from './relay-messages.js';

/** `omit`: the next entries are left out. `replay`: they come twice. */
export type NetworkLie = 'omit' | 'replay';

/** All that is between the devices and the relay of a test. */
export class FaultyNetwork {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: () => number;
  #delayMs = 0;
  #isDown = false;
  #isSilent = false;
  #held: Socket[] | null = null;
  #dropShare = 0;
  #random = 1;
  #lie: NetworkLie | null = null;

  private constructor(server: Server, target: () => number) {
    this.#server = server;
    this.#target = target;
  }

  /** `target` says at which port of the loopback interface the relay is now. */
  static async before(target: () => number): Promise<FaultyNetwork> {
    const server = createServer();
    const network = new FaultyNetwork(server, target);
    server.on('connection', (socket) => network.#take(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return network;
  }

  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Ends every connection in the middle of whatever is under way. Devices come back by themselves. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Nobody gets through until up(). */
  down(): void {
    this.#isDown = true;
    this.cut();
  }

  up(): void {
    this.#isDown = false;
    this.#isSilent = false;
  }

  /** Who comes is let in and waits, until release(). */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const waiting = this.#held ?? [];
    this.#held = null;
    for (const socket of waiting) if (!socket.destroyed) this.#carry(socket);
  }

  /** Connections stay open and nothing gets through, until up(). What is sent meanwhile is lost with its connection. */
  silence(): void {
    this.#isSilent = true;
  }

  /** Everything takes so many milliseconds longer, each way; 0: as fast as it goes. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** This share (0 to 1) of the relay's messages with entries never comes, as no TCP connection does it: a device must notice. The seed repeats it. */
  drop(share: number, seed = 1): void {
    this.#dropShare = share;
    this.#random = seed;
  }

  /** Tells a lie once, to the first device that is shown entries from now on. */
  lie(lie: NetworkLie): void {
    this.#lie = lie;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.release();
    this.down();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(socket: Socket): void {
    if (this.#isDown) {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
    if (this.#held === null) this.#carry(socket);
    else this.#held.push(socket);
  }

  #carry(socket: Socket): void {
    const relay = connect(this.#target(), '127.0.0.1');
    const messages = new RelayMessages();
    const [toRelay, toDevice] = [this.#way(relay, socket), this.#way(socket, socket)];
    socket.on('data', toRelay);
    relay.on('data', (bytes) => {
      for (const piece of messages.take(bytes)) for (const sent of this.#judge(piece)) toDevice(sent);
    });
    const end = (): void => {
      socket.destroy();
      relay.destroy();
    };
    for (const side of [socket, relay]) side.on('close', end).on('error', end);
  }

  /** One direction of a connection: in order, and later by the delay. */
  #way(to: Socket, device: Socket): (bytes: Buffer) => void {
    let lastAt = 0;
    let heldBytes = 0;
    const held: Buffer[] = [];
    return (bytes) => {
      if (this.#isSilent) return;
      const now = performance.now();
      const at = Math.max(now + this.#delayMs, lastAt);
      if (at <= now && held.length === 0) {
        to.write(bytes);
        return;
      }
      lastAt = at;
      heldBytes += bytes.length;
      if (heldBytes > DELAYED_BYTES_MAX) device.resetAndDestroy();
      held.push(bytes);
      // Timers count in whole milliseconds and may overtake one another: whichever fires lets the oldest bytes go on.
      setTimeout(() => {
        const oldest = held.shift();
        heldBytes -= oldest?.length ?? 0;
        if (oldest !== undefined && !to.destroyed) to.write(oldest);
      }, at - now);
    };
  }

  #judge(piece: Piece): readonly Buffer[] {
    if (!isEntries(piece)) return [piece.bytes];
    const lie = this.#lie;
    this.#lie = null;
    if (lie === 'omit' || (this.#dropShare > 0 && this.#next() < this.#dropShare)) return [];
    return lie === 'replay' ? [piece.bytes, piece.bytes] : [piece.bytes];
  }

  // A linear congruential generator: enough to pick messages by.
  #next(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }
}
