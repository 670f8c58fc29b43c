// Finds canaries (random strings that must never reach the relay in the clear) in byte streams, in every encoding in
// which a leak would plausibly show: raw, UTF-16, hex, base64 and base64url at each of the three alignments, percent.

/** One canary's one encoding. */
interface Needle {
  readonly canary: number;
  readonly encoding: string;
  readonly bytes: Uint8Array;
}

export interface Hit {
  readonly canary: number;
  readonly encoding: string;
}

const PREFIX_BYTES = 4;

/** Searches any number of streams for a fixed set of canaries. */
export class CanarySearch {
  readonly #byPrefix = new Map<number, Needle[]>();
  readonly #firstTwo = new Uint8Array(0x10000);
  readonly #longest: number;

  constructor(canaries: readonly string[]) {
    let longest = PREFIX_BYTES;
    canaries.forEach((canary, index) => {
      for (const [encoding, bytes] of encodings(canary)) {
        this.#add({ canary: index, encoding, bytes });
        longest = Math.max(longest, bytes.length);
      }
    });
    this.#longest = longest;
  }

  /** A scanner for one stream: feed it pieces in order; a canary cut in two pieces is found. */
  stream(): CanaryStream {
    return new CanaryStream((bytes) => this.scan(bytes), this.#longest - 1);
  }

  /** All hits in one buffer. */
  scan(bytes: Uint8Array): Hit[] {
    const hits: Hit[] = [];
    for (let at = 0; at + PREFIX_BYTES <= bytes.length; at += 1) {
      if (this.#firstTwo[((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)] === 0) continue;
      for (const needle of this.#byPrefix.get(prefix(bytes, at)) ?? []) {
        if (matches(bytes, at, needle.bytes)) hits.push({ canary: needle.canary, encoding: needle.encoding });
      }
    }
    return hits;
  }

  #add(needle: Needle): void {
    this.#firstTwo[((needle.bytes[0] ?? 0) << 8) | (needle.bytes[1] ?? 0)] = 1;
    const key = prefix(needle.bytes, 0);
    const bucket = this.#byPrefix.get(key);
    if (bucket) bucket.push(needle);
    else this.#byPrefix.set(key, [needle]);
  }
}

/** The state of one stream's search: hits so far and the tail that may hold the first half of a canary. */
export class CanaryStream {
  readonly found = new Set<number>();
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
    for (const hit of this.#scan(joined)) this.found.add(hit.canary);
    this.#tail = Uint8Array.from(joined.subarray(Math.max(0, joined.length - this.#overlap)));
  }
}

function prefix(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

function matches(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  if (at + needle.length > bytes.length) return false;
  for (let index = PREFIX_BYTES; index < needle.length; index += 1) {
    if (bytes[at + index] !== needle[index]) return false;
  }
  return true;
}

function encodings(canary: string): [string, Uint8Array][] {
  const raw = Buffer.from(canary, 'utf8');
  const found: [string, Uint8Array][] = [
    ['raw', raw],
    ['utf-16', Buffer.from(canary, 'utf16le')],
    ['hex', Buffer.from(raw.toString('hex'))],
    ['HEX', Buffer.from(raw.toString('hex').toUpperCase())],
  ];
  for (const alignment of [0, 1, 2]) {
    // Characters that depend on neighbouring bytes are cut away; what remains is the same in any surrounding.
    const padded = Buffer.concat([Buffer.alloc(alignment), raw, Buffer.alloc(2)]).toString('base64');
    const inner = padded.slice(Math.ceil((alignment * 8) / 6), Math.floor(((alignment + raw.length) * 8) / 6));
    found.push([`base64+${alignment}`, Buffer.from(inner)]);
    const url = inner.replaceAll('+', '-').replaceAll('/', '_');
    if (url !== inner) found.push([`base64url+${alignment}`, Buffer.from(url)]);
  }
  return found;
}
