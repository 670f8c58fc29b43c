// Blobs over HTTP without the SDK: sealed bytes that are only random, and requests that tests can break off.
import { createHash } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';

/** A complete answer. */
export interface BlobAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface BlobTarget {
  readonly port: number;
  readonly token: string;
}

const path = (blob: string): string => `/v1/blobs/${blob}`;

/** One request with a whole body. */
export function blobRequest(target: BlobTarget, method: string, blob: string, headers: Readonly<Record<string, string>> = {}, body?: Uint8Array): Promise<BlobAnswer> {
  return new Promise((resolve, reject) => {
    const started = request({
      host: '127.0.0.1',
      port: target.port,
      method,
      path: path(blob),
      headers: { authorization: `Bearer ${target.token}`, ...(body === undefined ? {} : { 'content-length': body.length }), ...headers },
    });
    started.once('error', reject);
    started.once('response', (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) }));
    });
    started.end(body);
  });
}

/** The bytes of a large blob, made as they are needed and the same every time. */
export class LargeBlob {
  readonly bytes: number;
  readonly #block: Buffer;

  constructor(bytes: number, seed: number) {
    this.bytes = bytes;
    this.#block = Buffer.alloc(1 << 20, createHash('sha512').update(String(seed)).digest());
  }

  /** The bytes from `offset` on, piece by piece; each megabyte begins with its own number. */
  *pieces(offset = 0): Generator<Buffer> {
    for (let at = offset; at < this.bytes; ) {
      const block = Math.floor(at / this.#block.length);
      const piece = Buffer.from(this.#block);
      piece.writeUInt32BE(block);
      const end = Math.min(this.bytes, (block + 1) * this.#block.length);
      yield piece.subarray(at % this.#block.length, at % this.#block.length + end - at);
      at = end;
    }
  }

  id(): string {
    const hash = createHash('sha256');
    for (const piece of this.pieces()) hash.update(piece);
    return hash.digest('hex');
  }
}

/** Sends a large blob from `offset` on with back-pressure; `stopAfter` bytes it goes away without a word. */
export function sendLarge(target: BlobTarget, blob: LargeBlob, id: string, offset = 0, stopAfter = Number.POSITIVE_INFINITY): Promise<number> {
  const headers: Record<string, string | number> = { authorization: `Bearer ${target.token}`, 'content-length': blob.bytes - offset };
  if (offset > 0) headers['content-range'] = `bytes ${offset}-${blob.bytes - 1}/${blob.bytes}`;
  return new Promise((resolve, reject) => {
    const started = request({ host: '127.0.0.1', port: target.port, method: 'PUT', path: path(id), headers });
    started.once('response', (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
      answer.once('error', reject);
    });
    const pieces = blob.pieces(offset);
    let sent = 0;
    started.once('error', (error) => (sent >= stopAfter ? resolve(0) : reject(error)));
    const send = (): void => {
      for (;;) {
        const next = pieces.next();
        if (next.done === true) return void started.end();
        if (sent >= stopAfter) return void started.destroy();
        sent += next.value.length;
        if (!started.write(next.value)) return void started.once('drain', send);
      }
    };
    send();
  });
}

/** Reads a blob and hashes it as it comes. */
export function hashLarge(target: BlobTarget, id: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const started = request({ host: '127.0.0.1', port: target.port, path: path(id), headers: { authorization: `Bearer ${target.token}` } });
    started.once('error', reject);
    started.once('response', (answer) => {
      const hash = createHash('sha256');
      answer.on('data', (piece: Buffer) => hash.update(piece));
      answer.once('error', reject);
      answer.once('end', () => resolve(answer.complete ? hash.digest('hex') : 'cut'));
    });
    started.end();
  });
}
