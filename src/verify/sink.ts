// One sink under search: pieces go in, hits by field and encoding come out.
import type { CanarySearch, CanaryStream } from './canary-search.js';
import { unpacked } from './compressed.js';
import type { SinkReport } from './report.js';

/** What is looked for, and the field of each canary by its number. */
export interface Wanted {
  readonly search: CanarySearch;
  readonly fieldOf: (canary: number) => string;
}

export class Sink {
  readonly name: string;
  readonly #wanted: Wanted;
  readonly #stream: CanaryStream;
  readonly #parts = new Map<string, CanaryStream>();
  #skipped: string | null = null;

  constructor(name: string, wanted: Wanted) {
    this.name = name;
    this.#wanted = wanted;
    this.#stream = wanted.search.stream();
  }

  /** The next piece of what the sink holds. Pieces of one part belong together; a canary cut between two of them is found. */
  push(piece: Uint8Array, part = ''): void {
    // Holes of images and files: nothing can be in zeros, and a search would take its time over them.
    if (isZero(piece)) return;
    let stream = this.#parts.get(part);
    if (stream === undefined) {
      stream = this.#wanted.search.stream();
      this.#parts.set(part, stream);
    }
    stream.push(piece);
    for (const { how, bytes } of unpacked(piece)) this.#stream.add(this.#wanted.search.scan(bytes), how);
  }

  /** The sink could not be searched, or not in full. */
  skip(why: string): void {
    this.#skipped = why;
  }

  report(): SinkReport {
    const streams = [this.#stream, ...this.#parts.values()];
    const found = new Set(streams.flatMap((stream) => [...stream.found]));
    const byForm = new Map<string, { readonly field: string; readonly encoding: string; readonly canaries: Set<number> }>();
    for (const stream of streams) {
      for (const [encoding, canaries] of stream.hits) {
        for (const canary of canaries) {
          const field = this.#wanted.fieldOf(canary);
          const form = byForm.get(`${field} ${encoding}`) ?? { field, encoding, canaries: new Set<number>() };
          byForm.set(`${field} ${encoding}`, form);
          form.canaries.add(canary);
        }
      }
    }
    return {
      sink: this.name,
      bytes: streams.reduce((sum, { bytes }) => sum + bytes, 0),
      hits: found.size,
      found: [...byForm.values()].map(({ field, encoding, canaries }) => ({ field, encoding, count: canaries.size })),
      skipped: this.#skipped,
    };
  }
}

const ZEROS = Buffer.alloc(1024 * 1024);

function isZero(piece: Uint8Array): boolean {
  for (let at = 0; at < piece.length; at += ZEROS.length) {
    const part = piece.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}
