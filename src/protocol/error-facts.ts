// What a client must know of each error to go on: its name, whether trying again can help, whether the connection ends. Who is to act, and how, is in `errors.ts`,
// which clients do without.
import type { ErrorName } from './errors.js';

export interface ErrorFacts {
  readonly name: ErrorName;
  readonly temporary: boolean;
  /** Whether the relay ends the connection with it. */
  readonly closes: boolean;
}

/** Name, code, `t` for temporary, `c` for what closes; the same as the registry (`test/unit/protocol/errors.test.ts`). */
const TABLE =
  'handshake_failed1c unsupported_version2c malformed_frame3c unexpected_frame4c frame_too_large5c handshake_timeout6tc text_frame7c device_expired20c ' +
  'device_revoked21c read_only22 not_admin23 session_expired24tc space_erased25c entry_too_large30 too_many_entries31 push_seq_gap33 push_seq_conflict34 ' +
  'key_epoch_old35 key_epoch_unknown36 roster_invalid40 roster_conflict41t roster_too_large42 cursor_ahead50 request_invalid51 snapshot_invalid60 ' +
  'snapshot_too_large61 snapshot_unknown62 snapshot_chunk_unexpected63 blob_unknown64 blob_too_large65 blob_mismatch66 blob_offset_unexpected67t ' +
  'blob_range_invalid68 blob_damaged69 ack_invalid70 purge_invalid71 erase_invalid72 purge_too_early73t store_unavailable80tc store_poisoned81tc ' +
  'disk_full82t draining83tc overloaded84tc too_many_connections85tc internal86tc idle_timeout87tc write_stalled88tc too_many_spaces89tc rate_limited90t ' +
  'quota_exceeded91t log_damaged92 busy93t admission_required94c admission_refused95c admission_unavailable96tc sponsor_refused98c topic_limit110t topic_unknown111 ' +
  'topic_window_full112t topic_overrun113t tls_needed120';

const FACTS = new Map<number | string, ErrorFacts>();

/** By code or by name; undefined for one that this build does not know. */
export function errorFacts(error: number | string): ErrorFacts | undefined {
  if (FACTS.size === 0) {
    for (const [, name = '', code, flags = ''] of TABLE.matchAll(/([a-z_]+)(\d+)(\w*)/g)) {
      const facts = { name: name as ErrorName, temporary: flags.includes('t'), closes: flags.includes('c') };
      FACTS.set(name, facts).set(Number(code), facts);
    }
  }
  return FACTS.get(error);
}
