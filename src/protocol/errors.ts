// The one registry of errors: code, who is at fault, temporary, HTTP status, close code, hint. Equal to test/vectors/errors.json.

/** Who must act: the sender of the refused frame, the relay's operator, or the environment the relay runs in. */
export type Fault = 'peer' | 'relay' | 'environment';

/** One row of the registry; a close code of 0 leaves the connection open. */
export interface ErrorRow {
  readonly code: number;
  readonly fault: Fault;
  readonly temporary: boolean;
  readonly http: number;
  readonly close: number;
  readonly hint: string;
}

/** Registry name to row. */
export const ERRORS = {
  handshake_failed: { code: 1, fault: 'peer', temporary: false, http: 401, close: 4401, hint: 'Check the space link and that this device is still in the roster.' },
  unsupported_version: { code: 2, fault: 'peer', temporary: false, http: 426, close: 4406, hint: 'Update the side that speaks the older protocol; the detail lists the versions spoken.' },
  malformed_frame: { code: 3, fault: 'peer', temporary: false, http: 400, close: 4400, hint: 'The frame does not follow docs/protocol.md; this is a bug in the client.' },
  unexpected_frame: { code: 4, fault: 'peer', temporary: false, http: 400, close: 4402, hint: 'The frame is unknown, reserved, or not allowed in this state of the session.' },
  frame_too_large: { code: 5, fault: 'peer', temporary: false, http: 413, close: 1009, hint: 'Keep messages below message_bytes_max of the welcome.' },
  handshake_timeout: { code: 6, fault: 'peer', temporary: true, http: 408, close: 4508, hint: 'Finish the handshake within the time limit.' },
  text_frame: { code: 7, fault: 'peer', temporary: false, http: 415, close: 1003, hint: 'Send binary messages only.' },
  device_expired: { code: 20, fault: 'peer', temporary: false, http: 403, close: 4403, hint: "The device's not_after has passed; an admin must renew it." },
  device_revoked: { code: 21, fault: 'peer', temporary: false, http: 403, close: 4403, hint: 'This device was removed from the space.' },
  read_only: { code: 22, fault: 'peer', temporary: false, http: 403, close: 0, hint: 'This device may read but not write; an admin can change its rights.' },
  not_admin: { code: 23, fault: 'peer', temporary: false, http: 403, close: 0, hint: 'Only the root and admin devices may do this.' },
  session_expired: { code: 24, fault: 'peer', temporary: true, http: 401, close: 4401, hint: 'Open a new session with POST /v1/session; the token has expired, or the relay was restarted.' },
  space_erased: { code: 25, fault: 'peer', temporary: false, http: 410, close: 4410, hint: 'The space was erased from this relay; the detail says by whom. What this device holds stays with it.' },
  entry_too_large: { code: 30, fault: 'peer', temporary: false, http: 413, close: 0, hint: 'Keep sealed entries below entry_bytes_max of the welcome.' },
  too_many_entries: { code: 31, fault: 'peer', temporary: false, http: 413, close: 0, hint: 'Keep pushes below push_entries_max of the welcome.' },
  push_seq_gap: { code: 33, fault: 'peer', temporary: false, http: 409, close: 0, hint: 'Push again from the push_seq in the detail.' },
  push_seq_conflict: { code: 34, fault: 'peer', temporary: false, http: 409, close: 0, hint: 'This push_seq is taken by other bytes; two programs may be using one device key.' },
  key_epoch_old: { code: 35, fault: 'peer', temporary: false, http: 409, close: 0, hint: "Seal again under the roster's key epoch." },
  key_epoch_unknown: { code: 36, fault: 'peer', temporary: false, http: 409, close: 0, hint: 'Put the roster of that key epoch first.' },
  roster_invalid: { code: 40, fault: 'peer', temporary: false, http: 422, close: 0, hint: 'The statement is not well formed, not signed by an admin, or breaks a rule of the roster.' },
  roster_conflict: { code: 41, fault: 'peer', temporary: true, http: 409, close: 0, hint: 'Another statement came first; build on the one that follows.' },
  roster_too_large: { code: 42, fault: 'peer', temporary: false, http: 413, close: 0, hint: 'The chain, the device list or the keyring is over its limit; a root-signed statement starts a new chain.' },
  cursor_ahead: { code: 50, fault: 'peer', temporary: false, http: 409, close: 0, hint: "The cursor is above the relay's log: if the relay was restored from a backup, its operator must open a new log epoch." },
  request_invalid: { code: 51, fault: 'peer', temporary: false, http: 400, close: 0, hint: 'A field is outside its allowed range.' },
  snapshot_invalid: { code: 60, fault: 'peer', temporary: false, http: 422, close: 0, hint: 'The manifest is not well formed, not signed by this device, or claims more than the device acked.' },
  snapshot_too_large: { code: 61, fault: 'peer', temporary: false, http: 413, close: 0, hint: "Keep snapshots below the relay's limit." },
  snapshot_unknown: { code: 62, fault: 'peer', temporary: false, http: 404, close: 0, hint: 'The relay does not hold this snapshot; ask for the newest.' },
  snapshot_chunk_unexpected: { code: 63, fault: 'peer', temporary: false, http: 409, close: 0, hint: 'Send SnapshotBegin and continue with the chunk it asks for.' },
  blob_unknown: { code: 64, fault: 'peer', temporary: false, http: 404, close: 0, hint: 'The relay does not hold this blob in this space.' },
  blob_too_large: { code: 65, fault: 'peer', temporary: false, http: 413, close: 0, hint: "Keep blobs below the relay's limit." },
  blob_mismatch: { code: 66, fault: 'peer', temporary: false, http: 422, close: 0, hint: "The bytes are not those of the blob's id; upload again from the start." },
  blob_offset_unexpected: { code: 67, fault: 'peer', temporary: true, http: 409, close: 0, hint: 'Continue the upload at the offset in the answer.' },
  blob_range_invalid: { code: 68, fault: 'peer', temporary: false, http: 416, close: 0, hint: 'Ask for one range inside the blob.' },
  blob_damaged: { code: 69, fault: 'environment', temporary: false, http: 500, close: 0, hint: "This blob cannot be read from the relay's disk; its operator must check the disk, a device that has it can delete it and upload it again." },
  ack_invalid: { code: 70, fault: 'peer', temporary: false, http: 422, close: 0, hint: "The ack's signature does not hold or it claims more than the log holds." },
  purge_invalid: { code: 71, fault: 'peer', temporary: false, http: 422, close: 0, hint: "The purge's signature does not hold, or it names a size or a head that the log does not have." },
  erase_invalid: { code: 72, fault: 'peer', temporary: false, http: 422, close: 0, hint: "The erasure's signature does not hold, or it is of another log epoch." },
  purge_too_early: { code: 73, fault: 'peer', temporary: true, http: 409, close: 0, hint: 'A device that is live has not acked everything that would go; purge again when it has read it, or remove it first.' },
  store_unavailable: { code: 80, fault: 'environment', temporary: true, http: 503, close: 1013, hint: "The relay's store does not answer; try again after the given time." },
  store_poisoned: { code: 81, fault: 'environment', temporary: true, http: 503, close: 1013, hint: 'A write or sync failed; nothing is acknowledged until the operator has checked the disk and restarted the relay.' },
  disk_full: { code: 82, fault: 'environment', temporary: true, http: 507, close: 0, hint: "The relay's disk is full for now; reads go on. Push the same again after the given time; its operator makes room, a restart is not needed." },
  draining: { code: 83, fault: 'relay', temporary: true, http: 503, close: 1012, hint: 'The relay restarts; come back after the given time.' },
  overloaded: { code: 84, fault: 'relay', temporary: true, http: 503, close: 1013, hint: 'The relay has more work than it can take; come back after the given time.' },
  too_many_connections: { code: 85, fault: 'relay', temporary: true, http: 503, close: 1013, hint: 'The connection limit is reached; come back after the given time.' },
  internal: { code: 86, fault: 'relay', temporary: true, http: 500, close: 1011, hint: "A bug in the relay; the operator's log has the details." },
  idle_timeout: { code: 87, fault: 'peer', temporary: true, http: 408, close: 4508, hint: 'Nothing was heard for two heartbeats.' },
  write_stalled: { code: 88, fault: 'peer', temporary: true, http: 408, close: 4509, hint: 'The peer did not read; it can continue from its cursor.' },
  too_many_spaces: { code: 89, fault: 'relay', temporary: true, http: 507, close: 4507, hint: "The relay's limit of spaces is reached; ask its operator." },
  rate_limited: { code: 90, fault: 'peer', temporary: true, http: 429, close: 0, hint: 'Slow down; try again after the given time.' },
  quota_exceeded: { code: 91, fault: 'peer', temporary: true, http: 507, close: 0, hint: "The space's quota is used up; free space or ask the operator." },
  log_damaged: { code: 92, fault: 'environment', temporary: false, http: 500, close: 0, hint: "A part of the log on the relay's disk cannot be read; what comes before and after it can. Its operator must check the disk and restore a backup." },
  busy: { code: 93, fault: 'relay', temporary: true, http: 503, close: 0, hint: "More pushes wait for the relay's disk than it can store in time; push again, from this one on, after the given time." },
  admission_required: { code: 94, fault: 'peer', temporary: false, http: 403, close: 4411, hint: 'This relay takes new spaces with a token only; ask its operator for one and give it to the SDK as admission.' },
  admission_refused: { code: 95, fault: 'peer', temporary: false, http: 403, close: 4412, hint: 'The token is not known, has expired, was used up, or is not for this relay; ask its operator for another one.' },
  admission_unavailable: { code: 96, fault: 'relay', temporary: true, http: 503, close: 1013, hint: 'The relay cannot judge the token now; come back after the given time.' },
  sponsor_refused: { code: 98, fault: 'peer', temporary: false, http: 403, close: 4413, hint: 'Only a device that may let others into a space of this relay vouches for a short-lived one, as pairing does; make the code on such a device, once its space is synced.' },
  topic_limit: { code: 110, fault: 'peer', temporary: true, http: 429, close: 0, hint: 'This session is in as many topics, or the topic has as many peers, as there may be; leave one first.' },
  topic_unknown: { code: 111, fault: 'peer', temporary: false, http: 404, close: 0, hint: 'This session is not in a topic of that number; join it first.' },
  topic_window_full: { code: 112, fault: 'peer', temporary: true, http: 429, close: 0, hint: 'A receiver has not taken what it was sent before; wait for its TopicCredit.' },
  topic_overrun: { code: 113, fault: 'peer', temporary: true, http: 429, close: 0, hint: 'This session did not take what its peers sent and is in no topic any more; read faster and join again.' },
  tls_needed: { code: 120, fault: 'peer', temporary: false, http: 400, close: 0, hint: 'This port speaks TLS only: use https or wss.' },
} as const satisfies Record<string, ErrorRow>;

/** The name of an error in the registry. */
export type ErrorName = keyof typeof ERRORS;

const NAMES = new Map<number, ErrorName>();
for (const name of Object.keys(ERRORS)) if (isErrorName(name)) NAMES.set(ERRORS[name].code, name);

/** The registry name of a code, or undefined for a code this build does not know. */
export function errorName(code: number): ErrorName | undefined {
  return NAMES.get(code);
}

/** Whether the text is a name of the registry. */
export function isErrorName(text: string): text is ErrorName {
  return Object.hasOwn(ERRORS, text);
}
