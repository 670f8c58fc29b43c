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
  livenessTotal: counter('relay_liveness_requests_total', 'Requests answered by the liveness route.'),
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
} as const satisfies Record<keyof RelayStats, MetricRow>;

function gauge(name: string, help: string, divisor = 1): MetricRow {
  return { name, help, type: 'gauge', divisor };
}

function counter(name: string, help: string): MetricRow {
  return { name, help, type: 'counter', divisor: 1 };
}
