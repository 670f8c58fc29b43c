/*
 * History that this log lacks, and devices hold in their app's state only: read at another relay, and forgotten by its authors since every
 * device had it, or they left. Who knows more than the log shows makes a snapshot and says so with an entry; who reads that entry loads it.
 *
 * Invariant: a device owes a snapshot until the newest one it saw in this log knows all that it knew when it came here.
 */
import { snapshotAckSigningBytes } from '../../protocol/ack.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { ZEROS } from '../../protocol/hash.js';
import { deviceOf, mayWrite } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { ENTRY_TYPE_CARRIED } from '../crypto/entry-header.js';
import { CARRY_RETRY_MS } from '../limits.js';
import type { DownloadedSnapshot } from '../sync/snapshot-download.js';
import type { Sealing } from '../sync/sealing.js';
import { BatchWrite } from '../sync/writes.js';
import type { Carrying } from './failover-part.js';
import { covers } from './region-places.js';
import type { Snapshots } from './snapshots-part.js';
import type { SpaceContext } from './space-context.js';

export interface CarriedHistoryParts {
  readonly context: SpaceContext;
  readonly sealing: Sealing;
  readonly snapshots: Snapshots | undefined;
  /** Makes a snapshot once everything is read. */
  readonly snapshot: () => Promise<number>;
}

export class CarriedHistory implements Carrying {
  readonly #parts: CarriedHistoryParts;
  readonly #working = { take: false, give: false };
  #notBefore = 0;

  constructor(parts: CarriedHistoryParts) {
    this.#parts = parts;
  }

  /** Whether a snapshot that another device carried here waits to be loaded. */
  get awaits(): boolean {
    return this.#parts.snapshots !== undefined && (this.#parts.context.marks.carry?.awaits ?? null) !== null;
  }

  /** Something moved in a session: loads or makes what is due. What is being made waits for what has to be loaded. */
  look(link: SessionLink, caughtUp: boolean): void {
    const { context, snapshots } = this.#parts;
    const { carry } = context.marks;
    if (carry === null || snapshots === undefined || context.environment.now() < this.#notBefore) return;
    const { awaits } = carry;
    if (awaits !== null) this.#work('take', () => this.#take(link, snapshots, awaits));
    else if (carry.owes && caughtUp && this.#mayWrite()) this.#work('give', () => this.#give());
  }

  /** A snapshot of this log was loaded: what it knows need not be carried, and what it lacks must be. */
  async loaded(snapshot: DownloadedSnapshot): Promise<void> {
    const { marks, chains, save } = this.#parts.context;
    if (marks.carry === null) return;
    chains.cover(snapshot.chains);
    marks.carry = { ...marks.carry, owes: !covers(snapshot.chains, marks.carry.known) };
    await save();
  }

  async #take(link: SessionLink, snapshots: Snapshots, id: Uint8Array): Promise<void> {
    const { marks, save, identity, device, ed25519 } = this.#parts.context;
    const snapshot = (await this.#named(link, snapshots, id)) ?? (await snapshots.newest(link));
    if (snapshot !== null) {
      await snapshots.handler.load(snapshot.state);
      await this.loaded(snapshot);
      const signature = await ed25519.sign(device.seed, snapshotAckSigningBytes(identity.space, snapshot.manifest.id));
      if (!equalBytes(snapshot.manifest.device, device.key)) link.send({ type: 'SnapshotAck', snapshot: snapshot.manifest.id, signature });
    }
    // Another one may have been announced meanwhile.
    if (marks.carry?.awaits === id) marks.carry = { ...marks.carry, awaits: null };
    await save();
  }

  // Its author makes another one when it was dropped for one that knows less.
  async #named(link: SessionLink, snapshots: Snapshots, id: Uint8Array): Promise<DownloadedSnapshot | null> {
    try {
      return await snapshots.of(link, id);
    } catch (cause) {
      if (cause instanceof ClientError && cause.code !== 'offline') return null;
      throw cause;
    }
  }

  async #give(): Promise<void> {
    const { marks, log, save } = this.#parts.context;
    // A snapshot covers at least one entry that its author acked.
    if (log.size === 0) return this.#say(ZEROS);
    await this.#parts.snapshot();
    if (marks.carry !== null) marks.carry = { ...marks.carry, owes: false };
    await save();
    this.#say(this.#parts.snapshots?.storedId ?? ZEROS);
  }

  #say(id: Uint8Array): void {
    this.#parts.sealing.enqueue({ type: ENTRY_TYPE_CARRIED, items: [id], bytes: id.length, write: new BatchWrite() });
  }

  #work(kind: 'take' | 'give', work: () => Promise<void>): void {
    if (this.#working[kind]) return;
    this.#working[kind] = true;
    work().catch((cause: unknown) => this.#failed(cause)).finally(() => {
      this.#working[kind] = false;
    });
  }

  // What ended with the session or the space is tried again by the next one.
  #failed(cause: unknown): void {
    this.#notBefore = this.#parts.context.environment.now() + CARRY_RETRY_MS;
    if (cause instanceof ClientError && cause.code !== 'closed' && cause.code !== 'offline') this.#parts.context.events.emit('error', cause);
  }

  #mayWrite(): boolean {
    const { roster, device } = this.#parts.context;
    return roster.known !== undefined && mayWrite(deviceOf(roster.known, device.key));
  }
}
