// The named limits of the client, with units. What the relay limits is in the welcome and in ../protocol/limits.ts.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes the transport may hold unsent before the pusher waits. */
export const SEND_BUFFER_BYTES_HIGH = MIB;
/** Bytes the transport may hold unsent at all; more is a bug of the caller and ends the connection. */
export const SEND_BUFFER_BYTES_MAX = 64 * MIB;
/** How often a full send buffer is looked at; WebSockets have no event for it. */
export const SEND_BUFFER_POLL_MS = 10;
/** Bytes received and not yet worked off; beyond it the connection is given up and continued from the cursor. */
export const INBOUND_BYTES_MAX = 64 * MIB;
/** Counted for each of them beside its bytes, so that many small ones are bounded too. */
export const INBOUND_MESSAGE_OVERHEAD_BYTES = 64;

/** Time for the transport to open. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Time for the relay to answer over a WebSocket before HTTP is tried beside it: where nothing is known of the network, and where one opened lately. */
export const WEBSOCKET_HEAD_START_MS = 1200;
export const WEBSOCKET_OPEN_MS = 4000;
/** Time for the open answer of a session over HTTP to begin, and to bring what the relay says it holds, before requests that wait are made instead; and how long each of those waits. */
export const STREAM_START_MS = 1500;
export const STREAM_BEHIND_MS = 3000;
export const POLL_WAIT_MS = 25_000;
/** Where those are made: time after a receipt, or an answer to a ping, before it is asked what other devices acked. */
export const ACKS_ASKED_AFTER_MS = 2000;
/** Messages that wait on a connection for the first answer of the relay: a Hello. */
export const UNANSWERED_MESSAGES_MAX = 4;
/** Relays of which is remembered whether WebSockets get through to them. */
export const FALLBACK_RELAYS_MAX = 64;
/** How long HTTP is used before a WebSocket is tried again: at first, when the relay may just have been away, and at most; it doubles. */
export const FALLBACK_MS_MIN = 1000;
export const FALLBACK_MS_MAX = 5 * 60_000;
/** Time for a sign of life on an open connection after the platform said that the network may have changed. */
export const PROBE_MS = 3000;
/** First back-off step; each attempt doubles it up to the maximum. */
export const BACKOFF_MS_MIN = 250;
/** Largest back-off step. */
export const BACKOFF_MS_MAX = 30_000;
/** Longest time a relay may ask for before a return. */
export const RETRY_AFTER_MS_MAX = 10 * 60_000;
/** A session that was open this long resets the back-off. */
export const STABLE_AFTER_MS = 10_000;

/** Verified sizes whose head can be told again. */
export const RECENT_HEADS_MAX = 4096;
/** Sizes of which a shown attestation is remembered. */
export const SHOWN_ATTESTATIONS_MAX = 256;
/** Heads claimed by devices above the own fold: the newest of each device of the roster. */
export const CLAIMS_MAX = 256;
/** Group roots whose signature need not be verified again. */
export const VERIFIED_ROOTS_MAX = 256;
/** LogResets of a space that are followed; one restore a week is 52 in a year. */
export const LOG_RESETS_MAX = 1024;
/** Receipts whose seq the fold has not reached. */
export const RECEIPTS_PENDING_MAX = 65_536;

/** Items and bytes of one batch, and the default time it gathers. */
export const BATCH_ITEMS_MAX = 8192;
export const BATCH_BYTES_MAX = 256 * KIB;
export const BATCH_WINDOW_MS = 50;
export const BATCH_WINDOW_MS_MAX = 50;
/** Largest single item an app may push. */
export const ITEM_BYTES_MAX = 8 * MIB;

/** Bytes of items and entries that no relay has stored; beyond it push() refuses with outbox_full. */
export const OUTBOX_UNSENT_BYTES_MAX = 64 * MIB;
/** Bytes kept because a device has not acked them; at half of it a snapshot is made when the app can. */
export const OUTBOX_HELD_BYTES_MAX = 256 * MIB;
/** Entries in the outbox. */
export const OUTBOX_ENTRIES_MAX = 1_000_000;

/** Stored writes that are told of when a device sees them. */
export const WRITES_TRACKED_MAX = 65_536;

/** Bytes and number of pushes that wait for a receipt. */
export const PUSH_BYTES_IN_FLIGHT = 4 * MIB;
export const PUSHES_IN_FLIGHT_MAX = 64;
/** Bytes and entries of one Push frame. */
export const PUSH_BYTES_TARGET = 256 * KIB;
export const PUSH_ENTRIES_TARGET = 256;
/** Wait before a refused push is tried again when the relay named no time. */
export const PUSH_RETRY_MS = 1000;

