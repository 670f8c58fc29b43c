// A head that the device which let this one in had verified: a relay that shows this device less, or something else, is caught at once.
import type { WelcomeFrame } from '../../protocol/relay-frame.js';
import { decodeAttestation, encodeAttestation } from '../log/encode-attestation.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { SpaceContext } from './space-context.js';

/** Throws `rollback` when the welcome attests less than the head that was handed over. */
export function checkExpected({ marks }: SpaceContext, { attestation }: WelcomeFrame, raw: Uint8Array): void {
  if (marks.expected === null) return;
  const { logEpoch, size } = decodeAttestation(marks.expected);
  const isOlder = attestation.logEpoch < logEpoch || (attestation.logEpoch === logEpoch && attestation.size < size);
  if (!isOlder) return;
  const evidence = { attestations: [encodeAttestation(attestation), marks.expected], frames: [raw] };
  throw new MisbehaviourError(finding('rollback', `size ${attestation.size} although ${size} was attested to the device that let this one in`, evidence));
}

/** Once the log is at the relay's epoch: what is shown is compared with that head when the fold gets there. Throws what it proves. */
export function admitExpected({ marks, log }: SpaceContext): void {
  if (marks.expected === null) return;
  const expected = decodeAttestation(marks.expected);
  const isReached = log.verified !== undefined && log.verified.size >= expected.size;
  // After a log reset the relay has said itself what it lost, and the resets were compared.
  if (isReached || expected.logEpoch < log.logEpoch) marks.expected = null;
  else log.admit(expected);
}
