// Seals the app's state at the verified size and uploads it in chunks; continues after a reconnect.
import { equalBytes } from '../../protocol/equal-bytes.js';
import { hash } from '../../protocol/hash.js';
import { SNAPSHOT_CHUNKS_PER_STATUS } from '../../protocol/limits.js';
import type { SnapshotStatusFrame } from '../../protocol/relay-frame.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { sealSnapshot } from '../crypto/snapshot-seal.js';
import type { DeviceChain, SealedSnapshot, SnapshotPosition } from '../crypto/snapshot-seal.js';
import { SNAPSHOT_BEGINS_MAX } from '../limits.js';
import type { SpaceContext } from '../space/space-context.js';
import type { AckedPosition } from './acker.js';

interface Upload extends SealedSnapshot {
  readonly id: Uint8Array;
  readonly logEpoch: number;
  readonly size: number;
  readonly done: (size: number) => void;
  readonly failed: (cause: unknown) => void;
  /** Set once the author's ack covers the size, and again in each session. */
  begun: boolean;
  /** Whether the relay has answered the present Begin: what it refuses before is of an earlier one. */
  answered: boolean;
  begins: number;
  /** Counts the statuses: a newer one says what to send, whatever was being sent. */
  statuses: number;
}

// The relay lost count of it: frames of a connection that ended came later than those of the next one.
const LOST_COUNT: ReadonlySet<string> = new Set(['snapshot_unknown', 'snapshot_chunk_unexpected']);

/** Where a snapshot stands: the log and the chains of the devices up to there. */
export interface UploadPosition extends SnapshotPosition {
  readonly chains: readonly DeviceChain[];
}

export class SnapshotUpload {
  readonly #context: SpaceContext;
  readonly #stored: (size: number) => Promise<void>;
  #link: SessionLink | undefined;
  /** The ack that was sent in this session: frames leave in order, so a Begin after it is covered by it. */
  #acked: AckedPosition | undefined;
  #upload: Upload | undefined;
  #storedId: Uint8Array | undefined;

  /** `stored` is called when the relay holds a snapshot up to that size. */
  constructor(context: SpaceContext, stored: (size: number) => Promise<void>) {
    this.#context = context;
    this.#stored = stored;
  }

  /** The id of the last one that the relay stored. */
  get storedId(): Uint8Array | undefined {
    return this.#storedId;
  }

  get busy(): boolean {
    return this.#upload !== undefined;
  }

  start(link: SessionLink): void {
    this.#link = link;
    this.#acked = undefined;
    if (this.#upload !== undefined) this.#upload.begun = false;
  }

  stop(): void {
    this.#link = undefined;
  }

  close(): void {
    this.#upload?.failed(new ClientError('closed', 'the space was closed'));
    this.#upload = undefined;
  }

  /** The present position, to be taken before the app makes its state. */
  position(): UploadPosition {
    const { log, identity, chains } = this.#context;
    const { verified } = log;
    if (verified === undefined || verified.size !== log.size) {
      throw new ClientError('offline', 'nothing verified to make a snapshot of yet', { temporary: true, hint: 'Wait for whenSynced() first.' });
    }
    const { logEpoch, size, head } = verified;
    return { logId: identity.logId, logEpoch, size, head, range: log.tree.state().range, chains: chains.delivered() };
  }

  /** Seals a state that holds all up to the position; resolves with its size when the relay has stored it. A newer call replaces an older one. */
  async upload({ chains, ...position }: UploadPosition, state: Uint8Array): Promise<number> {
    const { identity, roster, ed25519, device, environment } = this.#context;
    const { logEpoch, size } = position;
    const keyEpoch = roster.known?.keyEpoch ?? 0;
    const epochKey = roster.keys.get(keyEpoch);
    if (epochKey === undefined) throw new ClientError('removed', 'this device has no key of the present key epoch');
    const sealed = await sealSnapshot({
      ed25519,
      epochKey,
      keyEpoch,
      space: identity.space,
      device,
      position,
      chains,
      state,
      time: environment.now(),
      random: (length) => environment.randomBytes(length),
    });
    if (logEpoch !== this.#context.log.logEpoch) throw resetMeanwhile();
    return new Promise((done, failed) => {
      this.#upload?.failed(new ClientError('closed', 'a newer snapshot took its place'));
      this.#upload = { ...sealed, id: hash(sealed.manifest), logEpoch, size, done, failed, begun: false, answered: false, begins: 0, statuses: 0 };
      this.#begin();
    });
  }

  /** The own ack was sent: the relay takes snapshots only up to it. */
  acked(position: AckedPosition): void {
    this.#acked = position;
    this.#begin();
  }

  async status(frame: SnapshotStatusFrame): Promise<void> {
    const upload = this.#upload;
    if (upload === undefined || !equalBytes(frame.snapshot, upload.id)) return;
    upload.answered = true;
    if (!frame.stored) {
      await this.#send(upload, frame.nextChunk);
      return;
    }
    this.#upload = undefined;
    this.#storedId = upload.id;
    await this.#stored(upload.size);
    upload.done(upload.size);
  }

  /** The relay refused it, or a part of one that is gone; true when nobody else need hear of it. */
  refused(error: ClientError): boolean {
    const upload = this.#upload;
    const hasLostCount = LOST_COUNT.has(error.code);
    if (upload === undefined) return hasLostCount;
    if (hasLostCount && !upload.answered) return true;
    if (hasLostCount && upload.begins < SNAPSHOT_BEGINS_MAX) {
      upload.begun = false;
      this.#begin();
      return true;
    }
    this.#upload = undefined;
    upload.failed(error);
    return true;
  }

  /** The log was reset: a snapshot of the old log epoch is wanted by nobody. */
  reset(): void {
    this.refused(resetMeanwhile());
  }

  #begin(): void {
    const upload = this.#upload;
    if (upload === undefined || upload.begun || this.#link === undefined) return;
    if (this.#acked?.logEpoch !== upload.logEpoch || this.#acked.size < upload.size) return;
    upload.begun = true;
    upload.answered = false;
    upload.begins += 1;
    this.#link.send({ type: 'SnapshotBegin', manifest: upload.manifest });
  }

  // Up to the next status, so that the relay sets the pace.
  async #send(upload: Upload, from: number): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    upload.statuses += 1;
    const { statuses } = upload;
    const until = Math.min(upload.chunks.length, (Math.floor(from / SNAPSHOT_CHUNKS_PER_STATUS) + 1) * SNAPSHOT_CHUNKS_PER_STATUS);
    for (let index = from; index < until; index += 1) {
      const bytes = upload.chunks[index];
      await link.writable();
      if (bytes === undefined || this.#link !== link || this.#upload !== upload || upload.statuses !== statuses || !upload.begun) return;
      link.send({ type: 'SnapshotChunk', snapshot: upload.id, index, bytes });
    }
  }
}

function resetMeanwhile(): ClientError {
  return new ClientError('snapshot_rejected', 'the log was reset while the snapshot was made', { temporary: true, hint: 'Make another one when the space is synced.' });
}
