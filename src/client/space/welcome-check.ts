// What a welcome proves when it is compared with what this device stored before it.
import { ClientError } from '../client-error.js';
import { isZero } from '../is-zero.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import type { RetentionPolicy, WelcomeFrame } from '../../protocol/relay-frame.js';
import { RELAY_CLOCK_AHEAD_MS } from '../limits.js';
import { encodeAttestation } from '../log/encode-attestation.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { MisbehaviourKind } from '../misbehaviour.js';
import type { SpaceContext } from './space-context.js';

/** `restored`: the relay came back from a backup with an older roster and must be shown the newest. */
export type RosterVerdict = 'current' | 'newer' | 'restored';

/** Compares the roster of the welcome with the offered one; throws `roster_rollback` or `roster_fork`. */
export function checkRoster(context: SpaceContext, welcome: WelcomeFrame, raw: Uint8Array): RosterVerdict {
  const { roster, log } = context;
  if (welcome.rosterVersion > roster.version) return 'newer';
  const frames = [...roster.all.chain.slice(-1), raw];
  if (welcome.rosterVersion < roster.version) {
    if (welcome.logEpoch > log.logEpoch) return 'restored';
    throw new MisbehaviourError(finding('roster_rollback', `roster ${welcome.rosterVersion} after ${roster.version}`, { frames }));
  }
  if (!equalBytes(welcome.rosterHash, roster.hash)) {
    const fork = new MisbehaviourError(finding('roster_fork', `another roster of version ${roster.version}`, { frames }));
    throw hasParted(context, welcome, fork) ? rosterParted() : fork;
  }
  return 'current';
}

/** Whether a roster that does not follow the own one comes with a log reset that is still ahead, or may have been made at another region. */
export function hasParted({ log, marks }: SpaceContext, welcome: WelcomeFrame, cause: unknown): boolean {
  const mayDiffer = welcome.logEpoch > log.logEpoch || marks.elsewhere.length > 0;
  return cause instanceof MisbehaviourError && cause.finding.kind === 'roster_fork' && mayDiffer;
}

/** Somebody changed a roster that was put back from a backup, or that of another region: two rosters by their admins, and no lie of the relay's. */
export function rosterParted(): ClientError {
  return new ClientError('roster_conflict', 'the roster was changed after a backup was put back, or in another region, and this device knows another change', {
    hint: 'Open the space again by its link, as a new device.',
  });
}

/** Compares log epoch, size and own push_seqs with what was verified before; throws what they prove. */
export function checkLog(context: SpaceContext, welcome: WelcomeFrame, raw: Uint8Array): void {
  const { log, marks } = context;
  const before = log.newest ?? log.verified;
  const attestations = [encodeAttestation(welcome.attestation), ...(before === undefined ? [] : [encodeAttestation(before)])];
  const fail = (kind: MisbehaviourKind, detail: string): MisbehaviourError => new MisbehaviourError(finding(kind, detail, { attestations, frames: [raw] }));
  if (welcome.attestation.logEpoch !== welcome.logEpoch) throw fail('protocol_violation', 'a welcome of two log epochs');
  if (welcome.logEpoch < log.logEpoch) throw fail('rollback', `log epoch ${welcome.logEpoch} after ${log.logEpoch}`);
  if (welcome.logEpoch === log.logEpoch) {
    const known = Math.max(before?.size ?? 0, log.size);
    if (welcome.attestation.size < known) throw fail('rollback', `size ${welcome.attestation.size} after ${known}`);
    reportStale(context, welcome, raw);
    if (welcome.pushSeqHigh < marks.own.storedPushSeq) throw fail('rollback', `own push_seq ${welcome.pushSeqHigh} after a receipt for ${marks.own.storedPushSeq}`);
  }
  checkOwn(context, welcome, fail);
}

// The size rests on another device's word, so it is told and does not end the connection.
function reportStale({ log, report }: SpaceContext, { attestation }: WelcomeFrame, raw: Uint8Array): void {
  const claim = log.greatestClaim;
  if (claim === undefined || attestation.size >= claim.size) return;
  const evidence = { attestations: [encodeAttestation(attestation)], frames: [claim.frame, raw], accuser: claim.device };
  report(finding('freeze', `size ${attestation.size} although a device saw ${claim.size}`, evidence));
}

/** Warnings that are no misbehaviour. */
export function warn(context: SpaceContext, welcome: WelcomeFrame, before: RetentionPolicy | null): void {
  const { events, environment } = context;
  const { policy } = welcome;
  if (before !== null && (policy.retentionMs < before.retentionMs || policy.deviceLeaseMs < before.deviceLeaseMs)) {
    events.emit('warning', { code: 'policy_shortened', detail: 'the relay keeps entries for a shorter time than before' });
  }
  if (welcome.attestation.time > environment.now() + RELAY_CLOCK_AHEAD_MS) {
    events.emit('warning', { code: 'relay_clock', detail: 'the relay clock is more than a day ahead of this device' });
  }
}

function checkOwn(context: SpaceContext, welcome: WelcomeFrame, fail: (kind: MisbehaviourKind, detail: string) => MisbehaviourError): void {
  const { marks, outbox } = context;
  if (welcome.pushSeqHigh > marks.own.pushSeq) {
    throw fail('push_seq_mismatch', `the relay holds push_seq ${welcome.pushSeqHigh}, this device made ${marks.own.pushSeq}`);
  }
  const own = welcome.pushSeqHigh === marks.own.pushSeq ? marks.own.entryId : outbox.get(welcome.pushSeqHigh)?.entryId;
  if (own !== undefined && !isZero(welcome.lastEntryId) && !equalBytes(own, welcome.lastEntryId)) {
    throw fail('push_seq_mismatch', `push_seq ${welcome.pushSeqHigh} names another entry than this device made`);
  }
}
