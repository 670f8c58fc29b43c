/*
 * A space's log as this device verified it. Frames bring leaves and attestations; every attested head is compared with the own
 * fold as soon as the fold reaches its size.
 *
 * Invariants: L1 `verified` is an attestation whose head equals the own fold; L2 no attestation is remembered that contradicts
 * another; L3 what this device acks was compared.
 */
import type { Attestation, LogIdentity } from '../../protocol/attestation.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import type { LogReset } from '../../protocol/log-reset.js';
import { CLAIMS_MAX, SHOWN_ATTESTATIONS_MAX } from '../limits.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { Misbehaviour } from '../misbehaviour.js';
import { decodeAttestation, encodeAttestation } from './encode-attestation.js';
import { LOG_EPOCH_FIRST, LogTree } from './log-tree.js';
import type { LogFold, LogTreeState } from './log-tree.js';
import { ShownAttestations } from './shown-attestations.js';

/** The log as it is stored: enough to notice after a restart that less is shown than before. */
export interface VerifiedLogState {
  /** The relay's log epoch as last known. */
  readonly logEpoch: number;
  readonly tree: LogTreeState;
  /** The newest attestation of the present epoch, compared or not. */
  readonly newest: Uint8Array | null;
  readonly verified: Uint8Array | null;
}

/** A head some device said it saw; the own fold judges it when it gets there. */
export interface HeadClaim {
  readonly device: Uint8Array;
  readonly logEpoch: number;
  readonly size: number;
  readonly head: Uint8Array;
  /** The frame that carries the claim. */
  readonly frame: Uint8Array;
}

export class VerifiedLog {
  readonly #tree: LogTree;
  readonly #shown = new ShownAttestations();
  /** Ascending by size, all above the fold. */
  #pending: Attestation[] = [];
  #claims: HeadClaim[] = [];
  #verified: Attestation | undefined;
  #logEpoch: number;
  #greatestClaim: HeadClaim | undefined;

  constructor(log: LogIdentity, state?: VerifiedLogState) {
    this.#tree = new LogTree(log, state?.tree);
    this.#logEpoch = state?.logEpoch ?? LOG_EPOCH_FIRST;
    for (const stored of [state?.verified, state?.newest]) if (stored) this.#restore(decodeAttestation(stored));
    if (state?.verified) this.#verified = decodeAttestation(state.verified);
  }

  /** The relay's log epoch: what a cursor names. */
  get logEpoch(): number {
    return this.#logEpoch;
  }

  /** Seq of the last folded entry. */
  get size(): number {
    return this.#tree.size;
  }

  get tree(): LogTree {
    return this.#tree;
  }

  /** The newest attestation whose head equals the own fold, in the present log epoch. */
  get verified(): Attestation | undefined {
    return this.#verified;
  }

  /** The newest attestation shown, compared or not. */
  get newest(): Attestation | undefined {
    return this.#shown.newest;
  }

  /** The ack or seen head of the greatest size in this epoch: a device's word, not the relay's. */
  get greatestClaim(): HeadClaim | undefined {
    return this.#greatestClaim;
  }

