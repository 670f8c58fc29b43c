// The public keys of JWTs: a JWK set from a file or a URL, read again after a while, bounded in size, and never kept beyond its time when
// it cannot be read.
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';
import { readFile, stat } from 'node:fs/promises';

const SET_BYTES_MAX = 256 * 1024;
const KEYS_MAX = 100;
const FETCH_MS_MAX = 3000;
/** After a failed read, or for a key that is not in the set, how long the source is left alone. */
const COOLDOWN_MS = 10_000;

export interface JwtKeysOptions {
  /** A path, or a URL. */
  readonly source: string;
  readonly refreshMs: number;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
}

export class JwtKeys {
  readonly #options: JwtKeysOptions;
  #held: { readonly keys: JWTVerifyGetKey; readonly readAt: number } | null = null;
  #failedAt = -Infinity;
  #reading: Promise<JWTVerifyGetKey> | null = null;

  constructor(options: JwtKeysOptions) {
    this.#options = options;
  }

  /** The keys; rejects when they have to be read and cannot be. */
  async current(): Promise<JWTVerifyGetKey> {
    const held = this.#held;
    if (held !== null && this.#options.clock() - held.readAt < this.#options.refreshMs) return held.keys;
    return await this.#read();
  }

  /** The keys read anew, because one was not found; null when they were read just now. */
  async renewed(): Promise<JWTVerifyGetKey | null> {
    const held = this.#held;
    if (held !== null && this.#options.clock() - held.readAt < COOLDOWN_MS) return null;
    return await this.#read();
  }

  async #read(): Promise<JWTVerifyGetKey> {
    const { clock, source } = this.#options;
    if (clock() - this.#failedAt < COOLDOWN_MS) throw new Error('the keys of JWTs could not be read a moment ago');
    this.#reading ??= readSet(source)
      .then((keys) => {
        this.#held = { keys, readAt: clock() };
        return keys;
      })
      .catch((error: unknown) => {
        this.#failedAt = clock();
        throw new Error(`the keys of JWTs cannot be read from ${source}`, { cause: error });
      })
      .finally(() => (this.#reading = null));
    return await this.#reading;
  }
}

async function readSet(source: string): Promise<JWTVerifyGetKey> {
  const text = source.includes('://') ? await readUrl(source) : await readFileLimited(source);
  const set: unknown = JSON.parse(text);
  const keys = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : null;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > KEYS_MAX) throw new Error(`it is no JWK set of 1 to ${KEYS_MAX} keys`);
  return createLocalJWKSet({ keys });
}

async function readFileLimited(path: string): Promise<string> {
  const info = await stat(path);
  if (!info.isFile() || info.size > SET_BYTES_MAX) throw new Error(`it is no file of at most ${SET_BYTES_MAX} bytes`);
  return await readFile(path, 'utf8');
}

async function readUrl(url: string): Promise<string> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_MS_MAX), headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`the answer has the status ${response.status}`);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > SET_BYTES_MAX) throw new Error(`the answer is larger than ${SET_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
