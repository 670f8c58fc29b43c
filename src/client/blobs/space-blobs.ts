// Blobs of a space: sealed on the device chunk by chunk, stored by the relay under the hash of the sealed bytes.
import { equalBytes } from '../../protocol/equal-bytes.js';
import { errorFacts } from '../../protocol/error-facts.js';
import { hash } from '../../protocol/hash.js';
import { toHex } from '../../protocol/hex.js';
import { Sha256 } from '../../protocol/sha256.js';
import { ClientError } from '../client-error.js';
import { BLOB_HEADER_BYTES } from '../crypto/blob-seal.js';
import { SealError } from '../crypto/seal-error.js';
import { sleep } from '../environment.js';
import { BLOB_RETRY_MS, BLOB_TRIES_MAX, REQUEST_TIMEOUT_MS } from '../limits.js';
import type { SpaceContext } from '../space/space-context.js';
import type { BlobSealing, OpensBlob, SealsBlob } from './blob-sealing.js';
import { readPart, sizeOf } from './blob-source.js';
import type { BlobContent } from './blob-source.js';
import { HttpToken } from './http-token.js';
import type { Fetch } from './http-token.js';

export interface BlobOptions {
  readonly signal?: AbortSignal;
  /** Sealed bytes that are done, and all of them. */
  readonly progress?: (doneBytes: number, totalBytes: number) => void;
}

interface Request {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** What is an answer to this request beside a success. */
  readonly accepts?: readonly number[];
}

/** Large sealed objects beside the log. An id is worth what the entry that names it is worth: put it into one. */
export class SpaceBlobs {
  readonly #context: SpaceContext;
  readonly #origin: string;
  readonly #fetch: Fetch;
  readonly #token: HttpToken;
  readonly #sealing: BlobSealing;

  /** Apps get it as `space.blobs`. */
  constructor(context: SpaceContext, origin: string, fetch: Fetch, sealing: BlobSealing) {
    this.#context = context;
    this.#origin = origin;
    this.#fetch = fetch;
    this.#sealing = sealing;
    this.#token = new HttpToken(context, origin, fetch);
  }

  /** Seals and stores a content; resolves with its id once the relay has it on disk. A content must not change meanwhile. */
  async put(content: BlobContent, options: BlobOptions = {}): Promise<string> {
    const sealer = await this.#sealer(sizeOf(content));
    const hashes: Uint8Array[] = [];
    const state = new Sha256().update(sealer.header);
    for (let index = 0; index < sealer.chunkCount; index += 1) {
      options.signal?.throwIfAborted();
      const sealed = await sealer.seal(index, await readPart(content, ...sealer.contentRange(index)));
      hashes.push(hash(sealed));
      state.update(sealed);
    }
    const id = toHex(state.digest());
    // Sealed a second time as it is sent. Bytes that are not those of the first time never leave the device: under one
    // key and nonce, two texts would open each other.
    const chunkAt = async (index: number): Promise<Uint8Array> => {
      const sealed = await sealer.seal(index, await readPart(content, ...sealer.contentRange(index)));
      if (!equalBytes(hash(sealed), hashes[index] ?? new Uint8Array())) throw new ClientError('content_changed', 'the content changed while it was put');
      return sealed;
    };
    await this.#upload(id, sealer, chunkAt, options);
    return id;
  }

