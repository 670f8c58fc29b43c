// Named limits of serving, with their units, and the defaults of its options. Where the relay has the same limit, it is the same.

/** Bytes of the body of a request. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** Bytes of all bodies that are being read or looked into at a time. */
export const BODIES_BYTES_MAX = 128 * 1024 * 1024;
/** Milliseconds in which a body has to be there. */
export const BODY_MS_MAX = 30_000;
/** Requests that are served at a time. */
export const AT_ONCE_MAX = 32;
/** Requests of one caller a minute (default). */
export const CALLS_PER_MINUTE = 600;
/** Requests of one caller that may come at once (default). */
export const CALLS_BURST = 100;
/** Callers whose rate is remembered. */
export const CALLERS_MAX = 10_000;
/** Entries in one request. */
export const ENTRIES_MAX = 50_000;
/** Parents of an entry, or of one of its subtrees. */
export const PARENTS_MAX = 1000;
/** Subtrees of an entry. */
export const SUBTREES_MAX = 1000;
/** Tips, or ids asked for, in one request. */
export const TIPS_MAX = 5000;
/** Longest id, key or name in a request, in characters. */
export const TEXT_CHARS_MAX = 256;
/** Longest token, in characters. */
export const TOKEN_CHARS_MAX = 1024;
/** Bytes of entries in one answer, as JSON; one entry may overshoot. The next request brings more. */
export const PART_BYTES_MAX = 8 * 1024 * 1024;
/** Entries in one answer. */
export const PART_ENTRIES_MAX = 50_000;
/** Entries looked at for one answer. */
export const WALK_ENTRIES_MAX = 1_000_000;
/** Ancestors that dialect A gets before what it asked for. */
export const ASKED_ANCESTORS_MAX = 10_000;
/** Trees named in the answer to a handshake. */
export const TREES_LISTED_MAX = 256;
/** Addresses of a caller that are passed on to the app. */
export const ADDRESSES_MAX = 16;
/** Longest of them, in characters. */
export const ADDRESS_CHARS_MAX = 1024;
/** Longest challenge that is signed, in bytes: nothing else that a key of this protocol signs is as short. */
export const CHALLENGE_BYTES_MAX = 32;
/** Milliseconds in which a challenge has to be answered. */
export const CHALLENGE_MS_MAX = 60_000;
/** Milliseconds the time of a proof may be from ours. */
export const FRESH_MS = 60_000;
/** Proofs that are remembered, so that none is good twice; beyond, further ones have to wait. */
export const NONCES_MAX = 20_000;
/** Connections to an HTTP server of the engine. */
export const CONNECTIONS_MAX = 256;
/** Milliseconds in which those at work have to end when a server is closed. */
export const CLOSE_MS_MAX = 5000;
