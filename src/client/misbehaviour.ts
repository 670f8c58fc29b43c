// What a relay can be caught at. An honest relay, crashes included, never causes one of these.

/**
 * - `omission`: entries left out: a missing seq, a missing push_seq, or a promised continuation that never came.
 * - `reorder`: entries of one device in another order than they were pushed.
 * - `replayed_entry`: an entry or a seq shown twice in one log epoch.
 * - `fork`: two views of one log: another head than the one attested or seen by another device, or two heads of one size.
 * - `rollback`: less than what was attested or receipted before, without a log reset.
 * - `freeze`: an old size attested as present although a greater one existed before.
 * - `receipt_broken`: a receipt whose entry is not where it was promised, or whose proof does not hold.
 * - `false_cursor_expired`: a cursor called expired that is not below the floor, or history forgotten too early.
 * - `history_withheld`: leaves refused that must still be held.
 * - `roster_rollback`, `roster_fork`: an older roster, or another one of the same version.
 * - `push_seq_mismatch`: the relay names entries of this device that it never pushed.
 * - `log_reset_invalid`: a reset whose signature does not hold, that does not follow, or contradicts another.
 * - `attestation_invalid`: a head that the relay's key did not sign.
 * - `keyring_conflict`: a keyring that contradicts its roster or a key known before.
 * - `chain_gap`: an entry that does not continue its author's chain.
 * - `protocol_violation`: a frame an honest relay cannot send at this place.
 */
export type MisbehaviourKind =
  | 'omission'
  | 'reorder'
  | 'replayed_entry'
  | 'fork'
  | 'rollback'
  | 'freeze'
  | 'receipt_broken'
  | 'false_cursor_expired'
  | 'history_withheld'
  | 'roster_rollback'
  | 'roster_fork'
  | 'push_seq_mismatch'
  | 'log_reset_invalid'
  | 'attestation_invalid'
  | 'keyring_conflict'
  | 'chain_gap'
  | 'protocol_violation';

/** What proves it, as bytes that anyone who knows the log id can check. */
export interface Evidence {
  /** Encoded attestations. */
  readonly attestations: readonly Uint8Array[];
  /** Complete frames as they came, the type byte included. */
  readonly frames: readonly Uint8Array[];
  /** The device on whose word the finding rests; null when the relay's own statements prove it. */
  readonly accuser: Uint8Array | null;
}

/** One finding. */
export interface Misbehaviour {
  readonly kind: MisbehaviourKind;
  readonly detail: string;
  readonly evidence: Evidence;
}

/** Thrown where a finding makes it senseless to go on with this connection. */
export class MisbehaviourError extends Error {
  readonly finding: Misbehaviour;

  constructor(finding: Misbehaviour) {
    super(`${finding.kind}: ${finding.detail}`);
    this.name = 'MisbehaviourError';
    this.finding = finding;
  }
}

/** A finding with its evidence; fields left out are empty. */
export function finding(kind: MisbehaviourKind, detail: string, evidence: Partial<Evidence> = {}): Misbehaviour {
  return { kind, detail, evidence: { attestations: [], frames: [], accuser: null, ...evidence } };
}

/** The same finding with the frame that showed it. */
export function withFrame(found: Misbehaviour, frame: Uint8Array): Misbehaviour {
  return { ...found, evidence: { ...found.evidence, frames: [...found.evidence.frames, frame] } };
}
