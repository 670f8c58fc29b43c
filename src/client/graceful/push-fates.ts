// A batch as it is pushed, and what a relay's answer says of each of its changes.
import type { Batch, Queued } from './change-queue.js';
import { SYNC_PROTOCOL_VERSION } from './wire.js';
import type { SyncPushRequest, SyncPushResponse } from './wire.js';

/** Reasons after which the same change may be stored later. */
const TEMPORARY_REASONS: ReadonlySet<string> = new Set(['Database error', 'Storage quota exceeded']);
/** What a relay says of an id it knows with other bytes; one in strict mode says it of retries too. */
const DUPLICATE = 'Duplicate or outdated change';

interface Refusal {
  readonly queued: Queued;
  readonly reason: string;
}

export interface Fates {
  readonly stored: readonly Queued[];
  /** Those that this relay will never store. */
  readonly refused: readonly Refusal[];
  /** Why something was not stored that may be later. */
  readonly later: string | undefined;
}

export function pushOf({ device, changes }: Batch, nowMs: number): SyncPushRequest {
  return { protocol_version: SYNC_PROTOCOL_VERSION, device_id: device, timestamp: nowMs, changes: changes.map(({ change }) => change) };
}

/** Of what the relay was sent, and of nothing else. `duplicateIsStored`: a retry that is called a duplicate is stored. */
export function fatesOf(batch: Batch, answer: SyncPushResponse, duplicateIsStored: boolean): Fates {
  const sent = new Map(batch.changes.map((queued) => [queued.change.id, queued]));
  const accepted = answer.accepted.flatMap((id) => sent.get(id) ?? []);
  const rejected = answer.rejected.flatMap(({ id, reason }): Refusal[] => {
    const queued = sent.get(id);
    return queued === undefined ? [] : [{ queued, reason }];
  });
  const isHeld = ({ queued, reason }: Refusal): boolean => reason === DUPLICATE && duplicateIsStored && queued.maySit;
  return {
    stored: [...accepted, ...rejected.filter(isHeld).map(({ queued }) => queued)],
    refused: rejected.filter((refusal) => !isHeld(refusal) && !TEMPORARY_REASONS.has(refusal.reason)),
    later: rejected.find(({ reason }) => TEMPORARY_REASONS.has(reason))?.reason,
  };
}
