/*
 * From an open session to a running subscription: follows log resets, starts from a snapshot where there is reason to, proves
 * forgotten history, and subscribes.
 */
import { equalBytes } from '../../protocol/equal-bytes.js';
import { verifyLogReset } from '../../protocol/log-reset.js';
import type { LogReset } from '../../protocol/log-reset.js';
import type { CursorExpiredFrame, LogResetFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { LOG_RESETS_MAX } from '../limits.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import { ForgottenHistory } from '../sync/forgotten-history.js';
import { Answers } from '../sync/requests.js';
import { OtherFolds } from '../log/other-fold.js';
import { continueMoved } from './moved-house.js';
import type { Snapshots } from './snapshots-part.js';
import type { SpaceContext } from './space-context.js';

export interface BootstrapOptions {
  /** Called after a reset was followed: everything above base_size has to be pushed again. */
  readonly reset: (baseSize: number) => Promise<void>;
  /** Those of the space, where it has them. */
  readonly snapshots: () => Snapshots | undefined;
}

export class Bootstrap {
  readonly history: ForgottenHistory;
  readonly folds = new OtherFolds();
  readonly #context: SpaceContext;
  readonly #options: BootstrapOptions;
  readonly #followed: Answers<number>;
  #resets: LogReset[] = [];

  constructor(context: SpaceContext, options: BootstrapOptions) {
    this.#context = context;
    this.#options = options;
    this.history = new ForgottenHistory(context);
    this.#followed = new Answers(context.environment, LOG_RESETS_MAX);
  }

  /** The log resets that were shown in this session. */
  get resets(): readonly LogReset[] {
    return this.#resets;
  }

  fail(cause: unknown): void {
    this.history.fail(cause);
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
    await continueMoved(this.#context, this.folds, this.history, link, welcome);
    // To a device that started over the relay shows its log resets once more.
    if (log.logEpoch !== welcome.logEpoch) return link.reconnect();
    const fresh = log.size === 0 && log.verified === undefined;
    if (fresh && welcome.attestation.size > 0) await this.#options.snapshots()?.start(link, welcome);
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

  /** The cursor is below the floor: only a snapshot helps. */
  async expired(link: SessionLink, frame: CursorExpiredFrame): Promise<void> {
    const snapshots = this.#options.snapshots();
    if (snapshots === undefined) {
      throw new ClientError('snapshot_handler_missing', 'the relay has forgotten entries this device never read', {
        hint: 'Give the space the part snapshots({ create, load }), so that it can start from a snapshot.',
      });
    }
    await snapshots.expired(link, frame);
    this.#subscribe(link);
  }

  #subscribe(link: SessionLink): void {
    const { log } = this.#context;
    link.send({ type: 'Subscribe', logEpoch: log.logEpoch, after: log.size, omitOwnBodies: true });
  }
}
