// What can be put as a blob: bytes, or something large that is read piece by piece.

/** A content that is read as it is needed; `Blob` and `File` are such. */
export interface BlobSource {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

export type BlobContent = Uint8Array | BlobSource;

/** Its length. */
export function sizeOf(content: BlobContent): number {
  return content instanceof Uint8Array ? content.length : content.size;
}

/** A part of it, copied: what is sealed must not change meanwhile. */
export async function readPart(content: BlobContent, start: number, end: number): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content.slice(start, end);
  return new Uint8Array(await content.slice(start, end).arrayBuffer());
}
