// How blobs are sealed and opened. It is an interface only so that tests can measure what a relay would see without it.
import { BlobOpener, BlobSealer, parseBlobHeader } from '../crypto/blob-seal.js';
import type { BlobHeader, SealBlobInput } from '../crypto/blob-seal.js';

/** What a `BlobSealer` does. */
export type SealsBlob = Pick<BlobSealer, 'header' | 'chunkCount' | 'totalBytes' | 'contentRange' | 'seal'>;
/** What a `BlobOpener` does. */
export type OpensBlob = Pick<BlobOpener, 'chunkCount' | 'chunkBytes' | 'open'>;

export interface BlobSealing {
  header(bytes: Uint8Array): BlobHeader;
  seal(input: SealBlobInput): Promise<SealsBlob>;
  open(header: BlobHeader, totalBytes: number, epochKey: Uint8Array, space: Uint8Array): Promise<OpensBlob>;
}

/** The one that is used. */
export const BLOB_SEALING: BlobSealing = {
  header: parseBlobHeader,
  seal: (input) => BlobSealer.start(input),
  open: (header, totalBytes, epochKey, space) => BlobOpener.start(header, totalBytes, epochKey, space),
};
