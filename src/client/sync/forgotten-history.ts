// A cursor below the floor: checks that forgetting was allowed, and proves by leaf pages that the log shown extends the log known.
import { entryLeaf } from '../../protocol/hash.js';
import { toHex } from '../../protocol/hex.js';
import { LEAVES_PAGE_MAX } from '../../protocol/limits.js';
import type { CursorExpiredFrame, LeavesFrame, RetentionPolicy } from '../../protocol/relay-frame.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { LEAVES_KEPT_MS } from '../limits.js';
import type { OtherFold } from '../log/other-fold.js';
import { encodeAttestation } from '../log/encode-attestation.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { MisbehaviourKind } from '../misbehaviour.js';
import type { SpaceContext } from '../space/space-context.js';
import { Answers } from './requests.js';

export class ForgottenHistory {
  readonly #context: SpaceContext;
  readonly #leaves: Answers<LeavesFrame>;
  #requests = 0;

  constructor(context: SpaceContext) {
    this.#context = context;
    this.#leaves = new Answers(context.environment, 1);
  }

  leaves(frame: LeavesFrame): void {
    this.#leaves.answer(frame);
  }

  fail(cause: unknown): boolean {
    return this.#leaves.fail(cause);
  }

  /** Throws `false_cursor_expired` when the cursor is not below the floor, or what is gone may not be gone yet. */
  check(frame: CursorExpiredFrame, raw: Uint8Array, policy: RetentionPolicy): void {
    const { log, marks } = this.#context;
    const { attestation } = frame;
    const fail = (detail: string): MisbehaviourError => {
      const attestations = [encodeAttestation(attestation), ...(log.verified === undefined ? [] : [encodeAttestation(log.verified)])];
      return new MisbehaviourError(finding('false_cursor_expired', detail, { attestations, frames: [raw] }));
    };
    if (log.size + 1 >= attestation.floor) throw fail(`seq ${log.size + 1} is not below the floor ${attestation.floor}`);
    // A device that never acked is not waited for, and neither is one whose lease or whose entries' retention is over.
    if (marks.acked.size === 0 || marks.acked.logEpoch !== attestation.logEpoch) return;
    const allowedMs = Math.min(policy.retentionMs, policy.deviceLeaseMs);
    const covered = marks.acked.size >= attestation.floor - 1;
    if (!covered && attestation.time - marks.acked.time < allowedMs) throw fail('entries were forgotten that this device had not acked');
  }

  /** Folds leaf pages up to that size, for another log too; false when the relay holds them no longer. */
  async extend(link: SessionLink, toSize: number, time: number, other?: OtherFold): Promise<boolean> {
    const { log } = this.#context;
    const own = this.#ownLeaves();
    while (log.size < toSize) {
      this.#requests += 1;
      const firstSeq = log.size + 1;
      link.send({ type: 'PullLeaves', request: this.#requests, firstSeq, count: Math.min(LEAVES_PAGE_MAX, toSize - log.size) });
      const page = await this.#leaves.next();
      if (page.leaves.length === 0 || page.firstSeq !== firstSeq) return this.#withheld(time);
      for (const leaf of page.leaves.slice(0, toSize - log.size)) {
        await this.#fold(leaf, own);
        other?.push(leaf);
      }
    }
    return true;
  }

  async #fold(leaf: Uint8Array, own: ReadonlyMap<string, number>): Promise<void> {
    const { log, outbox, writes, receipts } = this.#context;
    const seq = log.size + 1;
    const pushSeq = own.size === 0 ? undefined : own.get(toHex(leaf));
    receipts.found(seq, pushSeq);
    for (const found of log.push(leaf)) this.#context.report(found);
    if (pushSeq === undefined) return;
    await outbox.markStored([[pushSeq, seq]]);
    writes.stored(pushSeq, seq);
  }

  #withheld(time: number): false {
    const { log, events } = this.#context;
    const kind: MisbehaviourKind = 'history_withheld';
    if (log.verified !== undefined && time - log.verified.time < LEAVES_KEPT_MS) {
      throw new MisbehaviourError(finding(kind, 'leaves that must still be held were not given', { attestations: [encodeAttestation(log.verified)] }));
    }
    if (log.size > 0) events.emit('warning', { code: 'history_unprovable', detail: 'the relay no longer holds the leaves that connect the old head with the new one' });
    return false;
  }

  #ownLeaves(): ReadonlyMap<string, number> {
    const { outbox, device, marks } = this.#context;
    const leaves = new Map<string, number>();
    for (let entry = outbox.last; entry !== undefined && entry.pushSeq <= marks.own.pushSeq; entry = outbox.get(entry.pushSeq - 1)) {
      leaves.set(toHex(entryLeaf({ device: device.key, pushSeq: entry.pushSeq, keyEpoch: entry.keyEpoch, entryId: entry.entryId })), entry.pushSeq);
    }
    return leaves;
  }
}
