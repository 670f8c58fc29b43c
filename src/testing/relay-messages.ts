// The way from a relay to one device, cut into the messages of its WebSocket once it is one, so that faults can pick them.
import { FRAME_TYPE } from '../protocol/frame-type.js';

const UPGRADED = 'HTTP/1.1 101';
const HEAD_END = '\r\n\r\n';
const OPCODE_BINARY = 2;

/** A piece of the stream: bytes as they came, and the type of the frame when they are one message. */
export interface Piece {
  readonly bytes: Buffer;
  readonly frame: number | null;
}

/** Whether the piece is a message with entries of the log. */
export function isEntries({ frame }: Piece): boolean {
  return frame === FRAME_TYPE.Entries;
}

/** Feed it what comes; it gives whole pieces in order. What is no WebSocket comes out as it went in. */
export class RelayMessages {
  #kept: Buffer = Buffer.alloc(0);
  #mode: 'head' | 'messages' | 'plain' = 'head';

  take(bytes: Buffer): readonly Piece[] {
    this.#kept = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const pieces: Piece[] = [];
    for (let piece = this.#next(); piece !== undefined; piece = this.#next()) pieces.push(piece);
    return pieces;
  }

  #next(): Piece | undefined {
    if (this.#kept.length === 0) return undefined;
    if (this.#mode === 'plain') return this.#cut(this.#kept.length, null);
    if (this.#mode === 'head') return this.#head();
    return this.#message();
  }

  #head(): Piece | undefined {
    const isUpgrade = this.#kept.subarray(0, UPGRADED.length).toString('latin1') === UPGRADED;
    if (!isUpgrade && this.#kept.length >= UPGRADED.length) {
      this.#mode = 'plain';
      return this.#cut(this.#kept.length, null);
    }
    const end = this.#kept.indexOf(HEAD_END);
    if (end < 0) return undefined;
    this.#mode = 'messages';
    return this.#cut(end + HEAD_END.length, null);
  }

  // A relay's frames are not masked (RFC 6455 section 5.2).
  #message(): Piece | undefined {
    const kept = this.#kept;
    if (kept.length < 2) return undefined;
    const short = kept.readUInt8(1) & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (kept.length < head) return undefined;
    const length = short === 126 ? kept.readUInt16BE(2) : short === 127 ? Number(kept.readBigUInt64BE(2)) : short;
    if (kept.length < head + length) return undefined;
    const isMessage = (kept.readUInt8(0) & 0x0f) === OPCODE_BINARY && length > 0;
    return this.#cut(head + length, isMessage ? kept.readUInt8(head) : null);
  }

  #cut(length: number, frame: number | null): Piece {
    const bytes = this.#kept.subarray(0, length);
    this.#kept = this.#kept.subarray(length);
    return { bytes, frame };
  }
}
