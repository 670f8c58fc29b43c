// The named limits of the testing kit.

/** Bytes of one connection that a delay holds back; beyond it the connection is cut. */
export const DELAYED_BYTES_MAX = 64 * 1024 * 1024;
/** How often a crowd of spaces is looked at until it has converged, and for how long. */
export const CONVERGE_POLL_MS = 5;
export const CONVERGE_MS_MAX = 10_000;
/** How long a relay waits for its connections when it stops. */
export const STOP_MS_MAX = 100;
/** How often the relay is told that the event loop turns. */
export const BEAT_MS = 5000;
