// Finds canaries (random strings that must never reach the relay in the clear) in byte streams: in every encoding, and also
// when only 16 bytes of one are there, wherever in it they lie.
//
// How: every form of a canary is cut into blocks of 8 bytes. Any run of 16 bytes or more of it holds a whole block, so each
// place of the input is looked up among the blocks, and a hit is widened until it is a run or is none.
import { encodedForms } from './encodings.js';

export interface Hit {
  readonly canary: number;
  readonly encoding: string;
}

interface Needle {
  readonly canary: number;
  readonly encoding: string;
  readonly bytes: Uint8Array;
  /** Length of a run that counts as a hit. */
  readonly runBytes: number;
}

interface Block {
  readonly needle: Needle;
  readonly at: number;
}

/** A canary shows when this much of it shows. */
export const WINDOW_BYTES = 16;
const BLOCK_BYTES = 8;
const FILTER_BITS = 24;

/** Searches any number of streams for a fixed set of canaries. */
export class CanarySearch {
  /** By their first 4 bytes. */
  readonly #blocks = new Map<number, Block[]>();
  /** One bit for each first 4 bytes, by hash: most places of the input are done with after one look. */
  readonly #filter = new Uint8Array(2 ** (FILTER_BITS - 3));
  #longest = WINDOW_BYTES;

  constructor(canaries: readonly (string | Uint8Array)[]) {
    canaries.forEach((canary, index) => {
      const secret = typeof canary === 'string' ? Buffer.from(canary, 'utf8') : canary;
      for (const { encoding, bytes, unit } of encodedForms(secret)) {
        const runBytes = Math.min(Math.floor(WINDOW_BYTES * unit), bytes.length);
        this.#add({ canary: index, encoding, bytes, runBytes });
      }
    });
  }

  /** A scanner for one stream: feed it pieces in order; a canary cut in two pieces is found. */
  stream(): CanaryStream {
    return new CanaryStream((bytes) => this.scan(bytes), this.#longest - 1);
  }

  /** All hits in one buffer, each canary once in each encoding. */
  scan(bytes: Uint8Array): Hit[] {
    const hits = new Map<string, Hit>();
    let word = 0;
    for (let end = 0; end < bytes.length; end += 1) {
      word = (word << 8) | (bytes[end] ?? 0);
      const bit = Math.imul(word, 0x9e37_79b1) >>> (32 - FILTER_BITS);
      if (((this.#filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0 || end < 3) continue;
      for (const block of this.#blocks.get(word) ?? []) {
        const { canary, encoding } = block.needle;
        if (isRun(bytes, end - 3, block)) hits.set(`${canary} ${encoding}`, { canary, encoding });
      }
    }
    return [...hits.values()];
  }

  #add(needle: Needle): void {
    this.#longest = Math.max(this.#longest, needle.bytes.length);
    const view = new DataView(needle.bytes.buffer, needle.bytes.byteOffset, needle.bytes.byteLength);
    for (let at = 0; at + BLOCK_BYTES <= needle.bytes.length; at += BLOCK_BYTES) {
      const word = view.getInt32(at);
      const bit = Math.imul(word, 0x9e37_79b1) >>> (32 - FILTER_BITS);
      this.#filter[bit >>> 3] = (this.#filter[bit >>> 3] ?? 0) | (1 << (bit & 7));
      const bucket = this.#blocks.get(word);
      if (bucket === undefined) this.#blocks.set(word, [{ needle, at }]);
      else bucket.push({ needle, at });
    }
  }
}

/** The state of one stream's search: hits so far and the tail that may hold the first half of a canary. */
export class CanaryStream {
  readonly found = new Set<number>();
  /** Hits by encoding, each canary once in each. */
  readonly hits = new Map<string, Set<number>>();
  bytes = 0;
  #tail: Uint8Array = new Uint8Array(0);
  readonly #scan: (bytes: Uint8Array) => Hit[];
  readonly #overlap: number;

  constructor(scan: (bytes: Uint8Array) => Hit[], overlap: number) {
    this.#scan = scan;
    this.#overlap = overlap;
  }

  /** Searches the next piece of the stream. */
  push(piece: Uint8Array): void {
    this.bytes += piece.length;
    const joined = Buffer.concat([this.#tail, piece]);
    this.add(this.#scan(joined));
    this.#tail = Uint8Array.from(joined.subarray(Math.max(0, joined.length - this.#overlap)));
  }

  /** Adds what was found in it by other means. */
  add(hits: readonly Hit[], how = ''): void {
    for (const { canary, encoding } of hits) {
      this.found.add(canary);
      const name = how + encoding;
      this.hits.set(name, (this.hits.get(name) ?? new Set()).add(canary));
    }
  }
}

function isRun(bytes: Uint8Array, place: number, { needle, at }: Block): boolean {
  let before = 0;
  while (at - before > 0 && place - before > 0 && bytes[place - before - 1] === needle.bytes[at - before - 1]) before += 1;
  let length = 0;
  while (at + length < needle.bytes.length && place + length < bytes.length && bytes[place + length] === needle.bytes[at + length]) length += 1;
  return length >= BLOCK_BYTES && before + length >= needle.runBytes;
}
