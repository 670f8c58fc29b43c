// The limits of docs/protocol.md section 9 that a client needs, and those its layouts imply. Units are last in the names.

const KIB = 1024;
const MIB = 1024 * KIB;

/** The protocol version this code speaks. */
export const PROTOCOL_VERSION = 1;
/** Versions a Hello may offer. */
export const HELLO_VERSIONS_MAX = 16;
/** Longest admission token. */
export const ADMISSION_BYTES_MAX = 4096;
/** Largest sealed entry unless the welcome says otherwise. */
export const ENTRY_BYTES_MAX = 10 * MIB;
/** Room a message has beside one largest entry. */
export const MESSAGE_OVERHEAD_BYTES = 64 * KIB;
/** Items of one Entries frame: the width of its count. */
export const ENTRIES_ITEMS_MAX = 0xffff;
/** Devices of a roster. */
export const ROSTER_DEVICES_MAX = 256;
/** Former devices of a roster. */
export const ROSTER_FORMER_MAX = 1024;
/** Statements of a roster chain. */
export const ROSTER_CHAIN_MAX = 1024;
/** Bytes of a keyring. */
export const KEYRING_BYTES_MAX = 128 * KIB;
/** Bytes of all statements of a chain together. */
export const ROSTER_CHAIN_BYTES_MAX = 512 * KIB;
/** Leaves of one commit group. */
export const GROUP_LEAVES_MAX = 65_536;
/** Hashes of an attestation's or a receipt's path. */
export const GROUP_PATH_MAX = 17;
/** Hashes of a compact range: one for each bit of the size. */
export const COMPACT_RANGE_MAX = 64;
/** Leaves of one Leaves frame. */
export const LEAVES_PAGE_MAX = 8192;
/** Largest snapshot unless the relay says otherwise. */
export const SNAPSHOT_BYTES_MAX = 256 * MIB;
/** Smallest chunk size of a snapshot. */
export const SNAPSHOT_CHUNK_BYTES_MIN = 64 * KIB;
/** Largest chunk size of a snapshot. */
export const SNAPSHOT_CHUNK_BYTES_MAX = MIB;
/** Bytes of a snapshot manifest: its fixed fields and a full compact range. */
export const SNAPSHOT_MANIFEST_BYTES_MAX = 363 + 32 * COMPACT_RANGE_MAX;
/** Chains a snapshot carries: the devices of a roster, present and former. */
export const SNAPSHOT_CHAINS_MAX = ROSTER_DEVICES_MAX + ROSTER_FORMER_MAX;
/** Every so many chunks, the last one included, an upload is answered by a SnapshotStatus. */
export const SNAPSHOT_CHUNKS_PER_STATUS = 16;
/** The handshake must be finished within this time. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Bytes of the ticket that joins the two requests of a handshake over HTTP. */
export const SESSION_TICKET_BYTES = 40;
/** Longest session token. */
export const SESSION_TOKEN_BYTES_MAX = 512;
/** Heartbeat unless the welcome says otherwise. */
export const HEARTBEAT_MS = 30_000;
/** A session acks at most once in this time. */
export const ACK_INTERVAL_MS = 1000;
/** Seen heads of an entry's header. */
export const SEEN_HEADS_MAX = 8;
/** Feature bit: ephemeral frames. */
export const FEATURE_EPHEMERAL = 1n;
/** Feature bit: topics. */
export const FEATURE_TOPICS = 2n;
/** Feature bit: purge and erase. */
export const FEATURE_ERASURE = 8n;
/** Feature bit: a token in the proof that lets a device found a space. */
export const FEATURE_ADMISSION = 128n;
/** Feature bit: a sponsorship in the place of that token; offered by relays that ask for one. */
export const FEATURE_SPONSORS = 256n;
/** Largest sealed ephemeral frame. */
export const EPHEMERAL_BYTES_MAX = 16 * KIB;
/** Largest sealed message of a topic. */
export const TOPIC_MESSAGE_BYTES_MAX = 64 * KIB;
/** What a peer may send to another one before that took something. */
export const TOPIC_WINDOW_BYTES = 256 * KIB;
/** What each message costs of the window beside its sealed bytes. */
export const TOPIC_MESSAGE_OVERHEAD_BYTES = 64;
/** Topics a session may be in. */
export const TOPICS_PER_SESSION_MAX = 16;

/** The flag of a Subscribe: own entries come without their bodies. */
export const OMIT_OWN_BODIES = 0x01;
