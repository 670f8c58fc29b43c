// Bytes on a stream, in pieces: the package takes lists of numbers, and a whole message as one list would hold up everything else.
import { ClientError } from '../../client-error.js';
import type { Environment } from '../../environment.js';
import type { IrohStream } from './iroh-package.js';

/** Bytes of a piece. */
const PIECE_BYTES = 32 * 1024;
/** Longest first line, in bytes: a proof of a request. */
const LINE_BYTES_MAX = 512;
const LINE_END = 10;

/** Writes all of it and ends this side of the stream. */
export async function writeAll({ send }: IrohStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) await send.writeAll(Array.from(bytes.subarray(at, at + PIECE_BYTES)));
  await send.finish();
}

/** A body behind a first line. */
export function behindLine(line: string, body: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`${line}\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** Reads a first line; `rest` is what came behind it. */
export async function readLine({ recv }: IrohStream): Promise<{ line: string; rest: Uint8Array } | null> {
  let bytes = new Uint8Array();
  while (bytes.length <= LINE_BYTES_MAX) {
    const piece = await recv.read(PIECE_BYTES);
    if (piece.length === 0) return null;
    bytes = Uint8Array.from([...bytes, ...piece]);
    const end = bytes.indexOf(LINE_END);
    if (end >= 0 && end <= LINE_BYTES_MAX) return { line: new TextDecoder().decode(bytes.subarray(0, end)), rest: bytes.subarray(end + 1) };
  }
  return null;
}

/** Reads to the end; `take` counts, and throws when there is too much. */
export async function readAll({ recv }: IrohStream, begun: Uint8Array, take: (bytes: number) => void): Promise<Uint8Array> {
  take(begun.length);
  const pieces = [begun];
  for (;;) {
    const piece = await recv.read(PIECE_BYTES);
    if (piece.length === 0) break;
    take(piece.length);
    pieces.push(Uint8Array.from(piece));
  }
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Gives up a stream that nobody needs any more. */
export function abandon({ send, recv }: IrohStream): void {
  send.reset(0n).catch(() => undefined);
  recv.stop(0n).catch(() => undefined);
}

/** Rejects when it takes longer; what was begun goes on, so give it up then. */
export async function within<T>(environment: Pick<Environment, 'after'>, limitMs: number, work: Promise<T>): Promise<T> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const timer = environment.after(limitMs, () => reject(new ClientError('peer_unreachable', `the peer did not answer within ${limitMs} ms`, { temporary: true })));
    cancel = () => timer.cancel();
  });
  // Whoever loses the race is not heard any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}
