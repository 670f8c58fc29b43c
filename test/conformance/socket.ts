// A WebSocket client that remembers what it was told, in order, and can wait for it.
import { WebSocket } from 'ws';

const PATIENCE_MS = 10_000;
/** How long silence is listened to before it counts. */
const SILENCE_MS = 150;

/** One message: text, or bytes. */
export type Said = string | Buffer;

export class Peer {
  readonly socket: WebSocket;
  readonly #heard: Said[] = [];
  #wake: (() => void) | null = null;
  #closed: number | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      this.#heard.push(isBinary ? data : data.toString('utf8'));
      this.#wake?.();
    });
    socket.on('close', (code) => {
      this.#closed = code;
      this.#wake?.();
    });
    socket.on('error', () => this.#wake?.());
  }

  static async open(url: URL, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Peer> {
    const target = new URL(path, url);
    target.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(target, { headers, perMessageDeflate: false });
    const peer = new Peer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      socket.once('unexpected-response', (_, answer) => reject(new Error(`status ${answer.statusCode}`)));
    });
    return peer;
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  /** The next message; rejects when the peer is closed, or nothing comes. */
  async next(): Promise<Said> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const said = this.#heard.shift();
      if (said !== undefined) return said;
      if (this.#closed !== null) throw new Error(`closed with ${this.#closed}`);
      if (Date.now() > end) throw new Error('nothing was said');
      await this.#something(end - Date.now());
    }
  }

  /** The next message, read as JSON. */
  async json(): Promise<unknown> {
    const said = await this.next();
    if (typeof said !== 'string') throw new Error('text was expected');
    return JSON.parse(said);
  }

  /** What is said while nothing should be. */
  async during(ms = SILENCE_MS): Promise<readonly Said[]> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.#heard.splice(0);
  }

  close(): void {
    this.socket.terminate();
  }

  async #something(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    this.#wake = null;
    clearTimeout(timer);
  }
}

/** Opens peers, runs, and closes them whatever happens. */
export async function withPeers(url: URL, paths: readonly string[], run: (...peers: readonly Peer[]) => Promise<void>): Promise<void> {
  const peers: Peer[] = [];
  try {
    for (const path of paths) peers.push(await Peer.open(url, path));
    await run(...peers);
  } finally {
    for (const peer of peers) peer.close();
  }
}