  state(): VerifiedLogState {
    const encoded = (attestation: Attestation | undefined): Uint8Array | null => (attestation ? encodeAttestation(attestation) : null);
    return { logEpoch: this.#logEpoch, tree: this.#tree.state(), newest: encoded(this.newest), verified: encoded(this.#verified) };
  }

  /** Takes an attestation whose signature holds; throws what it proves. Those of another log epoch say nothing here. */
  admit(attestation: Attestation): void {
    const found = this.judge(attestation);
    if (found !== undefined) throw new MisbehaviourError(found);
    if (attestation.logEpoch !== this.#logEpoch) return;
    this.#shown.add(attestation);
    if (this.#isPresent() && attestation.size <= this.size) this.#noteVerified(attestation);
    else this.#await(attestation);
  }

  /** What an attestation whose signature holds proves against the relay, or undefined. */
  judge(attestation: Attestation): Misbehaviour | undefined {
    if (attestation.logEpoch !== this.#logEpoch) return undefined;
    return this.#shown.compare(attestation) ?? this.#contradiction(attestation);
  }

  /** Folds the leaf of the next seq; throws `fork` when an attested head differs. Gives the claims it contradicts. */
  push(leaf: Uint8Array): readonly Misbehaviour[] {
    this.#tree.push(leaf);
    if (!this.#isPresent()) return [];
    for (let next = this.#pending[0]; next !== undefined && next.size <= this.size; next = this.#pending[0]) {
      const found = this.#contradiction(next);
      if (found !== undefined) throw new MisbehaviourError(found);
      this.#pending.shift();
      this.#noteVerified(next);
    }
    return this.#claims.length === 0 ? [] : this.#settleClaims();
  }

  /** Compares a head that a device claims, now or when the fold is there; gives the finding when it differs. */
  claim(claim: HeadClaim): readonly Misbehaviour[] {
    if (claim.logEpoch !== this.#logEpoch) return [];
    if (claim.size > (this.#greatestClaim?.size ?? 0)) this.#greatestClaim = claim;
    this.#claims = this.#claims.filter((known) => !equalBytes(known.device, claim.device) || known.size <= this.size);
    this.#claims.push(claim);
    if (this.#claims.length > CLAIMS_MAX) this.#claims.shift();
    return this.#settleClaims();
  }

  /** An attestation that shows an older state at a time when a device had verified a newer one. */
  staleAt(size: number, time: number): Attestation | undefined {
    return this.#shown.staleAt(size, time);
  }

  headAt(size: number): Uint8Array | undefined {
    return this.#isPresent() ? this.#tree.headAt(size) : undefined;
  }

  /** Follows a reset whose signature holds; whether base_head could be compared. */
  follow(reset: LogReset): boolean {
    const compared = this.#tree.follow(reset);
    this.#logEpoch = reset.newEpoch;
    this.#forgetEpoch();
    return compared;
  }

  /** Starts from a snapshot's range; false when the range does not fit its size. */
  startFrom(fold: LogFold, ahead: readonly LogReset[]): boolean {
    const pending = this.newest;
    if (!this.#tree.startFrom(fold, ahead)) return false;
    this.#verified = undefined;
    this.#pending = [];
    if (pending !== undefined) this.admit(pending);
    return true;
  }

  /** Forgets what was folded: the log is read from its beginning. */
  startOver(): void {
    const { newest } = this;
    this.#tree.startOver();
    this.#logEpoch = LOG_EPOCH_FIRST;
    this.#forgetEpoch();
    if (newest !== undefined) this.admit(newest);
  }

  #isPresent(): boolean {
    return this.#tree.logEpoch === this.#logEpoch;
  }

  #restore(attestation: Attestation): void {
    if (attestation.logEpoch !== this.#logEpoch) return;
    this.#shown.add(attestation);
    if (!this.#isPresent() || attestation.size > this.size) this.#await(attestation);
  }

  #contradiction(attestation: Attestation): Misbehaviour | undefined {
    const head = this.headAt(attestation.size);
    if (head === undefined || equalBytes(head, attestation.head)) return undefined;
    const own = this.#verified === undefined ? [] : [encodeAttestation(this.#verified)];
    const attestations = [encodeAttestation(attestation), ...own];
    return finding('fork', `the entries shown up to ${attestation.size} do not make the attested head`, { attestations });
  }

  #noteVerified(attestation: Attestation): void {
    if (this.headAt(attestation.size) === undefined) return;
    const known = this.#verified;
    const newer = known === undefined || attestation.size > known.size || (attestation.size === known.size && attestation.time > known.time);
    if (newer) this.#verified = attestation;
  }

  // The smallest sizes and the newest are kept: the smallest is compared first, the newest is what a restart must not undercut.
  #await(attestation: Attestation): void {
    const at = this.#pending.findIndex((pending) => pending.size >= attestation.size);
    if (at >= 0 && this.#pending[at]?.size === attestation.size) return;
    this.#pending.splice(at < 0 ? this.#pending.length : at, 0, attestation);
    if (this.#pending.length > SHOWN_ATTESTATIONS_MAX) this.#pending.splice(-2, 1);
  }

  #settleClaims(): readonly Misbehaviour[] {
    const found: Misbehaviour[] = [];
    const open: HeadClaim[] = [];
    for (const claim of this.#claims) {
      if (claim.size > this.size) {
        open.push(claim);
        continue;
      }
      const head = this.headAt(claim.size);
      if (head !== undefined && !equalBytes(head, claim.head)) found.push(this.#splitView(claim));
    }
    this.#claims = open;
    return found;
  }

  #splitView(claim: HeadClaim): Misbehaviour {
    const newest = this.#verified ?? this.newest;
    const attestations = newest === undefined ? [] : [encodeAttestation(newest)];
    return finding('fork', `another device saw another head of size ${claim.size}`, { attestations, frames: [claim.frame], accuser: claim.device });
  }

  #forgetEpoch(): void {
    this.#shown.clear();
    this.#pending = [];
    this.#claims = [];
    this.#verified = undefined;
    this.#greatestClaim = undefined;
  }
}
