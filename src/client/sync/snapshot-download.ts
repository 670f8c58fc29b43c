// Finds the newest snapshot that holds, and opens it: how a device starts when it is new, or below the floor.
import { equalBytes } from '../../protocol/equal-bytes.js';
import { ZEROS } from '../../protocol/hash.js';
import { FrameError } from '../../protocol/frame-error.js';
import type { SnapshotChunkFrame } from '../../protocol/client-frame.js';
import type { SnapshotManifestFrame } from '../../protocol/relay-frame.js';
import { deviceOf, mayWrite } from '../../protocol/roster.js';
import { chunkCount, parseManifest, verifyManifest } from '../../protocol/snapshot.js';
import type { SnapshotManifest } from '../../protocol/snapshot.js';
import { SNAPSHOT_BYTES_MAX } from '../../protocol/limits.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { openSnapshot } from '../crypto/snapshot-seal.js';
import type { SnapshotState } from '../crypto/snapshot-seal.js';
import { SealError } from '../crypto/seal-error.js';
import { SNAPSHOT_CHUNKS_WINDOW, SNAPSHOT_DOWNLOADS_MAX } from '../limits.js';
import type { SpaceContext } from '../space/space-context.js';
import { Answers } from './requests.js';

/** A snapshot whose author, position and bytes hold. */
export interface DownloadedSnapshot extends SnapshotState {
  readonly manifest: SnapshotManifest;
}

export class SnapshotDownload {
  readonly #context: SpaceContext;
  readonly #manifests: Answers<SnapshotManifestFrame>;
  readonly #chunks: Answers<SnapshotChunkFrame>;

  constructor(context: SpaceContext) {
    this.#context = context;
    this.#manifests = new Answers(context.environment, 1);
    this.#chunks = new Answers(context.environment, SNAPSHOT_CHUNKS_WINDOW);
  }

  manifest(frame: SnapshotManifestFrame): void {
    this.#manifests.answer(frame);
  }

  chunk(frame: SnapshotChunkFrame): void {
    this.#chunks.answer(frame);
  }

  /** Ends a download that waits; true when there was one. */
  fail(cause: unknown): boolean {
    const waited = this.#manifests.fail(cause);
    return this.#chunks.fail(cause) || waited;
  }

  /** The newest snapshot, null when the relay holds none. Throws `snapshot_rejected` when it does not hold or ends below the floor. */
  async newest(link: SessionLink, floor: number): Promise<DownloadedSnapshot | null> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#get(link, ZEROS, floor);
      } catch (cause) {
        // Newer ones took its place while it was read.
        if (!isGone(cause) || tried === SNAPSHOT_DOWNLOADS_MAX) throw cause;
      }
    }
  }

  /** The snapshot of that id, null when the relay holds it no longer. */
  get(link: SessionLink, id: Uint8Array, floor: number): Promise<DownloadedSnapshot | null> {
    return this.#get(link, id, floor).catch((cause: unknown) => {
      if (isGone(cause)) return null;
      throw cause;
    });
  }

  async #get(link: SessionLink, id: Uint8Array, floor: number): Promise<DownloadedSnapshot | null> {
    this.#manifests.forget();
    this.#chunks.forget();
    link.send({ type: 'SnapshotGet', snapshot: id, firstChunk: 0, chunksMax: SNAPSHOT_CHUNKS_WINDOW });
    const { manifest: bytes } = await this.#manifests.next();
    if (bytes.length === 0) return null;
    try {
      return await this.#open(link, parseManifest(bytes), floor);
    } catch (cause) {
      throw cause instanceof SealError || cause instanceof FrameError ? rejected(cause.message, cause) : cause;
    }
  }

  async #open(link: SessionLink, manifest: SnapshotManifest, floor: number): Promise<DownloadedSnapshot> {
    await this.#check(manifest, floor);
    const chunks = await this.#readChunks(link, manifest);
    const epochKey = this.#context.roster.keys.get(manifest.keyEpoch);
    if (epochKey === undefined) throw rejected('it is sealed under an unknown key epoch');
    return { manifest, ...(await openSnapshot({ epochKey, manifest, chunks })) };
  }

  async #check(manifest: SnapshotManifest, floor: number): Promise<void> {
    const { identity, roster, ed25519, log } = this.#context;
    if (!equalBytes(manifest.space, identity.space)) throw rejected('it is of another space');
    if (roster.known === undefined || !mayWrite(deviceOf(roster.known, manifest.device))) throw rejected('its author may not write');
    if (!(await verifyManifest(manifest, ed25519))) throw rejected('its signature does not hold');
    // One from before the space moved to this relay: the leaves tell later whether it is of these entries.
    const isOther = !equalBytes(manifest.logId, identity.logId);
    const own = !isOther && manifest.logEpoch === log.logEpoch ? log.headAt(manifest.size) : undefined;
    if (own !== undefined && !equalBytes(own, manifest.head)) throw rejected('its head is not the one this device verified');
    if (manifest.size + 1 < floor) throw rejected('it ends below the floor');
    if (manifest.totalBytes > SNAPSHOT_BYTES_MAX) throw rejected('it is larger than any relay holds');
  }

  async #readChunks(link: SessionLink, manifest: SnapshotManifest): Promise<readonly Uint8Array[]> {
    const count = chunkCount(manifest);
    const chunks: Uint8Array[] = [];
    while (chunks.length < count) {
      if (chunks.length > 0 && chunks.length % SNAPSHOT_CHUNKS_WINDOW === 0) {
        link.send({ type: 'SnapshotGet', snapshot: manifest.id, firstChunk: chunks.length, chunksMax: SNAPSHOT_CHUNKS_WINDOW });
        await this.#manifests.next();
      }
      const chunk = await this.#chunks.next();
      if (chunk.index !== chunks.length || !equalBytes(chunk.snapshot, manifest.id)) throw rejected('its chunks came out of order');
      chunks.push(chunk.bytes);
    }
    return chunks;
  }
}

function isGone(cause: unknown): boolean {
  return cause instanceof ClientError && cause.code === 'snapshot_unknown';
}

function rejected(why: string, cause?: unknown): ClientError {
  return new ClientError('snapshot_rejected', `the snapshot the relay offers is not usable: ${why}`, {
    cause,
    hint: 'Let another device of the space make a snapshot.',
  });
}
