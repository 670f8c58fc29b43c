// How batches cross the border to the core: records one behind the other, each a kind (u8), a stream (u32), a length (u32)
// and that many bytes. The twin of crates/relay-net/src/embedded/wire.rs.

/** What is told about a stream. */
export const Input = { openSession: 1, openRequest: 2, data: 3, end: 4, gone: 5, taken: 6, alive: 7 } as const;
export type Input = (typeof Input)[keyof typeof Input];

/** What the core says of a stream. */
export const Output = { head: 1, data: 2, end: 3, close: 4, cut: 5, taken: 6, ping: 7 } as const;
export type Output = (typeof Output)[keyof typeof Output];

/** Kind, stream and length of a record. */
export const RECORD_HEADER_BYTES = 9;

export interface OutputRecord {
  readonly kind: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The header of a record whose payload follows. */
export function recordHeader(kind: Input, stream: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(stream, 1);
  header.writeUInt32BE(length, 5);
  return header;
}

/** A whole record that carries a count. */
export function countRecord(kind: Input, stream: number, count: number): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + 4);
  recordHeader(kind, stream, 4).copy(record);
  record.writeUInt32BE(count, RECORD_HEADER_BYTES);
  return record;
}

/** The records of a piece of output; their payloads are parts of it. */
export function* outputRecords(piece: Buffer): Generator<OutputRecord> {
  for (let at = 0; at < piece.length; ) {
    const end = at + RECORD_HEADER_BYTES + piece.readUInt32BE(at + 5);
    yield { kind: piece.readUInt8(at), stream: piece.readUInt32BE(at + 1), payload: piece.subarray(at + RECORD_HEADER_BYTES, end) };
    at = end;
  }
}
