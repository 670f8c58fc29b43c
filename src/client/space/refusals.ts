// Which part an Error frame of the relay is about.
import type { RelayRefusal } from '../connection/relay-refusal.js';
import { encodeAttestation } from '../log/encode-attestation.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { Pusher } from '../sync/pusher.js';
import type { EngineOptions } from './engine-options.js';
import type { Snapshots } from './snapshots-part.js';

/** Whoever may have asked. */
export interface Askers extends Pick<EngineOptions, 'context' | 'rosterChanges' | 'parts'> {
  readonly pusher: Pusher;
  readonly snapshots: Snapshots | undefined;
  /** The relay says that its log is damaged where this session reads. */
  readonly damaged: () => void;
}

/** Hands a refusal to the part whose request it answers, else to the app; throws what it proves. */
export function routeRefusal(askers: Askers, refusal: RelayRefusal, raw: Uint8Array): void {
  const { context, parts, pusher, rosterChanges, snapshots } = askers;
  if (refusal.name === 'cursor_ahead') {
    const { verified, newest } = context.log;
    const attestations = [verified, newest].filter((known) => known !== undefined).map(encodeAttestation);
    throw new MisbehaviourError(finding('rollback', 'the relay says that its log ends before what it attested', { attestations }));
  }
  if (refusal.name === 'log_damaged') askers.damaged();
  if (parts.some((part) => part.refused?.(refusal) === true)) return;
  if (pusher.refused(refusal, raw) || rosterChanges.refused(refusal)) return;
  if (refusal.name?.startsWith('snapshot_') === true && snapshots?.refused(refusal.error) === true) return;
  context.events.emit('error', refusal.error);
}
