/*
 * An open space at work: routes what the connection brings to the parts, and what they find to the app.
 *
 * Invariants: E1 frames of a session are handled one after the other; E2 a finding is told with the frame that showed it, and one
 * the relay's own statements prove ends the connection; E3 nothing is acked before it is stored on this device.
 */
import type { EntriesFrame, ErrorFrame, GoawayFrame, PongFrame, RelayFrame, RosterUpdateFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import { ClientError } from '../client-error.js';
import type { ConnectionHandler, SessionLink } from '../connection/connection-handler.js';
import type { HandshakeOffer } from '../connection/handshake.js';
import type { ConnectionState } from '../connection/machine.js';
import { relayRefusal } from '../connection/relay-refusal.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import { MisbehaviourError } from '../misbehaviour.js';
import type { DeviceState } from '../store/device-store.js';
import { Acker } from '../sync/acker.js';
import type { AckedPosition } from '../sync/acker.js';
import { HeaderJudge } from '../sync/header-judge.js';
import { Pusher } from '../sync/pusher.js';
import { Reader } from '../sync/reader.js';
import { AckNotices } from './ack-notices.js';
import { Bootstrap } from './bootstrap.js';
import type { EngineOptions } from './engine-options.js';
import { admitExpected, checkExpected } from './expected-head.js';
import { completeFinding, failureOf } from './evidence.js';
import { tellErased } from './erasure-notice.js';
import type { Carrying } from './failover-part.js';
import { routeToParts } from './part-frames.js';
import { OwnEntries } from './own-entries.js';
import { routeRefusal } from './refusals.js';
import { RelayWatch } from './relay-watch.js';
import { RoundTrips } from './round-trips.js';
import { takeRoster } from './roster-update.js';
import { ShownRoster } from './shown-roster.js';
import type { Snapshots } from './snapshots-part.js';
import type { SpaceContext } from './space-context.js';
import { checkLog, checkRoster, warn } from './welcome-check.js';

interface Session {
  readonly link: SessionLink;
  readonly welcome: WelcomeFrame;
  readonly watch: RelayWatch;
  readonly trips: RoundTrips;
  /** Whether the subscription has started. */
  reading: boolean;
}

/** What ended a task and may go well in a new session: no answer in time, and snapshots that go while they are read. */
const ASKED_AGAIN: ReadonlySet<string> = new Set(['request_timeout', 'snapshot_unknown']);

export class SpaceEngine implements ConnectionHandler {
  readonly #options: EngineOptions;
  readonly #context: SpaceContext;
  readonly #reader: Reader;
  readonly #judge: HeaderJudge;
  readonly #pusher: Pusher;
  readonly #acker: Acker;
  readonly #acks: AckNotices;
  readonly #own: OwnEntries;
  readonly #bootstrap: Bootstrap;
  /** Undefined: the app did not give that part. */
  readonly snapshots: Snapshots | undefined;
  readonly #carried: Carrying | undefined;
  readonly #shown: ShownRoster;
  #session: Session | undefined;
  #policy: DeviceState['policy'];
  #snapshotOwed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#policy = options.policy;
    this.#shown = new ShownRoster(this.#context);
    this.#judge = new HeaderJudge(this.#context);
    this.#reader = new Reader(this.#context, this.#judge);
    this.#acks = new AckNotices(this.#context);
    this.#pusher = new Pusher(this.#context, options.sealing, (cause) => this.#fail(cause));
    this.#acker = new Acker(this.#context, () => this.#reader.settled, (position) => this.#acked(position));
    this.#own = new OwnEntries(this.#context);
    this.#bootstrap = new Bootstrap(this.#context, { reset: (baseSize) => this.#reset(baseSize), snapshots: () => this.snapshots });
    const { history, folds } = this.#bootstrap;
    this.snapshots = options.snapshots?.open({
      context: this.#context,
      history,
      folds,
      resets: () => this.#bootstrap.resets,
      skipped: () => this.#own.cover(this.#session?.welcome),
      loaded: async (loaded) => this.#carried?.loaded(loaded),
      stored: (size) => this.#release(size),
    });
    this.#carried = options.failover?.open({ ...options, snapshots: this.snapshots });
  }

  get policy(): DeviceState['policy'] {
    return this.#policy;
  }

  /** The link of the open session; throws `offline`. */
  link(): SessionLink {
    if (this.#session === undefined) throw new ClientError('offline', 'there is no open session', { temporary: true, hint: 'Call it again when the space is online.' });
    return this.#session.link;
  }

  /** Whether everything the relay has shown to exist is read and verified. */
  get caughtUp(): boolean {
    const { log } = this.#context;
    if (this.#session?.reading !== true || !this.#reader.settled || this.#carried?.awaits === true) return false;
    return log.size >= this.#session.welcome.attestation.size && log.newest?.size === log.size && log.verified?.size === log.size;
  }

  /** Asks the relay how far its log goes; what it gives says whether it has answered since, in this session or by the welcome of a later one. */
  ask(): () => boolean {
    const session = this.#session;
    const isOver = session?.trips.begin();
    return () => this.#session !== undefined && (this.#session !== session || isOver?.() === true);
  }

  /** Whether everything folded was handed on, so that the position in the log may be stored. */
  get settled(): boolean {
    return this.#reader.settled;
  }

  /** The outbox has something new. */
  push(): void {
    this.#pusher.kick();
  }

  offer(): HandshakeOffer {
    const { identity, device, roster } = this.#context;
    const { admission } = this.#options;
    return { ...identity, identity: device, rosterVersion: roster.version, rosterHash: roster.hash, news: this.#shown.news(), admission };
  }

  async opened(link: SessionLink, welcome: WelcomeFrame, raw: Uint8Array): Promise<void> {
    await this.#caught(raw, async () => {
      const { roster, log, verifier } = this.#context;
      this.#shown.accepted();
      await verifier.check(welcome.attestation);
      const verdict = checkRoster(this.#context, welcome, raw);
      checkLog(this.#context, welcome, raw);
      checkExpected(this.#context, welcome, raw);
      if (verdict === 'restored') {
        roster.confirm(false);
        link.reconnect();
        return;
      }
      if (verdict === 'current') roster.confirm(true);
      log.admit(welcome.attestation);
      warn(this.#context, welcome, this.#policy);
      this.#policy = welcome.policy;
      await this.#context.save();
      const session: Session = { link, welcome, watch: new RelayWatch(this.#context, link, welcome.limits.heartbeatMs), trips: new RoundTrips(link), reading: false };
      this.#session = session;
      for (const part of this.#options.parts) part.begin?.(link, welcome.attestation.time);
      this.#task(session, this.#begin(session));
    });
  }

  async frame(frame: Exclude<RelayFrame, GoawayFrame>, raw: Uint8Array): Promise<void> {
    const session = this.#session;
    if (session !== undefined) await this.#caught(raw, () => this.#route(session, frame, raw));
  }

  down(): void {
    const offline = new ClientError('offline', 'the connection ended', { temporary: true });
    this.#session?.watch.stop();
    this.#session = undefined;
    this.#pusher.stop();
    this.#acker.stop();
    this.#bootstrap.fail(offline);
    this.#options.rosterChanges.fail(offline);
    this.snapshots?.down(offline);
    for (const part of this.#options.parts) part.down?.(offline);
  }

  refused(refusal: RelayRefusal): boolean {
    if (refusal.name === 'space_erased') {
      for (const part of this.#options.parts) part.refused?.(refusal);
      tellErased(this.#context, refusal);
    }
    return this.#shown.refused(refusal);
  }

  failure(cause: unknown): ClientError {
    return failureOf(this.#context, cause);
  }

  stateChanged(state: ConnectionState): void {
    this.#options.stateChanged(state);
  }

  close(): void {
    this.down();
    this.snapshots?.close();
    for (const part of this.#options.parts) part.close?.();
  }

  async #begin(session: Session): Promise<void> {
    const { link, welcome } = session;
    await this.#bootstrap.followResets(link, welcome);
    admitExpected(this.#context);
    await this.#own.cover(welcome);
    if (this.#session !== session) return;
    this.#pusher.start(link, welcome);
    await this.#bootstrap.subscribe(link, welcome);
    if (this.#session !== session) return;
    session.reading = true;
    this.snapshots?.begin(link);
    this.#acker.start(link);
    this.#options.reading();
    this.#moved();
  }

  async #route(session: Session, frame: Exclude<RelayFrame, GoawayFrame>, raw: Uint8Array): Promise<void> {
    switch (frame.type) {
      case 'Entries':
        return this.#entries(session, frame, raw);
      case 'Receipt':
        await this.#context.verifier.check(frame.attestation);
        this.#context.log.admit(frame.attestation);
        await this.#pusher.receipt({ frame, raw });
        return this.#moved();
      case 'AckNotice':
        await this.#acks.take(frame, raw, session.welcome.logEpoch);
        return this.#release(this.#heldByAll());
      case 'RosterUpdate':
        return this.#roster(session, frame, raw);
      case 'Pong':
        return this.#pong(session, frame, raw);
      case 'LogReset':
        return this.#bootstrap.reset(frame);
      case 'CursorExpired':
        await this.#context.verifier.check(frame.attestation);
        this.#bootstrap.history.check(frame, raw, session.welcome.policy);
        return this.#task(session, this.#bootstrap.expired(session.link, frame));
      case 'Leaves':
        return this.#bootstrap.history.leaves(frame);
      case 'SnapshotDue':
        return this.#options.snapshotDue();
      case 'Error':
        return this.#refusal(frame, raw);
      default:
        return routeToParts(this.snapshots === undefined ? this.#options.parts : [this.snapshots, ...this.#options.parts], frame);
    }
  }

  async #entries(session: Session, frame: EntriesFrame, raw: Uint8Array): Promise<void> {
    await this.#context.verifier.check(frame.attestation);
    await this.#reader.take(frame, raw);
    session.watch.entries(frame, raw);
    this.#acks.settle();
    await this.#context.save();
    this.#acker.schedule();
    this.#moved();
  }

  async #roster(session: Session, frame: RosterUpdateFrame, raw: Uint8Array): Promise<void> {
    if (await takeRoster(this.#context, session.welcome, frame, raw)) {
      await this.#reader.retry();
      await this.#handedOn();
      await this.#release(this.#heldByAll());
    }
    this.#options.rosterChanges.shown();
    this.#pusher.kick();
    this.#moved();
  }

  /** The position was held back while an entry waited for its key. */
  async #handedOn(): Promise<void> {
    this.#acks.settle();
    await this.#context.save();
    this.#acker.schedule();
  }

  async #pong(session: Session, frame: PongFrame, raw: Uint8Array): Promise<void> {
    await this.#context.verifier.check(frame.attestation);
    this.#context.log.admit(frame.attestation);
    // What the heartbeat's answers show rests on their being some time apart.
    if (session.trips.pong(frame.nonce)) return this.#moved();
    session.watch.pong(frame, raw);
    this.#judge.pong();
    if (await this.#reader.pong()) await this.#handedOn();
    this.#moved();
  }

  #refusal(frame: ErrorFrame, raw: Uint8Array): void {
    const { context, rosterChanges, parts } = this.#options;
    // The relay ended the subscription where its disk is damaged: nothing more is owed, and the app is told.
    const damaged = (): void => this.#session?.watch.stop();
    const askers = { context, rosterChanges, parts, damaged, pusher: this.#pusher, snapshots: this.snapshots };
    routeRefusal(askers, relayRefusal(frame), raw);
  }

  async #reset(baseSize: number): Promise<void> {
    this.#snapshotOwed = this.#snapshotOwed || this.#context.marks.acked.size > baseSize;
    await this.#own.reopen(baseSize);
    this.#acks.clear();
    this.snapshots?.reset();
    await this.#context.save();
  }

  async #acked(position: AckedPosition): Promise<void> {
    this.snapshots?.acked(position);
    await this.#release(this.#heldByAll());
  }

  #heldByAll(): number {
    return this.#acks.heldByAll(this.#policy?.deviceLeaseMs ?? Number.MAX_SAFE_INTEGER);
  }

  async #release(upToSeq: number): Promise<void> {
    await this.#own.release(upToSeq);
    this.#moved();
  }

  #moved(): void {
    if (this.#snapshotOwed && this.caughtUp) {
      this.#snapshotOwed = false;
      this.#options.snapshotDue();
    }
    this.#options.progress();
    if (this.#session?.reading === true) this.#carried?.look(this.#session.link, this.caughtUp);
  }

  /** Adds the frame to what was found in it, and the own head it contradicts. */
  async #caught(raw: Uint8Array, work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
    } catch (cause) {
      if (!(cause instanceof MisbehaviourError)) throw cause;
      throw new MisbehaviourError(completeFinding(this.#context, cause.finding, raw, this.snapshots?.author));
    }
  }

  // Work of several frames beside the queue of frames. What ends with the session is no failure.
  #task(session: Session, work: Promise<void>): void {
    work.catch((cause: unknown) => {
      if (this.#session !== session) return;
      if (cause instanceof ClientError && ASKED_AGAIN.has(cause.code)) session.link.reconnect();
      else this.#fail(cause);
    });
  }

  #fail(cause: unknown): void {
    this.#options.fail(this.failure(cause));
  }
}
