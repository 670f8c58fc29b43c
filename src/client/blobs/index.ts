/**
 * Large sealed objects beside the log, by the hash of their sealed bytes.
 *
 * ```ts
 * const space = await openSpace({ link, parts: [blobs] });
 * const id = await space.blobs.put(file);
 * ```
 */
import { httpOrigin } from '../connection/http-origin.js';
import type { SpacePart } from '../space/space-part.js';
import { BLOB_SEALING } from './blob-sealing.js';
import { SpaceBlobs } from './space-blobs.js';

export type { BlobContent, BlobSource } from './blob-source.js';
export type { BlobOptions, SpaceBlobs } from './space-blobs.js';

/** What a space with this part can do. */
export interface BlobCalls {
  readonly blobs: SpaceBlobs;
}

/** The part, for any space. */
export const blobs: SpacePart<BlobCalls> = {
  name: 'blobs',
  open: ({ context, address, internals }) => ({
    calls: { blobs: new SpaceBlobs(context, httpOrigin(address), internals.fetch ?? ((url, init) => fetch(url, init)), internals.blobSealing ?? BLOB_SEALING) },
  }),
};
