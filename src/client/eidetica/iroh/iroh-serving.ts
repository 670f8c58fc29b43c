// Peers that come over iroh: connections within a number, a stream for each request, the proof of a request before its body.
import { callerAtSocket } from '../serve/caller-address.js';
import type { SyncHandler } from '../serve/sync-handler.js';
import { BODY_MS_MAX, CLOSE_MS_MAX, CONNECTIONS_MAX } from '../serve/limits.js';
import { Refusal } from '../serve/refusal.js';
import type { IrohConnection, IrohEndpoint, IrohIncoming, IrohStream } from './iroh-package.js';
import { abandon, readAll, readLine, within, writeAll } from './pieces.js';
import { channelOf, PEER_BYTES_MAX, PROVEN_ALPN } from './protocol.js';

/** Streams of one connection at a time. */
const STREAMS_MAX = 16;
/** Milliseconds for an answer to be taken. */
const ANSWER_MS_MAX = 60_000;

export class IrohServing {
  readonly #endpoint: IrohEndpoint;
  readonly #handler: SyncHandler;
  readonly #connections = new Set<IrohConnection>();
  readonly #working = new Set<Promise<void>>();
  #opening = 0;
  #isClosed = false;

  constructor(endpoint: IrohEndpoint, handler: SyncHandler) {
    [this.#endpoint, this.#handler] = [endpoint, handler];
  }

  /** Takes a connection that comes in. */
  async take(incoming: IrohIncoming): Promise<void> {
    if (this.#isClosed || this.#connections.size + this.#opening >= CONNECTIONS_MAX) return incoming.refuse();
    this.#opening += 1;
    let connection: IrohConnection;
    let from: string | null;
    try {
      // Ids of endpoints cost nothing, so callers are counted by where they come from.
      const { kind, addr } = await incoming.remoteAddr();
      from = kind === 'ip' && addr !== undefined ? callerAtSocket(addr) : null;
      const accepting = await incoming.accept();
      connection = await within(this.#handler.environment, BODY_MS_MAX, accepting.connect());
    } finally {
      this.#opening -= 1;
    }
    connection.setMaxConcurrentBiStreams(BigInt(STREAMS_MAX));
    connection.setMaxConcurrentUniStreams(0n);
    this.#connections.add(connection);
    if (this.#isClosed) connection.close(0n, []);
    await this.#streams(connection, from ?? connection.remoteId().toString());
  }

  async #streams(connection: IrohConnection, from: string): Promise<void> {
    try {
      for (;;) {
        const stream = await connection.acceptBi();
        const work = this.#answer(connection, from, stream).catch(() => abandon(stream));
        this.#working.add(work);
        void work.then(() => this.#working.delete(work));
      }
    } catch {
      // The connection ended.
      this.#connections.delete(connection);
    }
  }

  async #answer(connection: IrohConnection, from: string, stream: IrohStream): Promise<void> {
    const { environment } = this.#handler;
    const isProven = new TextDecoder().decode(Uint8Array.from(connection.alpn())) === PROVEN_ALPN;
    const head = isProven ? await within(environment, BODY_MS_MAX, readLine(stream)) : { line: '', rest: new Uint8Array() };
    if (head === null) return abandon(stream);
    const remote = connection.remoteId();
    const answer = await this.#handler
      .answer({
        transport: 'iroh',
        from,
        proof: head.line === '' ? null : head.line,
        token: null,
        channel: channelOf(Uint8Array.from(remote.toBytes()), Uint8Array.from(this.#endpoint.id().toBytes())),
        // The system's own instances read no more than that.
        ...(isProven ? {} : { answerBytesMax: PEER_BYTES_MAX }),
        read: (visit) => within(environment, BODY_MS_MAX, readAll(stream, head.rest, (bytes) => visit.take(bytes))),
      })
      .catch((cause: unknown) => refused(cause, isProven));
    await within(environment, ANSWER_MS_MAX, writeAll(stream, new TextEncoder().encode(answer)));
  }

  /** Takes nothing more; resolves when those at work have their answers, or had their time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await within(this.#handler.environment, CLOSE_MS_MAX, Promise.all(this.#working)).catch(() => undefined);
    for (const connection of this.#connections) connection.close(0n, []);
  }
}

/** A refusal as an answer; peers of this project are told whether to try again. */
function refused(cause: unknown, isProven: boolean): string {
  const { message, retrySecs } = cause instanceof Refusal ? cause : new Refusal(500, 'The request failed here');
  return JSON.stringify(isProven && retrySecs !== null ? { Busy: message } : { Error: message });
}
