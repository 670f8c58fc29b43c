// Named limits of the engine, with their units, and the defaults of its options.

/** Entries a tree waits for before they are sent to a peer (default). */
export const QUEUE_SIZE = 100;
/** Seconds the oldest of them waits at most (default). */
export const QUEUE_AGE_SECS = 5;
/** Entries in one request (default). */
export const BATCH_SIZE = 100;
/** Bytes of entries in one request, as JSON; one entry may overshoot. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Seconds between looks at what is due (default). */
export const CHECK_INTERVAL_SECS = 1;
/** Seconds between pulls of a tree from a peer (default). */
export const PULL_INTERVAL_SECS = 60;
/** Refusals of a peer in a row after which it is left alone, but for pulls, until something new is to be sent (default). */
export const ATTEMPTS_MAX = 10;
/** Seconds of the longest wait between two attempts. */
export const RETRY_SECS_MAX = 64;
/** Seconds between looks whether a peer that could not be reached is there again. */
export const PROBE_SECS = 10;
/** Ids that wait for one peer and one tree; beyond, the two compare the whole tree instead. */
export const QUEUED_IDS_MAX = 1000;
/** Commits that wait for the worker; beyond, their trees are compared instead. */
export const COMMITS_WAITING_MAX = 10_000;
/** Requests under way at a time; one for each peer. */
export const REQUESTS_MAX = 8;
/** Peers. */
export const PEERS_MAX = 10_000;
/** Exchanges that are remembered. */
export const HISTORY_MAX = 500;
/** Answers to one comparison of a tree: each brings a part of it. */
export const ROUNDS_MAX = 10_000;
/** Milliseconds until a request is given up (default). */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Bytes of an answer. */
export const ANSWER_BYTES_MAX = 128 * 1024 * 1024;
/** Longest text of an error that is repeated, in characters. */
export const ERROR_CHARS_MAX = 300;
/** Ancestors looked at to find out what a peer has. */
export const ANCESTORS_MAX = 100_000;
/** Ids that a peer is known to have, told beside our tips. */
export const COMMON_TIPS_MAX = 1000;
