//! Every limit of the protocol, with its unit in the name. Defaults a relay may lower or raise are marked as such.

/// Versions of the protocol this crate speaks, newest first.
pub const VERSIONS: [u16; 1] = [1];
/// Most versions a Hello may offer.
pub const HELLO_VERSIONS_MAX: usize = 16;
/// Feature bit: ephemeral frames.
pub const FEATURE_EPHEMERAL: u64 = 1;
/// Feature bit: topics.
pub const FEATURE_TOPICS: u64 = 1 << 1;
/// Feature bit: purge and erase.
pub const FEATURE_ERASURE: u64 = 1 << 3;
/// Feature bit: a token in the proof that lets a device found a space.
pub const FEATURE_ADMISSION: u64 = 1 << 7;
/// Feature bit: a sponsorship in the place of that token. Offered by relays that ask for one.
pub const FEATURE_SPONSORS: u64 = 1 << 8;
/// Feature bits this crate speaks; a session uses those that both sides offer.
pub const FEATURES: u64 = FEATURE_EPHEMERAL | FEATURE_TOPICS | FEATURE_ERASURE | FEATURE_ADMISSION | FEATURE_SPONSORS;

/// Largest message until the session is open, in bytes, the proof excepted.
pub const MESSAGE_BEFORE_OPEN_BYTES_MAX: usize = 256 * 1024;
/// Largest proof, in bytes: the largest chain and keyring, and what frames them.
pub const PROOF_BYTES_MAX: usize = CHAIN_BYTES_MAX + KEYRING_BYTES_MAX + MESSAGE_OVERHEAD_BYTES;
/// Longest admission token, in bytes.
pub const ADMISSION_BYTES_MAX: usize = 4096;
/// Largest sealed entry, in bytes (default).
pub const ENTRY_BYTES_MAX: u32 = 10 * 1024 * 1024;
/// Most entries in one push (default).
pub const PUSH_ENTRIES_MAX: u16 = 1024;
/// What a message may hold beyond its largest entry, in bytes.
pub const MESSAGE_OVERHEAD_BYTES: usize = 64 * 1024;
/// Smallest limit of messages, in bytes.
pub const MESSAGE_BYTES_MAX_MIN: usize = 1024 * 1024;
/// Push bytes in flight per connection, beyond which the relay stops reading (default).
pub const PUSH_IN_FLIGHT_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// Size an Entries frame aims at, in bytes; one larger entry goes alone.
pub const ENTRIES_FRAME_BYTES: usize = 1024 * 1024;

/// Most devices in a roster.
pub const ROSTER_DEVICES_MAX: usize = 256;
/// Most former devices in a roster.
pub const ROSTER_FORMER_MAX: usize = 1024;
/// Most statements in a chain.
pub const CHAIN_STATEMENTS_MAX: usize = 1024;
/// Largest chain, in bytes of its statements together.
pub const CHAIN_BYTES_MAX: usize = 512 * 1024;
/// Largest keyring, in bytes.
pub const KEYRING_BYTES_MAX: usize = 128 * 1024;

/// Most leaves in a commit group's tree.
pub const GROUP_LEAVES_MAX: u32 = 65_536;
/// Longest inclusion path in an attestation or a receipt, in hashes.
pub const PATH_HASHES_MAX: usize = 17;
/// Most hashes in a compact range.
pub const RANGE_HASHES_MAX: usize = 64;
/// Most leaves in one PullLeaves or Leaves.
pub const LEAVES_PAGE_MAX: usize = 8192;

/// Largest snapshot, in bytes (default).
pub const SNAPSHOT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Smallest chunk size of a snapshot, in bytes (the last chunk may be shorter).
pub const CHUNK_BYTES_MIN: u32 = 64 * 1024;
/// Largest chunk of a snapshot, in bytes.
pub const CHUNK_BYTES_MAX: u32 = 1024 * 1024;
/// Every how many chunks the relay answers with a SnapshotStatus.
pub const CHUNKS_PER_STATUS: u32 = 16;
/// How many complete snapshots the relay keeps per space.
pub const SNAPSHOTS_KEPT: usize = 2;
/// How long an unfinished snapshot can be resumed, in milliseconds.
pub const SNAPSHOT_RESUME_MS: u64 = 24 * HOUR_MS;
/// Longest manifest, in bytes: its fixed fields and a full compact range.
pub const MANIFEST_BYTES_MAX: usize =
    1 + 1 + 32 + 32 + 4 + 32 + 8 + 8 + 32 + 1 + RANGE_HASHES_MAX * 32 + 8 + 4 + 32 + 32 + 32 + 8 + 64;