  /** The whole content. */
  async get(id: string, options: BlobOptions = {}): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.read(id, options)) pieces.push(piece);
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** The content piece by piece, each checked before it is given; that all of them are those of the id is known at the end. */
  async *read(id: string, options: BlobOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const found = await this.#request(id, { method: 'HEAD' }, options.signal);
    const totalBytes = Number(found.headers.get('content-length'));
    const state = new Sha256();
    const header = await this.#range(id, 0, BLOB_HEADER_BYTES, options.signal);
    state.update(header);
    const opener = await this.#opener(header, totalBytes);
    let at = BLOB_HEADER_BYTES;
    for (let index = 0; index < opener.chunkCount; index += 1) {
      const sealed = await this.#range(id, at, at + opener.chunkBytes(index), options.signal);
      at += sealed.length;
      state.update(sealed);
      const piece = await opener.open(index, sealed).catch(rejected);
      if (index === opener.chunkCount - 1 && toHex(state.digest()) !== id) throw new ClientError('blob_rejected', 'the bytes are not those of the id');
      options.progress?.(at, totalBytes);
      yield piece;
    }
  }

  /** Whether the relay holds it. */
  async has(id: string, options: BlobOptions = {}): Promise<boolean> {
    const answer = await this.#request(id, { method: 'HEAD', accepts: [404] }, options.signal);
    return answer.status === 200;
  }

  /** Removes it from the relay. Its author may, and admins. */
  async delete(id: string, options: BlobOptions = {}): Promise<void> {
    await this.#request(id, { method: 'DELETE' }, options.signal);
  }

  async #sealer(contentBytes: number): Promise<SealsBlob> {
    const { roster, identity, environment } = this.#context;
    const keyEpoch = roster.known?.keyEpoch ?? 0;
    const epochKey = roster.keys.get(keyEpoch);
    if (epochKey === undefined) throw new ClientError('removed', 'this device has no key of the present key epoch');
    return this.#sealing.seal({ epochKey, keyEpoch, space: identity.space, salt: environment.randomBytes(32), contentBytes });
  }

  async #opener(header: Uint8Array, totalBytes: number): Promise<OpensBlob> {
    const { roster, identity } = this.#context;
    try {
      const parsed = this.#sealing.header(header);
      const epochKey = roster.keys.get(parsed.keyEpoch);
      if (epochKey === undefined) throw new ClientError('blob_key_unknown', 'this device has no key of the blob’s key epoch', { temporary: true });
      return await this.#sealing.open(parsed, totalBytes, epochKey, identity.space);
    } catch (cause) {
      return rejected(cause);
    }
  }

  async #upload(id: string, sealer: SealsBlob, chunkAt: (index: number) => Promise<Uint8Array>, { signal, progress }: BlobOptions): Promise<void> {
    const { totalBytes } = sealer;
    const found = await this.#request(id, { method: 'HEAD', accepts: [404] }, signal);
    let offset = found.status === 200 ? totalBytes : Number(found.headers.get('upload-offset') ?? 0);
    while (offset < totalBytes) {
      progress?.(offset, totalBytes);
      const piece = await pieceAt(sealer, chunkAt, offset);
      const range = `bytes ${offset}-${offset + piece.length - 1}/${totalBytes}`;
      const taken = await this.#request(id, { method: 'PUT', headers: { 'content-range': range }, body: piece, accepts: [409] }, signal);
      if (taken.status === 200 || taken.status === 201) break;
      const next = taken.headers.get('upload-offset');
      if (next === null) throw new ClientError('relay_refused', 'the relay did not say where the upload stands');
      offset = Number(next);
    }
    progress?.(totalBytes, totalBytes);
  }

  async #range(id: string, start: number, end: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const answer = await this.#request(id, { method: 'GET', headers: { range: `bytes=${start}-${end - 1}` } }, signal);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.status !== 206 || bytes.length !== end - start) throw new ClientError('blob_rejected', 'the relay answered with another range');
    return bytes;
  }

  /** One request, tried again when that can help: a network that broke, a relay that restarts or has too much to do. */
  async #request(id: string, request: Request, signal: AbortSignal | undefined): Promise<Response> {
    for (let tries = 1; ; tries += 1) {
      signal?.throwIfAborted();
      try {
        return await this.#once(id, request, signal);
      } catch (error) {
        if (!(error instanceof ClientError) || !error.temporary || tries >= BLOB_TRIES_MAX) throw error;
        if (error.code === 'session_expired') this.#token.drop();
        await sleep(this.#context.environment, BLOB_RETRY_MS * tries, signal ?? new AbortController().signal);
      }
    }
  }

  async #once(id: string, { method, headers, body, accepts }: Request, signal: AbortSignal | undefined): Promise<Response> {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    try {
      const authorization = `Bearer ${await this.#token.get()}`;
      const init: RequestInit = { method, headers: { ...headers, authorization }, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) };
      const answer = await this.#fetch(`${this.#origin}/v1/blobs/${id}`, body === undefined ? init : { ...init, body });
      if (answer.ok || accepts?.includes(answer.status) === true) return answer;
      throw await refusal(answer);
    } catch (cause) {
      if (cause instanceof ClientError || signal?.aborted === true) throw cause;
      throw new ClientError('relay_unreachable', 'the relay could not be asked', { temporary: true, cause });
    }
  }
}

/** The sealed bytes from an offset on: the rest of the chunk it lies in, the header before the first. */
async function pieceAt(sealer: SealsBlob, chunkAt: (index: number) => Promise<Uint8Array>, offset: number): Promise<Uint8Array<ArrayBuffer>> {
  const first = await chunkAt(0);
  const index = offset < BLOB_HEADER_BYTES ? 0 : Math.floor((offset - BLOB_HEADER_BYTES) / first.length);
  const sealed = index === 0 ? first : await chunkAt(index);
  if (index > 0) return Uint8Array.from(sealed.subarray(offset - BLOB_HEADER_BYTES - index * first.length));
  const whole = new Uint8Array(BLOB_HEADER_BYTES + sealed.length);
  whole.set(sealer.header);
  whole.set(sealed, BLOB_HEADER_BYTES);
  return whole.slice(offset);
}

/** What a problem of the relay means; answers without a body are told by their status. */
async function refusal(answer: Response): Promise<ClientError> {
  const body = (await answer.json().catch(() => ({}))) as { code?: unknown };
  const name = typeof body.code === 'string' ? body.code : answer.status === 404 ? 'blob_unknown' : answer.status === 401 ? 'session_expired' : '';
  const facts = errorFacts(name);
  if (facts === undefined) return new ClientError('relay_refused', `the relay answered with status ${answer.status}`, { temporary: answer.status >= 500 });
  return new ClientError(name, `the relay answered ${name}`, { temporary: facts.temporary });
}

function rejected(cause: unknown): never {
  if (!(cause instanceof SealError)) throw cause;
  throw new ClientError('blob_rejected', 'the blob does not hold', { cause });
}
