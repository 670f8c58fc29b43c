// The named limits of this client, with units. What the relay limits: docs/guides/graceful-books.md.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of one change, in the app's own JSON: sealed, padded and in base64 it still fits the 10 MiB of a request. */
export const CHANGE_BYTES_MAX = 6 * MIB;
/** Bytes of an id of a change or a device. */
export const NAME_BYTES_MAX = 1024;
/** Changes and bytes of one push; one change may be larger. */
export const PUSH_CHANGES_MAX = 100;
export const PUSH_BYTES_MAX = MIB;
/** Changes and bytes that wait for a relay; beyond them push() rejects changes with `outbox_full`. */
export const QUEUE_CHANGES_MAX = 100_000;
export const QUEUE_BYTES_MAX = 64 * MIB;
/** Changes and bytes that one relay has and another may still need; the oldest go first. */
export const KEPT_CHANGES_MAX = 10_000;
export const KEPT_BYTES_MAX = 32 * MIB;
/** The journal is written anew when it holds this many records more than needed. */
export const JOURNAL_RECORDS_SPARE = 1000;
/** Answers to pulls that are remembered, so that an app that goes back in time is given the same again. */
export const MARKS_MAX = 64;
/** Ids of one acknowledgement. */
export const ACK_IDS_MAX = 1000;
/** Bytes of an answer. */
export const ANSWER_BYTES_MAX = 16 * MIB;

/** Time for one request. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** The same at a relay beside which there is another one: whoever says nothing for that long is left for it. */
export const FAILOVER_WAIT_MS = 20_000;
/** Further tries of a request at one relay. */
export const RETRIES = 2;
export const RETRIES_MAX = 20;
/** How long a call waits for a relay that says when to come back; longer waits are the caller's. */
export const RETRY_AFTER_WAIT_MS_MAX = 10_000;
/** After this long is looked, beside the work, whether a relay that failed is well again. */
export const FAILED_RELAY_MS = 60_000;
/** How long push() waits for the relay before it says what is queued. */
export const PUSH_WAIT_MS = 30_000;

/** Silence on the WebSocket after which it counts as dead: the relay pings every 30 s. */
export const SOCKET_SILENCE_MS_MAX = 75_000;
/** Time for the WebSocket to open. */
export const SOCKET_OPEN_MS_MAX = 10_000;
/** Characters of one message on it. */
export const SOCKET_MESSAGE_CHARS_MAX = 16 * KIB;
