/*
 * Own entries behind the pusher: those that are let go of, those that a log reset brings back, and those that are known to be held
 * although the fold never meets them.
 */
import { equalBytes } from '../../protocol/equal-bytes.js';
import type { WelcomeFrame } from '../../protocol/relay-frame.js';
import { isZero } from '../is-zero.js';
import { heldElsewhere } from './region-places.js';
import type { SpaceContext } from './space-context.js';

export class OwnEntries {
  readonly #context: SpaceContext;

  constructor(context: SpaceContext) {
    this.#context = context;
  }

  /** Lets go of entries up to this seq: every live device, or a snapshot, has them. */
  async release(upToSeq: number): Promise<void> {
    const { outbox, writes, marks } = this.#context;
    const upTo = await outbox.release(upToSeq, heldElsewhere(marks.elsewhere));
    if (upTo > 0) writes.release(upTo);
  }

  /** After a log reset: what was above the base is in no relay's log any more. */
  async reopen(baseSize: number): Promise<void> {
    const { outbox, writes, receipts, marks } = this.#context;
    await outbox.reopen(baseSize);
    writes.reopen(baseSize);
    receipts.reopen(baseSize);
    marks.own = { ...marks.own, storedPushSeq: outbox.storedPushSeq };
  }

  /**
   * Notes as stored what the author of a snapshot saw and the relay says it holds: where that snapshot took the place of the log,
   * nothing else can tell. Neither word is enough alone: after a log reset the author may have seen what has still to be pushed
   * again. The seq that is noted is the highest it can have.
   */
  async cover(welcome: WelcomeFrame | undefined): Promise<void> {
    if (welcome === undefined) return;
    const { chains, device, log, outbox, writes, receipts } = this.#context;
    const vouched = chains.vouchedSeq(device.key, log.tree.logEpoch);
    const [seen, own] = [chains.of(device.key)?.entryId, outbox.get(vouched)?.entryId];
    if (seen === undefined || (own !== undefined && !isZero(seen) && !equalBytes(seen, own))) return;
    const held = outbox.unsentUpTo(Math.min(vouched, welcome.pushSeqHigh)).map((pushSeq) => [pushSeq, welcome.attestation.size] as const);
    const places = [...receipts.settle(vouched), ...held];
    await outbox.markStored(places);
    for (const [pushSeq, seq] of places) writes.stored(pushSeq, seq);
  }
}
