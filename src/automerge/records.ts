// Changes of many documents in one byte string: for each its id (a length byte and ASCII), the length of its bytes (4 bytes, little endian), and the bytes.

/** Bytes that Automerge can load into the document of that id: changes, or a whole document. */
export interface DocumentRecord {
  readonly documentId: string;
  readonly bytes: Uint8Array;
}

const ID_BYTES_MAX = 255;

export function encodeRecords(records: readonly DocumentRecord[]): Uint8Array {
  const parts = records.map(({ documentId, bytes }) => ({ id: new TextEncoder().encode(documentId), bytes }));
  const out = new Uint8Array(parts.reduce((length, { id, bytes }) => length + 5 + id.length + bytes.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const { id, bytes } of parts) {
    if (id.length > ID_BYTES_MAX) throw new RangeError('the id of a document is too long');
    out[at] = id.length;
    out.set(id, at + 1);
    view.setUint32(at + 1 + id.length, bytes.length, true);
    out.set(bytes, at + 5 + id.length);
    at += 5 + id.length + bytes.length;
  }
  return out;
}

/** Throws a RangeError when the bytes are not what `encodeRecords` writes. */
export function decodeRecords(encoded: Uint8Array): readonly DocumentRecord[] {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const records: DocumentRecord[] = [];
  let at = 0;
  while (at < encoded.length) {
    const idEnd = at + 1 + view.getUint8(at);
    const end = idEnd + 4 + view.getUint32(idEnd, true);
    if (end > encoded.length) throw new RangeError('a record ends after its bytes');
    records.push({ documentId: new TextDecoder().decode(encoded.subarray(at + 1, idEnd)), bytes: encoded.subarray(idEnd + 4, end) });
    at = end;
  }
  return records;
}

/** One record per document, its bytes behind one another, which Automerge loads as if they came one by one. */
export function joinRecords(encoded: readonly Uint8Array[]): Uint8Array {
  const byId = new Map<string, Uint8Array[]>();
  for (const { documentId, bytes } of encoded.flatMap(decodeRecords)) byId.set(documentId, [...(byId.get(documentId) ?? []), bytes]);
  return encodeRecords([...byId].map(([documentId, parts]) => ({ documentId, bytes: concat(parts) })));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
