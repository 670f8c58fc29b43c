/*
 * The snapshots of an open space: those that are made of the app's state, and those that a device starts from when it is new or its cursor
 * is below the floor.
 *
 * Invariant: a snapshot takes the place of history only after its leaves were folded, or, where the relay holds them no longer, its head is
 * compared with the next attested one.
 */
import { snapshotAckSigningBytes } from '../../protocol/ack.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import type { LogReset } from '../../protocol/log-reset.js';
import type { CursorExpiredFrame, RelayFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import { manifestRange } from '../../protocol/snapshot.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { LOG_EPOCH_NONE } from '../log/device-chains.js';
import { LOG_EPOCH_FIRST, ORIGIN_FIRST } from '../log/log-tree.js';
import type { LogOrigin } from '../log/log-tree.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { SnapshotHandler } from '../space/space-options.js';
import type { SnapshotHooks, Snapshots } from '../space/snapshots-part.js';
import type { AckedPosition } from '../sync/acker.js';
import { SnapshotDownload } from '../sync/snapshot-download.js';
import type { DownloadedSnapshot } from '../sync/snapshot-download.js';
import { SnapshotUpload } from '../sync/snapshot-upload.js';

export class SpaceSnapshots implements Snapshots {
  readonly handler: SnapshotHandler;
  readonly #hooks: SnapshotHooks;
  readonly #download: SnapshotDownload;
  readonly #upload: SnapshotUpload;
  #startedFrom: Uint8Array | undefined;

  constructor(handler: SnapshotHandler, hooks: SnapshotHooks) {
    this.handler = handler;
    this.#hooks = hooks;
    this.#download = new SnapshotDownload(hooks.context);
    this.#upload = new SnapshotUpload(hooks.context, hooks.stored);
  }

  get author(): Uint8Array | undefined {
    return this.#hooks.context.log.verified === undefined ? this.#startedFrom : undefined;
  }

  get storedId(): Uint8Array | undefined {
    return this.#upload.storedId;
  }

  async start(link: SessionLink, { attestation }: WelcomeFrame): Promise<void> {
    const snapshot = await this.#newestOrNone(link, attestation.floor);
    if (snapshot !== null) await this.#startFrom(link, snapshot, attestation.time);
  }

  async expired(link: SessionLink, { attestation }: CursorExpiredFrame): Promise<void> {
    const snapshot = await this.#download.newest(link, attestation.floor);
    if (snapshot === null) {
      throw new ClientError('snapshot_rejected', 'the relay has forgotten entries and holds no snapshot', { hint: 'Let another device make a snapshot.' });
    }
    await this.#startFrom(link, snapshot, attestation.time);
  }

  of(link: SessionLink, id: Uint8Array): Promise<DownloadedSnapshot | null> {
    return this.#download.get(link, id, this.#floor());
  }

  newest(link: SessionLink): Promise<DownloadedSnapshot | null> {
    return this.#download.newest(link, this.#floor());
  }

  async make(): Promise<number> {
    // What is read while the app makes its state may be missing in it, so the position is taken before.
    const position = this.#upload.position();
    return this.#upload.upload(position, await this.handler.create());
  }

  begin(link: SessionLink): void {
    this.#upload.start(link);
  }

  acked(position: AckedPosition): void {
    this.#upload.acked(position);
  }

  frame(frame: RelayFrame): Promise<void> | void | false {
    switch (frame.type) {
      case 'SnapshotManifest':
        return this.#download.manifest(frame);
      case 'SnapshotChunk':
        return this.#download.chunk(frame);
      case 'SnapshotStatus':
        return this.#upload.status(frame);
      default:
        return false;
    }
  }

  refused(error: ClientError): boolean {
    return this.#download.fail(error) || this.#upload.refused(error);
  }

  reset(): void {
    this.#upload.reset();
  }

  down(cause: Error): void {
    this.#upload.stop();
    this.#download.fail(cause);
  }

  close(): void {
    this.#upload.close();
  }

  #floor(): number {
    return this.#hooks.context.log.newest?.floor ?? 1;
  }

  // While the whole log is held, a snapshot that does not hold is no reason to stay out.
  async #newestOrNone(link: SessionLink, floor: number): Promise<DownloadedSnapshot | null> {
    try {
      return await this.#download.newest(link, floor);
    } catch (cause) {
      if (floor > 1 || !(cause instanceof ClientError) || cause.code !== 'snapshot_rejected') throw cause;
      this.#hooks.context.events.emit('error', cause);
      return null;
    }
  }

  async #startFrom(link: SessionLink, snapshot: DownloadedSnapshot, time: number): Promise<void> {
    const { log, chains, identity, device, ed25519 } = this.#hooks.context;
    const { manifest } = snapshot;
    const isOther = !equalBytes(manifest.logId, identity.logId);
    const extended = isOther ? await this.#followOther(link, snapshot, time) : log.size > 0 && (await this.#hooks.history.extend(link, manifest.size, time));
    // A snapshot from before a log reset may end where the present tree begins: then it is the old tree that has its head.
    const head = extended && !isOther ? log.tree.headIn(manifest.logEpoch, manifest.size) : undefined;
    if (head !== undefined && !equalBytes(head, manifest.head)) throw this.#otherHead(snapshot);
    if (!extended) this.#adopt(snapshot);
    // Where a space fails over, the author may have read an entry elsewhere that its device has still to push here.
    chains.startFrom(snapshot.chains, isOther || this.#hooks.context.marks.carry !== null ? LOG_EPOCH_NONE : manifest.logEpoch);
    this.#startedFrom = manifest.device;
    await this.#hooks.skipped();
    await this.handler.load(snapshot.state);
    await this.#hooks.loaded(snapshot);
    await this.#hooks.context.save();
    if (equalBytes(manifest.device, device.key)) return;
    const signature = await ed25519.sign(device.seed, snapshotAckSigningBytes(identity.space, manifest.id));
    link.send({ type: 'SnapshotAck', snapshot: manifest.id, signature });
  }

  /** A snapshot from before the space moved to this relay: its entries are known by their leaves, which both logs have in common. */
  async #followOther(link: SessionLink, { manifest }: DownloadedSnapshot, time: number): Promise<true> {
    const { log, identity } = this.#hooks.context;
    // Where a later log epoch of the other relay began is not known here, so its heads cannot be made.
    const other = manifest.logEpoch === LOG_EPOCH_FIRST ? this.#hooks.folds.at(log.size, { space: identity.space, logId: manifest.logId }, ORIGIN_FIRST) : undefined;
    const extended = other !== undefined && (await this.#hooks.history.extend(link, manifest.size, time, other));
    if (extended && other.size === manifest.size && equalBytes(other.root(), manifest.head)) return true;
    throw new ClientError('snapshot_rejected', 'the snapshot is of another relay, and its entries are not those of this log', { hint: 'Let another device make a snapshot.' });
  }

  #adopt({ manifest }: DownloadedSnapshot): void {
    const origin = this.#originOf(manifest.logEpoch);
    const ahead = this.#known().filter(({ newEpoch }) => newEpoch > manifest.logEpoch);
    const state = { origin: origin ?? ORIGIN_FIRST, size: manifest.size, range: manifest.range };
    if (origin === undefined || manifestRange(manifest, origin.baseSize) === undefined || !this.#hooks.context.log.startFrom(state, ahead)) {
      throw new ClientError('snapshot_rejected', 'the snapshot does not fold to the head it names', { hint: 'Let another device make a snapshot.' });
    }
  }

  // Those of an earlier session are not shown again: the fold keeps them while it is below their base.
  #known(): readonly LogReset[] {
    const { ahead } = this.#hooks.context.log.tree;
    return [...ahead, ...this.#hooks.resets().filter(({ newEpoch }) => !ahead.some((reset) => reset.newEpoch === newEpoch))].toSorted((a, b) => a.newEpoch - b.newEpoch);
  }

  #originOf(logEpoch: number): LogOrigin | undefined {
    const present = this.#hooks.context.log.tree.origin;
    if (present.logEpoch === logEpoch) return present;
    if (logEpoch === LOG_EPOCH_FIRST) return ORIGIN_FIRST;
    const reset = this.#known().find(({ newEpoch }) => newEpoch === logEpoch);
    return reset && { logEpoch, baseSize: reset.baseSize, baseHead: reset.baseHead };
  }

  #otherHead({ manifest }: DownloadedSnapshot): MisbehaviourError {
    return new MisbehaviourError(finding('fork', `the author of a snapshot saw another head of size ${manifest.size}`, { frames: [manifest.bytes], accuser: manifest.device }));
  }
}
