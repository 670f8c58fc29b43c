// How a stream of messages ends, so that another way can go on exactly behind it.
import { hash } from '../../protocol/hash.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import type { StreamMark } from './direct-frame.js';

/** Bytes of either end of a message that tell it from its neighbours; to look at all would cost as much as sealing. */
const EDGE_BYTES = 1024;

export class StreamEnd {
  #digest: Uint8Array | null = null;
  #run = 0;
  #at = 0;

  note(message: Uint8Array, nowMs: number): void {
    const digest = digestOf(message);
    this.#run = this.#digest !== null && equalBytes(this.#digest, digest) ? this.#run + 1 : 1;
    this.#digest = digest;
    this.#at = nowMs;
  }

  mark(nowMs: number): StreamMark | null {
    return this.#digest === null ? null : { digest: this.#digest, run: this.#run, ageMs: Math.max(0, nowMs - this.#at) };
  }

  /** Whether it ends where the mark says. */
  isAt({ digest, run }: StreamMark): boolean {
    return this.#digest !== null && this.#run >= run && equalBytes(this.#digest, digest);
  }
}

function digestOf(message: Uint8Array): Uint8Array {
  return hash(new ByteWriter().u32(message.length).finish(), message.subarray(0, EDGE_BYTES), message.subarray(-EDGE_BYTES));
}
