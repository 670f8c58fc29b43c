/*
 * From an open session to a running subscription: follows log resets, starts from a snapshot where there is reason to, proves
 * forgotten history, and subscribes.
 */
import { equalBytes } from '../../protocol/equal-bytes.js';
import { snapshotAckSigningBytes } from '../../protocol/ack.js';
import { verifyLogReset } from '../../protocol/log-reset.js';
import type { LogReset } from '../../protocol/log-reset.js';
import type { CursorExpiredFrame, LogResetFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import { manifestRange } from '../../protocol/snapshot.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { LOG_RESETS_MAX } from '../limits.js';
import { LOG_EPOCH_FIRST, ORIGIN_FIRST } from '../log/log-tree.js';
import type { LogOrigin } from '../log/log-tree.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import { ForgottenHistory } from '../sync/forgotten-history.js';
import { Answers } from '../sync/requests.js';
import { SnapshotDownload } from '../sync/snapshot-download.js';
import type { DownloadedSnapshot } from '../sync/snapshot-download.js';
import { OtherFolds } from '../log/other-fold.js';
import { LOG_EPOCH_NONE } from '../log/device-chains.js';
import { continueMoved } from './moved-house.js';
import type { SpaceContext } from './space-context.js';

/** How the app takes a state that another device made. */
export type LoadState = (state: Uint8Array) => void | Promise<void>;

export interface BootstrapOptions {
  readonly load: LoadState | undefined;
  /** Called after a reset was followed: everything above base_size has to be pushed again. */
  readonly reset: (baseSize: number) => Promise<void>;
  /** Called after a snapshot took the place of a part of the log. */
  readonly skipped: () => Promise<void>;
  /** Called after the app took the state of a snapshot. */
  readonly loaded: (snapshot: DownloadedSnapshot) => Promise<void>;
}

export class Bootstrap {
  readonly history: ForgottenHistory;
  readonly snapshots: SnapshotDownload;
  readonly #context: SpaceContext;
  readonly #options: BootstrapOptions;
  readonly #followed: Answers<number>;
  readonly #folds = new OtherFolds();
  #resets: LogReset[] = [];
  #author: Uint8Array | undefined;

  constructor(context: SpaceContext, options: BootstrapOptions) {
    this.#context = context;
    this.#options = options;
    this.history = new ForgottenHistory(context);
    this.snapshots = new SnapshotDownload(context);
    this.#followed = new Answers(context.environment, LOG_RESETS_MAX);
  }

  /** The author of the snapshot the fold started from, while no attested head confirmed it. */
  get unconfirmedAuthor(): Uint8Array | undefined {
    return this.#context.log.verified === undefined ? this.#author : undefined;
  }

  fail(cause: unknown): void {
    this.history.fail(cause);
    this.snapshots.fail(cause);
    this.#followed.fail(cause);
  }

  /** Gets the log to the relay's epoch. */
  async followResets(link: SessionLink, welcome: WelcomeFrame): Promise<void> {
    const { log } = this.#context;
    this.#resets = [];
    if (welcome.logEpoch === log.logEpoch) return;
    link.send({ type: 'Subscribe', logEpoch: log.logEpoch, after: log.size, omitOwnBodies: true });
    while (log.logEpoch !== welcome.logEpoch) await this.#followed.next();
    log.admit(welcome.attestation);
  }

  /** Starts the subscription; a new device reads the newest snapshot first when the app can load one. */
  async subscribe(link: SessionLink, welcome: WelcomeFrame): Promise<void> {
    const { log } = this.#context;
    await continueMoved(this.#context, this.#folds, this.history, link, welcome);
    // To a device that started over the relay shows its log resets once more.
    if (log.logEpoch !== welcome.logEpoch) return link.reconnect();
    const fresh = log.size === 0 && log.verified === undefined;
    if (fresh && this.#options.load !== undefined && welcome.attestation.size > 0) {
      const snapshot = await this.#newestOrNone(link, welcome.attestation.floor);
      if (snapshot !== null) await this.#startFrom(link, snapshot, welcome.attestation.time);
    }
    this.#subscribe(link);
  }

  /** One LogReset of the relay; throws what it proves. */
  async reset(frame: LogResetFrame): Promise<void> {
    const { log, identity, ed25519, events } = this.#context;
    const own = equalBytes(frame.space, identity.space) && equalBytes(frame.logId, identity.logId);
    if (!own || !(await verifyLogReset(frame, ed25519))) throw new MisbehaviourError(finding('log_reset_invalid', 'a log reset that the relay key did not sign for this space'));
    const twin = this.#resets.find((reset) => reset.newEpoch === frame.newEpoch);
    if (twin !== undefined && !equalBytes(twin.signature, frame.signature)) {
      throw new MisbehaviourError(finding('log_reset_invalid', 'two log resets with one new log epoch'));
    }
    const oldEpoch = log.logEpoch;
    if (frame.newEpoch <= oldEpoch) return;
    if (frame.oldEpoch > oldEpoch || this.#resets.length >= LOG_RESETS_MAX) {
      throw new MisbehaviourError(finding('log_reset_invalid', `a reset from log epoch ${frame.oldEpoch} does not follow ${oldEpoch}`));
    }
    const known = log.size;
    const compared = log.follow(frame);
    this.#resets.push(frame);
    await this.#options.reset(frame.baseSize);
    const verified = compared && frame.oldEpoch === oldEpoch;
    if (known > 0) events.emit('log-reset', { oldEpoch, newEpoch: frame.newEpoch, baseSize: frame.baseSize, verified });
    this.#followed.answer(frame.newEpoch);
  }

  /** The cursor is below the floor: proves what is gone and starts from a snapshot. */
  async expired(link: SessionLink, frame: CursorExpiredFrame): Promise<void> {
    const { attestation } = frame;
    if (this.#options.load === undefined) {
      throw new ClientError('snapshot_handler_missing', 'the relay has forgotten entries this device never read', {
        hint: 'Give the space a snapshot handler with load(), so that it can start from a snapshot.',
      });
    }
    const snapshot = await this.snapshots.newest(link, attestation.floor);
    if (snapshot === null) {
      throw new ClientError('snapshot_rejected', 'the relay has forgotten entries and holds no snapshot', { hint: 'Let another device make a snapshot.' });
    }
    await this.#startFrom(link, snapshot, attestation.time);
    this.#subscribe(link);
  }

  // While the whole log is held, a snapshot that does not hold is no reason to stay out.
  async #newestOrNone(link: SessionLink, floor: number): Promise<DownloadedSnapshot | null> {
    try {
      return await this.snapshots.newest(link, floor);
    } catch (cause) {
      if (floor > 1 || !(cause instanceof ClientError) || cause.code !== 'snapshot_rejected') throw cause;
      this.#context.events.emit('error', cause);
      return null;
    }
  }

  #subscribe(link: SessionLink): void {
    const { log } = this.#context;
    link.send({ type: 'Subscribe', logEpoch: log.logEpoch, after: log.size, omitOwnBodies: true });
  }

  async #startFrom(link: SessionLink, snapshot: DownloadedSnapshot, time: number): Promise<void> {
    const { log, chains, identity, device, ed25519 } = this.#context;
    const { manifest } = snapshot;
    const isOther = !equalBytes(manifest.logId, identity.logId);
    const extended = isOther ? await this.#followOther(link, snapshot, time) : log.size > 0 && (await this.history.extend(link, manifest.size, time));
    // A snapshot from before a log reset may end where the present tree begins: then it is the old tree that has its head.
    const head = extended && !isOther ? log.tree.headIn(manifest.logEpoch, manifest.size) : undefined;
    if (head !== undefined && !equalBytes(head, manifest.head)) throw this.#otherHead(snapshot);
    if (!extended) this.#adopt(snapshot);
    // Where a space fails over, the author may have read an entry elsewhere that its device has still to push here.
    chains.startFrom(snapshot.chains, isOther || this.#context.marks.carry !== null ? LOG_EPOCH_NONE : manifest.logEpoch);
    this.#author = manifest.device;
    await this.#options.skipped();
    await this.#options.load?.(snapshot.state);
    await this.#options.loaded(snapshot);
    await this.#context.save();
    if (equalBytes(manifest.device, device.key)) return;
    const signature = await ed25519.sign(device.seed, snapshotAckSigningBytes(identity.space, manifest.id));
    link.send({ type: 'SnapshotAck', snapshot: manifest.id, signature });
  }

  /** A snapshot from before the space moved to this relay: its entries are known by their leaves, which both logs have in common. */
  async #followOther(link: SessionLink, { manifest }: DownloadedSnapshot, time: number): Promise<true> {
    const { log, identity } = this.#context;
    // Where a later log epoch of the other relay began is not known here, so its heads cannot be made.
    const other = manifest.logEpoch === LOG_EPOCH_FIRST ? this.#folds.at(log.size, { space: identity.space, logId: manifest.logId }, ORIGIN_FIRST) : undefined;
    const extended = other !== undefined && (await this.history.extend(link, manifest.size, time, other));
    if (extended && other.size === manifest.size && equalBytes(other.root(), manifest.head)) return true;
    throw new ClientError('snapshot_rejected', 'the snapshot is of another relay, and its entries are not those of this log', { hint: 'Let another device make a snapshot.' });
  }

  #adopt({ manifest }: DownloadedSnapshot): void {
    const origin = this.#originOf(manifest.logEpoch);
    const ahead = this.#known().filter(({ newEpoch }) => newEpoch > manifest.logEpoch);
    const state = { origin: origin ?? ORIGIN_FIRST, size: manifest.size, range: manifest.range };
    if (origin === undefined || manifestRange(manifest, origin.baseSize) === undefined || !this.#context.log.startFrom(state, ahead)) {
      throw new ClientError('snapshot_rejected', 'the snapshot does not fold to the head it names', { hint: 'Let another device make a snapshot.' });
    }
  }

  // Those of an earlier session are not shown again: the fold keeps them while it is below their base.
  #known(): readonly LogReset[] {
    const { ahead } = this.#context.log.tree;
    return [...ahead, ...this.#resets.filter(({ newEpoch }) => !ahead.some((reset) => reset.newEpoch === newEpoch))].toSorted((a, b) => a.newEpoch - b.newEpoch);
  }

  #originOf(logEpoch: number): LogOrigin | undefined {
    const present = this.#context.log.tree.origin;
    if (present.logEpoch === logEpoch) return present;
    if (logEpoch === LOG_EPOCH_FIRST) return ORIGIN_FIRST;
    const reset = this.#known().find(({ newEpoch }) => newEpoch === logEpoch);
    return reset && { logEpoch, baseSize: reset.baseSize, baseHead: reset.baseHead };
  }

  #otherHead({ manifest }: DownloadedSnapshot): MisbehaviourError {
    return new MisbehaviourError(finding('fork', `the author of a snapshot saw another head of size ${manifest.size}`, { frames: [manifest.bytes], accuser: manifest.device }));
  }
}
