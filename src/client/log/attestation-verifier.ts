// Checks that the log id's key signed an attestation; one signature serves a commit group, so verified roots are remembered.
import { attestationRoot, groupSigningBytes } from '../../protocol/attestation.js';
import type { Attestation, LogIdentity } from '../../protocol/attestation.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { toHex } from '../../protocol/hex.js';
import { VERIFIED_ROOTS_MAX } from '../limits.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import { encodeAttestation } from './encode-attestation.js';

export class AttestationVerifier {
  readonly #log: LogIdentity;
  readonly #ed25519: Ed25519;
  readonly #roots = new Set<string>();

  constructor(log: LogIdentity, ed25519: Ed25519) {
    this.#log = log;
    this.#ed25519 = ed25519;
  }

  /** Whether the attestation speaks of this space and is signed by this log's key. */
  async holds(attestation: Attestation): Promise<boolean> {
    const root = attestationRoot(this.#log, attestation);
    if (root === undefined) return false;
    const name = toHex(root);
    if (this.#roots.has(name)) return true;
    if (!(await this.#ed25519.verify(this.#log.logId, groupSigningBytes(root), attestation.signature))) return false;
    this.#remember(name);
    return true;
  }

  /** Throws the finding `attestation_invalid` when it does not hold. */
  async check(attestation: Attestation): Promise<void> {
    if (await this.holds(attestation)) return;
    const attestations = [encodeAttestation(attestation)];
    throw new MisbehaviourError(finding('attestation_invalid', 'a head that the relay key did not sign', { attestations }));
  }

  #remember(name: string): void {
    this.#roots.add(name);
    for (const oldest of this.#roots) {
      if (this.#roots.size <= VERIFIED_ROOTS_MAX) break;
      this.#roots.delete(oldest);
    }
  }
}
