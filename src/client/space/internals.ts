// What tests, and the pairing, may replace of an open space.
import type { BlobSealing } from '../blobs/blob-sealing.js';
import type { Sponsor } from '../connection/handshake.js';
import type { Fetch } from '../blobs/http-token.js';
import type { LiveSealer } from '../live/live-crypto.js';
import type { EntrySealer } from '../sync/entry-sealer.js';
import type { OpenTransport } from '../transport/transport.js';

/** It is no part of the public entries. */
export interface Internals {
  readonly sealer?: EntrySealer;
  readonly liveSealer?: LiveSealer;
  readonly openTransport?: OpenTransport;
  readonly fetch?: Fetch;
  readonly blobSealing?: BlobSealing;
  /** Vouches for the space, where it is founded. */
  readonly sponsor?: Sponsor;
}
