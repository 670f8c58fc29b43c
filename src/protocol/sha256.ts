// SHA-256 (FIPS 180-4), and HMAC and HKDF with it (RFC 2104, RFC 5869). WebCrypto has them too, but one promise for each leaf of a log would
// be a thousand times the work of the hash. Nothing in here branches on, or indexes by, what is hashed.

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const ROUNDS = 64;

const PRIMES: readonly number[] = primes();
/** The first 32 bits behind the point. None of them is nearer than 0.005 to a whole number, and engines differ by less than 0.00002. */
const fraction = (root: number): number => (root - Math.floor(root)) * 2 ** 32;
const K = Int32Array.from(PRIMES, (prime) => fraction(prime ** (1 / 3)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(prime ** (1 / 2)));

function primes(): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < ROUNDS; n += 1) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

/** A hash that is fed piece by piece. */
export class Sha256 {
  readonly #state = START.slice();
  readonly #block = new Uint8Array(BLOCK_BYTES);
  readonly #view = new DataView(this.#block.buffer);
  #bytes = 0;

  update(bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; ) {
      const filled = this.#bytes % BLOCK_BYTES;
      const piece = bytes.subarray(at, at + BLOCK_BYTES - filled);
      this.#block.set(piece, filled);
      this.#bytes += piece.length;
      at += piece.length;
      if (this.#bytes % BLOCK_BYTES === 0) this.#compress();
    }
    return this;
  }

  /** The hash of all of it. To be called once. */
  digest(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes;
    // The padding is a bit, zeros, and the length in bits at the end of a block.
    const padding = new Uint8Array(1 + ((2 * BLOCK_BYTES - 9 - (bytes % BLOCK_BYTES)) % BLOCK_BYTES) + 8);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, BigInt(bytes) * 8n);
    this.update(padding);
    const hash = new DataView(new ArrayBuffer(HASH_BYTES));
    this.#state.forEach((word, i) => hash.setInt32(4 * i, word));
    return new Uint8Array(hash.buffer);
  }

  #compress(): void {
    compress(this.#state, this.#view);
  }
}

/** The message schedule of the block at hand, the same memory for all hashes: none of them is ever half done when another one goes on. */
const w = new Int32Array(ROUNDS);

// Sums are cut to 32 bits at once, so that engines never leave whole numbers.
function compress(state: Int32Array, block: DataView): void {
  for (let i = 0; i < 16; i += 1) w[i] = block.getInt32(4 * i);
  for (let i = 16; i < ROUNDS; i += 1) {
    const x = w[i - 15] as number;
    const y = w[i - 2] as number;
    const first = ((w[i - 16] as number) + (rotated(x, 7) ^ rotated(x, 18) ^ (x >>> 3))) | 0;
    w[i] = (((first + (w[i - 7] as number)) | 0) + (rotated(y, 17) ^ rotated(y, 19) ^ (y >>> 10))) | 0;
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let i = 0; i < ROUNDS; i += 1) {
    const chosen = (h + ((e & f) ^ (~e & g)) + (K[i] as number) + (w[i] as number)) | 0;
    const one = (chosen + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25))) | 0;
    const two = ((rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  const added = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < added.length; i += 1) state[i] = (state[i] as number) + (added[i] as number);
}

function rotated(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** HMAC-SHA-256 over the parts, one after the other. */
export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? new Sha256().update(key).digest() : key);
  const inner = new Sha256().update(block.map((byte) => byte ^ 0x36));
  for (const part of parts) inner.update(part);
  return new Sha256().update(block.map((byte) => byte ^ 0x5c)).update(inner.digest()).digest();
}

/** HKDF-Extract; no salt is one of zeros. */
export function hkdfExtract(ikm: Uint8Array, salt: Uint8Array | undefined): Uint8Array {
  return hmac(salt ?? new Uint8Array(HASH_BYTES), ikm);
}

/** HKDF-Expand, for up to 8160 bytes. */
export function hkdfExpand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (length > 255 * HASH_BYTES) throw new RangeError('more than HKDF can give');
  const out = new Uint8Array(length);
  let last = new Uint8Array();
  for (let at = 0, counter = 1; at < length; at += HASH_BYTES, counter += 1) {
    last = hmac(prk, last, info, Uint8Array.of(counter));
    out.set(last.subarray(0, length - at), at);
  }
  return out;
}