/// Largest blob, in sealed bytes (default).
pub const BLOB_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Most blobs of one space (default).
pub const SPACE_BLOBS_MAX: u32 = 10_000;
/// Bytes of all blobs of one space, unfinished uploads at their full length included (default).
pub const SPACE_BLOB_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// Most unfinished uploads of one device (default).
pub const DEVICE_UPLOADS_MAX: u32 = 4;
/// How long an unfinished upload can be resumed, in milliseconds.
pub const BLOB_RESUME_MS: u64 = 24 * HOUR_MS;

/// Time from the start of a connection to the end of the handshake, in milliseconds.
pub const HANDSHAKE_MS: u64 = 10_000;
/// Delay of the one answer to a failed handshake, in milliseconds.
pub const HANDSHAKE_FAILED_DELAY_MS: u64 = 25;
/// How long a session token is good for, in milliseconds (default).
pub const SESSION_TOKEN_MS: u64 = 15 * 60_000;
/// Longest session token, in bytes.
pub const SESSION_TOKEN_BYTES_MAX: usize = 512;
/// Period of keep-alive, in milliseconds (default).
pub const HEARTBEAT_MS: u32 = 30_000;
/// Shortest time between two acks of one session, in milliseconds.
pub const ACK_INTERVAL_MS: u64 = 1000;
/// How long entries are held for devices that did not ack them, in milliseconds (default).
pub const RETENTION_MS: u64 = 30 * DAY_MS;
/// How long a device counts as live after its last contact, in milliseconds (default).
pub const DEVICE_LEASE_MS: u64 = 30 * DAY_MS;
/// How long a space is kept after the last contact of any device, in milliseconds (default).
pub const SPACE_LEASE_MS: u64 = 30 * DAY_MS;
/// How long an erased space is remembered, so that a device that comes back is told and does not found it anew, in milliseconds.
pub const ERASED_SPACE_MS: u64 = 180 * DAY_MS;
/// Longest detail of an Error frame, in bytes.
pub const ERROR_DETAIL_BYTES_MAX: usize = 65_535;

/// Largest sealed ephemeral frame, in bytes.
pub const EPHEMERAL_BYTES_MAX: usize = 16 * 1024;
/// Largest sealed message of a topic, in bytes.
pub const TOPIC_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// What a peer may send to another one before that took something, in bytes as [`topic_charge_bytes`] counts them.
pub const TOPIC_WINDOW_BYTES: u32 = 256 * 1024;
/// What each message costs of the window beside its sealed bytes, in bytes.
pub const TOPIC_MESSAGE_OVERHEAD_BYTES: u32 = 64;
/// Most topics a session is in.
pub const TOPICS_PER_SESSION_MAX: usize = 16;
/// Most peers of a topic.
pub const TOPIC_PEERS_MAX: usize = 64;

/// What a message of so many sealed bytes costs of the window, in bytes.
#[must_use]
pub fn topic_charge_bytes(sealed_bytes: usize) -> u32 {
    u32::try_from(sealed_bytes).unwrap_or(u32::MAX).saturating_add(TOPIC_MESSAGE_OVERHEAD_BYTES)
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Largest message of an open session whose entry limit is `entry_bytes_max`, in bytes.
#[must_use]
pub const fn message_bytes_max(entry_bytes_max: usize) -> usize {
    let sum = entry_bytes_max.saturating_add(MESSAGE_OVERHEAD_BYTES);
    if sum < MESSAGE_BYTES_MAX_MIN { MESSAGE_BYTES_MAX_MIN } else { sum }
}