/** Entries whose key epoch is not known yet; the oldest is rejected beyond it. */
export const QUARANTINE_ENTRIES_MAX = 4096;
/** Chunks asked for at once when a snapshot is read. */
export const SNAPSHOT_CHUNKS_WINDOW = 16;
/** Times an upload begins before a relay that loses count of it is told to the app; and a download, before one whose snapshots go while they are read is asked in a new session. */
export const SNAPSHOT_BEGINS_MAX = 8;
export const SNAPSHOT_DOWNLOADS_MAX = 4;
/** Tries of a roster change against others who change it at the same time. */
export const ROSTER_TRIES_MAX = 8;
/** Wait before a removal is tried again that lost against other changes of the roster. */
export const REMOVAL_RETRY_MS = 5000;
/** Least time between snapshots made because the outbox holds much. */
export const SNAPSHOT_PRESSURE_MS = 60_000;
/** Tries of one request for a blob, and the wait between them, which grows. */
export const BLOB_TRIES_MAX = 5;
export const BLOB_RETRY_MS = 500;
/** Time for a relay to answer a request. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** How long the relay holds the leaves of forgotten entries at least. */
export const LEAVES_KEPT_MS = 180 * 24 * 3_600_000;
/** An attested time this far ahead of the own clock is worth a warning. */
export const RELAY_CLOCK_AHEAD_MS = 24 * 3_600_000;
/** Findings told in the life of a space object. */
export const FINDINGS_MAX = 1024;

/** Ephemeral frames that wait to be sealed; more are dropped. */
export const EPHEMERAL_SENDS_WAITING_MAX = 256;
/** Senders whose newest ephemeral frame is remembered: the devices of a roster. */
export const EPHEMERAL_SENDERS_MAX = 256;
/** Senders whose key for live frames is kept. */
export const LIVE_KEYS_MAX = 256;
/** A live frame sealed this long before the newest attested time is a replay. */
export const LIVE_AGE_MS_MAX = 5 * 60_000;
/** Characters of a topic's name. */
export const TOPIC_NAME_CHARS_MAX = 1024;
/** Messages of one topic that wait to be sent. */
export const TOPIC_SENDS_WAITING_MAX = 256;
/** How long a message waits for a receiver that takes nothing. */
export const TOPIC_STALL_MS = 30_000;

/** Characters of a device's name, and devices whose names are known. */
export const DEVICE_NAME_CHARS_MAX = 64;
export const DEVICE_NAMES_MAX = 256;
/** How long a pairing code holds. */
export const PAIRING_LIFE_MS = 10 * 60_000;
/** Messages of one mailbox that are looked at; a pairing needs six. */
export const PAIRING_MESSAGES_MAX = 64;
/** Fresh codes that are tried when a mailbox is taken. */
export const PAIRING_CODES_TRIED_MAX = 3;
/** Wait before a device is signed in again after the connection broke. */
export const PAIRING_RETRY_MS = 1000;
/** Longest wait for a space to reach the relay that is to take its word for a mailbox. */
export const PAIRING_SPACE_WAIT_MS = 10_000;
/** How long a mailbox stays after a pairing was given up, so that the other device reads why. */
export const PAIRING_LINGER_MS = 5000;
/** Longest wait for a relay to erase a mailbox. */
export const PAIRING_ERASE_MS_MAX = 2000;

/** Logs of other relays in which a space that fails over keeps its place. */
export const LOG_PLACES_MAX = 16;
/** Bytes of own entries that every device has, kept for the relay of another region that lacks them. */
export const CARRIED_BYTES_MAX = 32 * MIB;
/** Wait before history is carried again to a log that did not take it. */
export const CARRY_RETRY_MS = 5000;
/** Regions a space fails over between. */
export const FAILOVER_REGIONS_MAX = LOG_PLACES_MAX;
/** How often a device asks the region it uses, and the others, whether they are well. */
export const FAILOVER_PROBE_MS = 1200;
export const FAILOVER_OTHERS_PROBE_MS = 5000;
/** A region that takes longer to answer counts as failing. */
export const FAILOVER_PROBE_TIMEOUT_MS = 1200;
/** Wait before a region that failed is asked again, and failures in a row after which it is left. */
export const FAILOVER_AGAIN_MS = 100;
export const FAILOVER_FAILURES = 2;
/** How long an earlier region must have been well before a device returns to it; doubled, up to the second, each time it fails soon after a return. */
export const FAILOVER_RETURN_MS = 60_000;
export const FAILOVER_RETURN_MS_MAX = 30 * 60_000;
/** Wait before a region is opened again that did not open. */
export const FAILOVER_OPEN_RETRY_MS = 1000;

/** Regions of a list that are taken; the others are left out. */
export const REGIONS_MAX = 64;
/** Bytes of a list of regions. */
export const REGION_LIST_BYTES_MAX = 256 * KIB;
/** Time for the list, and for one probe, to be answered. */
export const REGION_LIST_TIMEOUT_MS = 5000;
export const REGION_PROBE_TIMEOUT_MS = 3000;
/** Timed requests of which the median is a region's latency. */
export const REGION_PROBE_SAMPLES = 5;
/** Regions probed at once: more would measure each other. */
export const REGION_PROBES_AT_ONCE = 3;
/** How long a probe holds. */
export const REGION_PROBE_FRESH_MS = 5 * 60_000;
/** A region is suggested instead of another only when it is this much nearer, so that noise moves nobody. */
export const REGION_NEARER_MS_MIN = 10;
/** Time for a space to come online at the relay of another region, before it goes back. */
export const REGION_MOVE_TIMEOUT_MS = 15_000;
