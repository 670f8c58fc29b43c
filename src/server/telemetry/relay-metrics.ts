// The metrics of the data plane: one row per figure of the native snapshot. No labels, so no id can ever become one.
import type { RelayStats } from '../../native/relay-port.js';

export interface MetricRow {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** The snapshot's number divided by this is in the base unit of the name. */
  readonly divisor: number;
}

const MS = 1000;
const US = 1_000_000;

export const RELAY_METRICS = {
  uptimeMs: gauge('relay_uptime_seconds', 'Time since the relay started.', MS),
  eventLoopSilenceMs: gauge('relay_event_loop_silence_seconds', 'Time since the JavaScript event loop last said that it turns.', MS),
  eventsDroppedTotal: counter('relay_events_dropped_total', 'Log events of the core lost because nobody read them in time.'),
  connectionsOpen: gauge('relay_connections_open', 'Connections open now, HTTP and WebSocket together.'),
  websocketsOpen: gauge('relay_websockets_open', 'WebSockets open now.'),
  partialBytes: gauge('relay_partial_message_bytes', 'Memory held for messages that have not arrived completely.'),
  acceptedTotal: counter('relay_connections_accepted_total', 'Connections accepted.'),
  refusedTotal: counter('relay_connections_refused_total', 'Connections refused because too many were open.'),
  acceptErrorsTotal: counter('relay_accept_errors_total', 'Connections that could not be accepted.'),
  httpErrorsTotal: counter('relay_http_errors_total', 'Requests the core itself answered with an error.'),
  httpStallsTotal: counter('relay_http_stalls_total', 'HTTP connections cut because the peer did not read its answer.'),
  frameRequestsTotal: counter('relay_frame_requests_total', 'Requests of the native protocol over HTTP.'),
  livenessTotal: counter('relay_liveness_requests_total', 'Requests answered by the liveness route.'),
  blobRequestsTotal: counter('relay_blob_requests_total', 'Requests for blobs.'),
  blobUploadsCutTotal: counter('relay_blob_uploads_cut_total', 'Uploads of blobs cut because they brought nothing, or too little, for too long.'),
  proxiedTotal: counter('relay_proxied_requests_total', 'Requests passed on to the control plane.'),
  proxyErrorsTotal: counter('relay_proxy_errors_total', 'Requests the control plane did not answer in time or at all.'),
  upgradedTotal: counter('relay_websocket_upgrades_total', 'WebSocket handshakes done.'),
  upgradesRefusedTotal: counter('relay_websocket_upgrades_refused_total', 'WebSocket handshakes refused.'),
  protocolErrorsTotal: counter('relay_websocket_violations_total', 'Broken WebSocket rules; each closed its connection.'),
  bytesInTotal: counter('relay_websocket_received_bytes_total', 'Data received on WebSockets.'),
  bytesOutTotal: counter('relay_websocket_sent_bytes_total', 'Data sent on WebSockets.'),
  messagesInTotal: counter('relay_messages_received_total', 'WebSocket messages received.'),
  messagesOutTotal: counter('relay_messages_sent_total', 'WebSocket messages sent.'),
  writesTotal: counter('relay_socket_writes_total', 'Sends on WebSockets; messages sent per write show how well they coalesce.'),
  pingsTotal: counter('relay_pings_sent_total', 'WebSocket pings sent.'),
  slowConsumersTotal: counter('relay_slow_consumers_total', 'Times output had to wait because a write queue was full.'),
  writeStallsTotal: counter('relay_write_stalls_total', 'WebSockets cut because a write made no progress.'),
  heartbeatTimeoutsTotal: counter('relay_heartbeat_timeouts_total', 'WebSockets closed because the peer was silent for two heartbeats.'),
  handshakeTimeoutsTotal: counter('relay_handshake_timeouts_total', 'WebSockets closed because no first message came.'),
  idleTimeoutsTotal: counter('relay_idle_timeouts_total', 'WebSockets closed because no message travelled.'),
  messageTimeoutsTotal: counter('relay_message_timeouts_total', 'WebSockets closed because a message arrived too slowly.'),
  partialRefusedTotal: counter('relay_partial_refused_total', 'WebSockets closed because the memory for partial messages was used up.'),
  peerClosesTotal: counter('relay_peer_closes_total', 'WebSockets closed by their peer.'),
  endpointClosesTotal: counter('relay_endpoint_closes_total', 'WebSockets closed by the relay, with a reason.'),
  resetsTotal: counter('relay_resets_total', 'WebSockets lost without a close handshake.'),
  endpointPanicsTotal: counter('relay_endpoint_panics_total', 'Bugs in an endpoint, each of which closed its own connection.'),
  drainedTotal: counter('relay_drained_total', 'WebSockets told that the relay drains.'),
  abortedTotal: counter('relay_aborted_total', 'Connections cut at the end of a drain.'),
  sessions: gauge('relay_sessions_open', 'Sessions that are open.'),
  activeSpaces: gauge('relay_spaces_active', 'Spaces with at least one open session.'),
  liveBytes: gauge('relay_live_entry_bytes', 'Memory held for encoded entries of live subscribers.'),
  ephemeralBytes: gauge('relay_ephemeral_bytes', 'Memory held for ephemeral frames that some listener has not taken yet.'),
  topics: gauge('relay_topics_open', 'Topics with at least one peer.'),
  topicBytes: gauge('relay_topic_bytes', 'Memory held for topic frames that their receivers have not taken yet.'),
  handshakesOkTotal: counter('relay_handshakes_ok_total', 'Handshakes that ended in a welcome.'),
  handshakesFailedTotal: counter('relay_handshakes_failed_total', 'Handshakes that ended in the one answer for every failure.'),
  pushesTotal: counter('relay_pushes_total', 'Pushes handed to the store.'),
  pushBytesTotal: counter('relay_pushed_bytes_total', 'Sealed data of those pushes.'),
  pushesWaiting: gauge('relay_pushes_waiting', 'Pushes that wait for their commit.'),
  pushBytesWaiting: gauge('relay_push_bytes_waiting', 'Sealed data of the pushes that wait for their commit.'),
  pushesRefusedTotal: counter('relay_pushes_refused_total', 'Pushes refused as busy because too many wait for their commit.'),
  receiptsTotal: counter('relay_receipts_total', 'Receipts sent.'),
  entriesLiveTotal: counter('relay_entries_sent_live_total', 'Entries sent live, from memory.'),
  entriesLogTotal: counter('relay_entries_sent_from_log_total', 'Entries sent from the log, to pulls and to subscribers behind.'),
  subscribersLaggedTotal: counter('relay_subscribers_lagged_total', 'Times a live subscriber fell behind the entries kept in memory.'),
  acksTotal: counter('relay_acks_total', 'Acks accepted.'),
  acksDroppedTotal: counter('relay_acks_dropped_total', 'Acks dropped because they came too fast.'),
  ephemeralFramesTotal: counter('relay_ephemeral_frames_total', 'Ephemeral frames accepted.'),
  ephemeralRefusedTotal: counter('relay_ephemeral_refused_total', 'Ephemeral frames refused because they came too fast.'),
  ephemeralSentTotal: counter('relay_ephemeral_sent_total', 'Ephemeral frames handed to listeners.'),
  ephemeralDroppedTotal: counter('relay_ephemeral_dropped_total', 'Ephemeral frames that slow listeners did not get.'),
  topicMessagesTotal: counter('relay_topic_messages_total', 'Messages sent into topics.'),
  topicFramesTotal: counter('relay_topic_frames_sent_total', 'Frames of topics handed to sessions.'),
  topicRefusedTotal: counter('relay_topic_refused_total', 'Topic frames refused because of a limit or a full window.'),
  topicOverrunsTotal: counter('relay_topic_overruns_total', 'Sessions taken out of their topics because they did not take what they were sent.'),
  rosterChangesTotal: counter('relay_roster_changes_total', 'Roster changes announced.'),
  sessionsRevokedTotal: counter('relay_sessions_revoked_total', 'Sessions cut because their device left the roster.'),
  snapshotsTotal: counter('relay_snapshots_total', 'Snapshots that became complete.'),
  sweepSpacesTotal: counter('relay_sweep_spaces_total', 'Spaces looked at for entries that may go.'),
  sweepTrimsTotal: counter('relay_sweep_trims_total', 'Times entries of a space were let go.'),
  sweepFailuresTotal: counter('relay_sweep_failures_total', 'Calls of the forgetting sweep that the store refused.'),
  commitsTotal: counter('relay_store_commits_total', 'Commit groups made durable.'),
  entriesTotal: counter('relay_store_entries_total', 'Entries made durable.'),
  entryBytesTotal: counter('relay_store_entry_bytes_total', 'Sealed data made durable.'),
  writtenBytesTotal: counter('relay_store_written_bytes_total', 'Data written to the store, framing included.'),
  syncsTotal: counter('relay_store_syncs_total', 'Sync calls.'),
  syncMicrosTotal: counter('relay_store_sync_seconds_total', 'Time in sync calls.', US),
  syncMicrosMax: gauge('relay_store_sync_max_seconds', 'Longest sync call since the start.', US),
  duplicatesTotal: counter('relay_store_duplicates_total', 'Pushes recognised as sent before.'),
  queuePushes: gauge('relay_store_queued_pushes', 'Pushes waiting for a commit.'),
  queueBytes: gauge('relay_store_queued_bytes', 'Data of pushes waiting for a commit.'),
  overloadedTotal: counter('relay_store_overloaded_total', 'Calls refused because the commit queue was full.'),
  diskBytes: gauge('relay_store_disk_bytes', 'Disk space the log takes.'),
  spaces: gauge('relay_spaces_known', 'Spaces the store knows.'),
  storePoisoned: gauge('relay_store_poisoned', '1 once a write or a sync failed and nothing more is accepted.'),
  blobsStoredTotal: counter('relay_blobs_stored_total', 'Blobs that became durable.'),
  blobWrittenBytesTotal: counter('relay_blob_written_bytes_total', 'Sealed data of blob uploads written.'),
  blobReadBytesTotal: counter('relay_blob_read_bytes_total', 'Sealed data of blobs read.'),
  blobMismatchesTotal: counter('relay_blob_mismatches_total', 'Uploads whose bytes were not those of their id.'),
  blobQuotaRefusalsTotal: counter('relay_blob_quota_refusals_total', 'Uploads refused by a quota.'),
  blobsDeletedTotal: counter('relay_blobs_deleted_total', 'Blobs deleted.'),
  blobsExpiredTotal: counter('relay_blobs_expired_total', 'Blobs and unfinished uploads that expired.'),
  blobsDamagedTotal: counter('relay_blobs_damaged_total', 'Reads of blobs, or files of them, that were damaged.'),
} as const satisfies Record<keyof RelayStats, MetricRow>;

function gauge(name: string, help: string, divisor = 1): MetricRow {
  return { name, help, type: 'gauge', divisor };
}

function counter(name: string, help: string, divisor = 1): MetricRow {
  return { name, help, type: 'counter', divisor };
}
