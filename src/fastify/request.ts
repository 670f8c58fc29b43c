// One request of the app, answered by the core: body and answer stream in both directions.
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SocketBridge, StreamSide } from './bridge.js';
import { Output, RECORD_HEADER_BYTES } from './wire.js';

/** What the core reads of a request's head; the rest is the app's business. */
const REQUEST_HEADERS = [
  'host',
  'authorization',
  'content-type',
  'content-length',
  'content-range',
  'range',
  'if-range',
  'if-none-match',
  'origin',
  'access-control-request-method',
] as const;

/** Answers without a body, whatever their headers say. */
const BODILESS = new Set([204, 304]);

/** Hands the request to the core as one for `path`, and sends what it answers. */
export async function answerRequest(bridge: SocketBridge, path: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const answering = new Answering(bridge, request, path);
  reply.raw.once('close', () => answering.abandon());
  const head = await answering.head;
  reply.code(head.status).headers(head.headers);
  if (request.method === 'HEAD' || BODILESS.has(head.status)) {
    answering.abandon();
    return reply.send();
  }
  return reply.send(answering.body);
}

interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
}

class Answering {
  readonly head: Promise<Head>;
  readonly body: Readable;
  readonly #bridge: SocketBridge;
  readonly #id: number;
  #over = false;
  /** Cost of what was pushed into the body since it asked for more. */
  #pushedBytes = 0;

  constructor(bridge: SocketBridge, request: FastifyRequest, path: string) {
    this.#bridge = bridge;
    const { promise, resolve } = withResolver<Head>();
    this.head = promise;
    this.body = new Readable({
      read: () => {
        bridge.taken(this.#id, this.#pushedBytes);
        this.#pushedBytes = 0;
      },
      destroy: (error, done) => {
        this.abandon();
        done(error);
      },
    });
    this.#id = bridge.openRequest(this.#side(request, resolve), headOf(request, path));
    this.#read(request);
  }

  /** Nobody waits for the rest. */
  abandon(): void {
    this.#over = true;
    this.#bridge.gone(this.#id);
  }

  #side({ raw }: FastifyRequest, headCame: (head: Head) => void): StreamSide {
    return {
      output: ({ kind, payload }) => {
        if (kind === Output.head) headCame(parseHead(payload.toString('latin1')));
        else if (kind === Output.data) this.#push(payload);
        else if (kind === Output.end) this.#end();
        else if (kind === Output.cut) this.body.destroy(new Error('the answer broke off'));
      },
      flushed: () => undefined,
      pause: (paused) => void (paused ? raw.pause() : raw.resume()),
    };
  }

  #push(payload: Buffer): void {
    this.#pushedBytes += RECORD_HEADER_BYTES + payload.length;
    this.body.push(payload);
  }

  #end(): void {
    this.body.push(null);
    this.abandon();
  }

  #read({ raw, headers }: FastifyRequest): void {
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
      this.#bridge.end(this.#id);
      return;
    }
    // Once the answer is over, what still comes is thrown away, so that the client gets to read it.
    raw.on('data', (piece: Buffer) => void (this.#over || this.#bridge.data(this.#id, piece)));
    raw.on('end', () => this.#bridge.end(this.#id));
  }
}

function headOf({ method, headers, raw }: FastifyRequest, path: string): Buffer {
  const query = /\?.*$/s.exec(raw.url ?? '')?.[0] ?? '';
  const lines = REQUEST_HEADERS.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? `${name}: ${value}` : [];
  });
  return Buffer.from([`${method} ${path}${query}`, ...lines].join('\n'), 'latin1');
}

function parseHead(text: string): Head {
  const [status, ...lines] = text.split('\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  return { status: Number(status), headers: Object.fromEntries(headers) };
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
