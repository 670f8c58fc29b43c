// The named limits of the transports, with units. What the relay limits: docs/guides/pluresdb.md.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of one message of the app; sealed and in base64 it still fits the relay's 16 MiB. */
export const MESSAGE_BYTES_MAX = 11 * MIB;
/** Bytes of one message with what sealing adds. */
export const SEALED_BYTES_MAX = MESSAGE_BYTES_MAX + 512 * KIB;
/** Characters of one message on the WebSocket. */
export const RELAY_MESSAGE_CHARS_MAX = 17 * MIB;
/** Characters of a peer's id; longer ones are cut by nobody and taken for none. */
export const PEER_ID_CHARS_MAX = 1024;

/** Bytes received and not read by the app at which no more is read from the network, and at which it goes on. */
export const RECEIVE_BYTES_HIGH = 16 * MIB;
export const RECEIVE_BYTES_LOW = 4 * MIB;
/** Bytes received and not read at which a connection that cannot stop the network is given up. */
export const RECEIVE_BYTES_MAX = 64 * MIB;
/** Counted for each message beside its bytes, so that many small ones are bounded too. */
export const MESSAGE_OVERHEAD_BYTES = 64;
/** Calls of receive() that wait at the same time. */
export const RECEIVERS_MAX = 64;

/** Bytes on their way to the relay at which send() waits. */
export const SEND_BUFFER_BYTES_HIGH = 4 * MIB;
/** How long send() waits for a network that takes nothing. */
export const SEND_STALL_MS = 60_000;
/** Calls of send() that wait at the same time. */
export const SENDS_WAITING_MAX = 1024;

/** Time for one attempt to connect. */
export const CONNECTION_TIMEOUT_MS = 30_000;
/** Time for the direct way before a relay is tried; it goes on in the background. */
export const DIRECT_TIMEOUT_MS = 5000;
/** Peers of one topic, and direct ways to them. */
export const PEERS_MAX = 1024;
/** Bytes of a frame of somebody who has not shown yet that they know the topic. */
export const HELLO_BYTES_MAX = 8 * KIB;

/** Bytes sent on a direct way that the other side has not confirmed; they are kept for the relay, should it die. */
export const DIRECT_WINDOW_BYTES = 32 * MIB;
/** How often a direct way is shown to be alive, and the silence after which it is dead. */
export const DIRECT_PING_MS = 5000;
export const DIRECT_SILENCE_MS = 15_000;
/** Time for the first words on a direct way. */
export const DIRECT_HELLO_MS = 10_000;
/** How long what comes directly waits for the last that was sent by the relay: as long as a relay waits for a receiver that takes nothing. */
export const SWITCH_WAIT_MS = 30_000;
/** Marks of one peer that wait so: each is another change between relay and direct way. At the next one its direct way is closed. */
export const MARKS_HELD_MAX = 1024;
/** How long a message that fell back to the relay waits for the other side to be there. */
export const MEET_AGAIN_MS = 30_000;
