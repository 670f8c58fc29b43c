// Makes what was thrown while a frame was handled complete: the frame, the own head it contradicts, and the error the app is told.
import { FrameError } from '../../protocol/frame-error.js';
import { ClientError } from '../client-error.js';
import { encodeAttestation } from '../log/encode-attestation.js';
import { MisbehaviourError, withFrame } from '../misbehaviour.js';
import type { Misbehaviour } from '../misbehaviour.js';
import type { SpaceContext } from './space-context.js';

/** The finding with the frame that showed it; a fork of a fold that a snapshot began is the word of the snapshot's author. */
export function completeFinding({ log }: SpaceContext, found: Misbehaviour, raw: Uint8Array, unconfirmedAuthor: Uint8Array | undefined): Misbehaviour {
  const { evidence } = evidenceWith(found, raw);
  const accuser = evidence.accuser ?? (found.kind === 'fork' ? (unconfirmedAuthor ?? null) : null);
  const known = log.verified ?? log.newest;
  const attestations = evidence.attestations.length > 0 || known === undefined ? evidence.attestations : [encodeAttestation(known)];
  return { ...found, evidence: { ...evidence, accuser, attestations } };
}

/** The error of the failed state; a finding is reported on the way. */
export function failureOf(context: SpaceContext, cause: unknown): ClientError {
  if (cause instanceof ClientError) return cause;
  if (cause instanceof MisbehaviourError) {
    context.report(cause.finding);
    const hint = cause.finding.evidence.accuser === null
      ? 'Keep the evidence of the misbehaviour event, and move the space to another relay.'
      : 'It rests on the word of the device that the misbehaviour event names: compare heads with another device before you blame the relay.';
    return new ClientError('relay_misbehaved', cause.message, { cause, hint });
  }
  if (cause instanceof FrameError) return new ClientError('relay_refused', 'the relay sent bytes that do not follow the protocol', { cause });
  return new ClientError('internal', 'the client failed', { cause });
}

function evidenceWith(found: Misbehaviour, raw: Uint8Array): Misbehaviour {
  return found.evidence.frames.includes(raw) ? found : withFrame(found, raw);
}
