// Frames on a direct way: their length (u32), a byte of kind, and what belongs to it.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { HELLO_BYTES_MAX, PEER_ID_CHARS_MAX, SEALED_BYTES_MAX } from './limits.js';

/** The last that was sent by the relay: a digest of so many messages, and how long ago. */
export interface StreamMark {
  readonly digest: Uint8Array;
  readonly messages: number;
  readonly ageMs: number;
}

export type DirectFrame =
  | { readonly kind: 'hello'; readonly peerId: string; readonly proof: Uint8Array }
  | { readonly kind: 'data'; readonly number: number; readonly bytes: Uint8Array }
  /** Everything up to this number is there. */
  | { readonly kind: 'ack'; readonly number: number }
  | { readonly kind: 'ping' }
  /** What comes from here on follows upon this; null: upon nothing. */
  | { readonly kind: 'mark'; readonly mark: StreamMark | null }
  /** The app closed the connection. */
  | { readonly kind: 'bye' };

const KINDS = ['hello', 'data', 'ack', 'ping', 'mark', 'bye'] as const;
const HEAD_BYTES = 4;
const PROOF_BYTES_MAX = 256;
/** Kind, number and length beside the bytes of a message. */
export const FRAME_BYTES_MAX = SEALED_BYTES_MAX + 64;
const HOUR_MS = 3_600_000;

export function encodeFrame(frame: DirectFrame): Uint8Array {
  const body = bodyOf(frame);
  return new ByteWriter(HEAD_BYTES + 1 + body.length).u32(body.length + 1).u8(KINDS.indexOf(frame.kind)).raw(body).finish();
}

function bodyOf(frame: DirectFrame): Uint8Array {
  switch (frame.kind) {
    case 'hello':
      return new ByteWriter().bytes32(new TextEncoder().encode(frame.peerId)).bytes32(frame.proof).finish();
    case 'data':
      return new ByteWriter(12 + frame.bytes.length).u64(frame.number).bytes32(frame.bytes).finish();
    case 'ack':
      return new ByteWriter(8).u64(frame.number).finish();
    case 'mark':
      return frame.mark === null ? new Uint8Array() : new ByteWriter(40).raw32(frame.mark.digest).u32(frame.mark.messages).u32(Math.min(frame.mark.ageMs, HOUR_MS)).finish();
    case 'ping':
    case 'bye':
      return new Uint8Array();
  }
}

/** Throws for bytes that are no frame. */
function decodeBody(bytes: Uint8Array): DirectFrame {
  const kind = KINDS[bytes[0] ?? KINDS.length];
  const reader = new ByteReader(bytes.subarray(1));
  switch (kind) {
    case 'hello':
      return { kind, peerId: new TextDecoder('utf-8', { fatal: true }).decode(reader.bytes32(4 * PEER_ID_CHARS_MAX)), proof: reader.bytes32(PROOF_BYTES_MAX) };
    case 'data':
      return { kind, number: reader.u64(), bytes: reader.bytes32(SEALED_BYTES_MAX) };
    case 'ack':
      return { kind, number: reader.u64() };
    case 'mark':
      return { kind, mark: bytes.length === 1 ? null : { digest: reader.raw32(), messages: reader.u32(), ageMs: reader.u32() } };
    case 'ping':
    case 'bye':
      return { kind };
    default:
      throw new RangeError('not a kind of frame');
  }
}

/** Puts the pieces of a stream together again. */
export class FrameReader {
  /** Bytes of the largest frame; small until the other side is known. */
  bytesMax = HELLO_BYTES_MAX;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** The frames that are whole now. Throws for what is none. */
  *push(piece: Uint8Array): Generator<DirectFrame, void, undefined> {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    for (let frame = this.#take(); frame !== null; frame = this.#take()) yield decodeBody(frame);
  }

  #take(): Uint8Array | null {
    if (this.#bytes < HEAD_BYTES) return null;
    const length = this.#lengthAhead();
    if (length < 1 || length > this.bytesMax) throw new RangeError('a frame of that length is none');
    if (this.#bytes < HEAD_BYTES + length) return null;
    const all = this.#join();
    this.#pieces = [all.subarray(HEAD_BYTES + length)];
    this.#bytes = all.length - HEAD_BYTES - length;
    return all.subarray(HEAD_BYTES, HEAD_BYTES + length);
  }

  #lengthAhead(): number {
    if ((this.#pieces[0]?.length ?? 0) < HEAD_BYTES) this.#pieces = [this.#join()];
    const [first = new Uint8Array(HEAD_BYTES)] = this.#pieces;
    return new DataView(first.buffer, first.byteOffset).getUint32(0);
  }

  #join(): Uint8Array {
    const [only] = this.#pieces;
    if (this.#pieces.length === 1 && only !== undefined) return only;
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}
