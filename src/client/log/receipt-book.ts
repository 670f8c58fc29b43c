// Receipts whose entries the fold has not reached yet, and what must be found when it does.
import { receiptHolds } from '../../protocol/receipt.js';
import type { ReceiptFrame } from '../../protocol/relay-frame.js';
import { RECEIPTS_PENDING_MAX } from '../limits.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import { encodeAttestation } from './encode-attestation.js';

/** A receipt as it came. */
export interface ReceiptEvidence {
  readonly frame: ReceiptFrame;
  readonly raw: Uint8Array;
}

interface Promised {
  readonly pushSeq: number;
  readonly evidence: ReceiptEvidence;
}

export class ReceiptBook {
  /** By seq. */
  readonly #promised = new Map<number, Promised>();
  /** By push_seq: called duplicates by the relay, which proves nothing until the fold holds them. */
  readonly #owed = new Map<number, ReceiptEvidence>();

  /** Checks a receipt whose attestation holds against the entries it names; throws `receipt_broken`. */
  check(device: Uint8Array, entryIds: readonly Uint8Array[], evidence: ReceiptEvidence): void {
    if (!receiptHolds(evidence.frame, device, entryIds)) throw broken('the signed head does not cover the pushed entries', evidence);
  }

  /** Remembers that the entry must be found at this seq. */
  promise(seq: number, pushSeq: number, evidence: ReceiptEvidence): void {
    if (this.#promised.size < RECEIPTS_PENDING_MAX) this.#promised.set(seq, { pushSeq, evidence });
  }

  /** The fold reached this seq; `pushSeq` is that of the own entry found there, undefined for an entry of another device. */
  found(seq: number, pushSeq: number | undefined): void {
    const promised = this.#promised.get(seq);
    if (promised === undefined) return;
    if (promised.pushSeq !== pushSeq) throw broken(`the receipted entry is not at seq ${seq}`, promised.evidence);
    this.#promised.delete(seq);
  }

  /** The relay says that it holds the entry already. */
  owe(pushSeq: number, evidence: ReceiptEvidence): void {
    if (this.#owed.size < RECEIPTS_PENDING_MAX) this.#owed.set(pushSeq, evidence);
  }

  /** The fold reached this size: what was owed up to it must be there. */
  reached(size: number, isThere: (pushSeq: number) => boolean): void {
    for (const [pushSeq, evidence] of this.#owed) {
      if (evidence.frame.attestation.size > size) continue;
      if (!isThere(pushSeq)) throw broken(`own entry ${pushSeq}, called a duplicate, is not in the log`, evidence);
      this.#owed.delete(pushSeq);
    }
  }

  /** Takes out what is owed up to this push_seq: pairs of push_seq and the size by which the relay says it is there. */
  settle(upToPushSeq: number): readonly (readonly [number, number])[] {
    const settled = [...this.#owed].filter(([pushSeq]) => pushSeq <= upToPushSeq);
    for (const [pushSeq] of settled) this.#owed.delete(pushSeq);
    return settled.map(([pushSeq, { frame }]) => [pushSeq, frame.attestation.size]);
  }

  /** After a log reset, receipts above the base promise nothing more. */
  reopen(aboveSeq: number): void {
    this.#owed.clear();
    for (const seq of this.#promised.keys()) if (seq > aboveSeq) this.#promised.delete(seq);
  }

  /** A receipt that an already folded log contradicts. */
  contradicted(seq: number, evidence: ReceiptEvidence): never {
    throw broken(`the receipted entry is not at seq ${seq}`, evidence);
  }
}

function broken(detail: string, { frame, raw }: ReceiptEvidence): MisbehaviourError {
  return new MisbehaviourError(finding('receipt_broken', detail, { attestations: [encodeAttestation(frame.attestation)], frames: [raw] }));
}
