// Which part an Error frame of the relay is about.
import type { RelayRefusal } from '../connection/relay-refusal.js';
import { encodeAttestation } from '../log/encode-attestation.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { Pusher } from '../sync/pusher.js';
import type { SnapshotDownload } from '../sync/snapshot-download.js';
import type { SnapshotUpload } from '../sync/snapshot-upload.js';
import type { EngineOptions } from './engine-options.js';

/** Whoever may have asked. */
export interface Askers extends Pick<EngineOptions, 'context' | 'rosterChanges' | 'erasures' | 'live'> {
  readonly pusher: Pusher;
  readonly snapshots: SnapshotDownload;
  readonly upload: SnapshotUpload;
  /** The relay says that its log is damaged where this session reads. */
  readonly damaged: () => void;
}

/** Hands a refusal to the part whose request it answers, else to the app; throws what it proves. */
export function routeRefusal(parts: Askers, refusal: RelayRefusal, raw: Uint8Array): void {
  const { context, live, erasures, pusher, rosterChanges, snapshots, upload } = parts;
  if (refusal.name === 'cursor_ahead') {
    const { verified, newest } = context.log;
    const attestations = [verified, newest].filter((known) => known !== undefined).map(encodeAttestation);
    throw new MisbehaviourError(finding('rollback', 'the relay says that its log ends before what it attested', { attestations }));
  }
  if (refusal.name === 'log_damaged') parts.damaged();
  if (live.topics.refused(refusal) || live.ephemeral.refused(refusal.name, refusal.context, refusal.error)) return;
  if (erasures.refused(refusal)) return;
  if (pusher.refused(refusal, raw) || rosterChanges.refused(refusal)) return;
  const aboutSnapshot = refusal.name?.startsWith('snapshot_') === true;
  if (aboutSnapshot && (snapshots.fail(refusal.error) || upload.refused(refusal.error))) return;
  context.events.emit('error', refusal.error);
}
