// How a stream of messages ends, so that another way can go on exactly behind it. It has no numbers: the last messages themselves say where it is.
import { ByteWriter } from '../../protocol/byte-writer.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { hash } from '../../protocol/hash.js';
import type { StreamMark } from './direct-frame.js';

/** Bytes of either end of a message that tell it from others; to look at all would cost as much as sealing. */
const EDGE_BYTES = 1024;
/** Messages that a mark speaks of: enough that the same words said twice are told apart. */
const MARK_MESSAGES = 8;
/** Messages that are remembered: a mark may come later than what was sent after it. */
const MESSAGES_MAX = 256;

export class StreamEnd {
  #digests: Uint8Array[] = [];
  #at = 0;

  note(message: Uint8Array, nowMs: number): void {
    this.#digests.push(hash(new ByteWriter().u32(message.length).finish(), message.subarray(0, EDGE_BYTES), message.subarray(-EDGE_BYTES)));
    if (this.#digests.length > MESSAGES_MAX) this.#digests.shift();
    this.#at = nowMs;
  }

  /** Null: nothing was sent. */
  mark(nowMs: number): StreamMark | null {
    const last = this.#digests.slice(-MARK_MESSAGES);
    return last.length === 0 ? null : { digest: hash(...last), messages: last.length, ageMs: Math.max(0, nowMs - this.#at) };
  }

  /** Whether it got as far as the mark says. */
  hasPassed({ digest, messages }: StreamMark): boolean {
    for (let end = this.#digests.length; end >= messages; end -= 1) {
      if (equalBytes(hash(...this.#digests.slice(end - messages, end)), digest)) return true;
    }
    return false;
  }
}
