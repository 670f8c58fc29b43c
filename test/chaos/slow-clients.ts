// Clients that hold connections as long as they can: heads, bodies and messages that arrive a byte a second, and WebSockets that
// neither say nor read anything. Each one that is cut comes back at once.
import { connect, type Socket } from 'node:net';

const DRIP_MS = 1000;
/** Connections opened each tick, so that the attack is not one burst. */
const OPEN_PER_TICK = 40;
const TICK_MS = 20;

/** How a slow client is slow, and for how long the relay may bear it: its named limit, in ms. */
export const KINDS = {
  head: { limitMs: 5000, begin: 'GET /health HTTP/1.1\r\nHost: relay.test\r\nX-Slow: ', drip: 'a' },
  body: { limitMs: 30_000, begin: 'POST /health HTTP/1.1\r\nHost: relay.test\r\nContent-Length: 1000\r\n\r\n', drip: 'a' },
  // A binary message of 1,000 bytes whose payload drips in; before the handshake of the protocol, which has its own limit.
  message: { limitMs: 10_000, begin: upgrade(), drip: 'a' },
  silent: { limitMs: 10_000, begin: upgrade(), drip: '' },
} as const;
export type Kind = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as Kind[];

/** What became of them. */
export interface AttackReport {
  opened: number;
  refused: number;
  /** Of each kind: how many were cut, and the longest any was borne, in ms, those still open included. */
  readonly kinds: Record<Kind, { cut: number; borneMs: number }>;
}

function upgrade(): string {
  return 'GET /v1/connect HTTP/1.1\r\nHost: relay.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
}

const MESSAGE_HEADER = Buffer.from([0x82, 0x80 | 126, 0x03, 0xe8, 1, 2, 3, 4]);

/** Runs `connections` slow clients against a loopback port until the time is up. */
export async function attack(port: number, connections: number, seconds: number): Promise<AttackReport> {
  const report: AttackReport = { opened: 0, refused: 0, kinds: emptyKinds() };
  const open = new Set<SlowClient>();
  let opened = 0;
  const opening = setInterval(() => {
    for (let i = 0; i < OPEN_PER_TICK && open.size < connections; i += 1) {
      const kind = NAMES[opened % NAMES.length] ?? 'head';
      opened += 1;
      const client = new SlowClient(port, kind, () => {
        open.delete(client);
        client.settle(report);
      });
      open.add(client);
    }
  }, TICK_MS);
  const dripping = setInterval(() => open.forEach((client) => client.drip()), DRIP_MS);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  clearInterval(opening);
  clearInterval(dripping);
  for (const client of open) {
    client.settle(report, false);
    client.end();
  }
  return report;
}

function emptyKinds(): AttackReport['kinds'] {
  const none = (): { cut: number; borneMs: number } => ({ cut: 0, borneMs: 0 });
  return { head: none(), body: none(), message: none(), silent: none() };
}

class SlowClient {
  readonly #socket: Socket;
  readonly #kind: Kind;
  #since: number | undefined;

  constructor(port: number, kind: Kind, gone: () => void) {
    this.#kind = kind;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: false });
    this.#socket.on('error', () => undefined);
    this.#socket.once('connect', () => {
      this.#since = performance.now();
      this.#socket.write(KINDS[kind].begin);
      if (kind === 'message') this.#socket.write(MESSAGE_HEADER);
    });
    // Node tells of the end only to those who read.
    this.#socket.resume();
    this.#socket.once('close', gone);
  }

  drip(): void {
    const { drip } = KINDS[this.#kind];
    if (drip !== '' && this.#since !== undefined && this.#socket.writable) this.#socket.write(drip);
  }

  settle(report: AttackReport, cut = true): void {
    if (this.#since === undefined) {
      report.refused += 1;
      return;
    }
    report.opened += 1;
    const kind = report.kinds[this.#kind];
    kind.cut += cut ? 1 : 0;
    kind.borneMs = Math.max(kind.borneMs, Math.round(performance.now() - this.#since));
  }

  end(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}
