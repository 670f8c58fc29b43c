//! Every limit of the rules, with its unit in the name, and the defaults. Limits of the wire itself are `relay_proto::limits`.

use crate::forgetting::ForgettingPolicy;
use crate::quota::SpaceQuota;
use relay_proto::limits as wire;

/// What an operator may set. `Default` is what the documentation states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLimits {
    /// Largest sealed entry, in bytes.
    pub entry_bytes_max: u32,
    /// Most entries in one push.
    pub push_entries_max: u16,
    /// Bytes of pushes of one session that wait for their commit; beyond it the relay stops reading from it.
    pub push_in_flight_bytes_max: u32,
    /// Longest time that a push may have to wait for its commit, as far as the relay can tell, in milliseconds; beyond it
    /// pushes are refused as `busy`. It is short: what waits longer than a few commits only adds to everybody's wait.
    pub push_wait_ms_max: u64,
    /// From a new connection to its open session, in milliseconds.
    pub handshake_ms: u64,
    /// How long a session token is good for, in milliseconds.
    pub session_token_ms: u64,
    /// Heartbeat told to clients, in milliseconds.
    pub heartbeat_ms: u32,
    /// Largest snapshot, in bytes.
    pub snapshot_bytes_max: u64,
    /// Most live sessions of one space.
    pub space_sessions_max: u32,
    /// Pushes of one session in a second, all of them at once at most; more are refused. 0 is no limit.
    pub session_pushes_per_second_max: u32,
    /// The same of all sessions of one space together.
    pub space_pushes_per_second_max: u32,
    /// How much a space may hold.
    pub space_quota: SpaceQuota,
    /// Bytes of newest entries kept encoded per space for live subscribers; a slower one reads the log instead.
    pub live_space_bytes_max: usize,
    /// The same over all spaces: when it is reached, the space that commits keeps nothing.
    pub live_bytes_max: usize,
    /// Ephemeral frames of one session in a second; more are refused.
    pub ephemeral_frames_per_second_max: u32,
    /// When entries may go.
    pub forgetting: ForgettingPolicy,
    /// Earliest moment at which a client may come back after a drain, in milliseconds.
    pub drain_reconnect_after_ms: u32,
    /// Span over which clients spread their return after a drain, in milliseconds.
    pub drain_reconnect_spread_ms: u32,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            entry_bytes_max: wire::ENTRY_BYTES_MAX,
            push_entries_max: wire::PUSH_ENTRIES_MAX,
            push_in_flight_bytes_max: wire::PUSH_IN_FLIGHT_BYTES_MAX,
            push_wait_ms_max: 5,
            handshake_ms: wire::HANDSHAKE_MS,
            session_token_ms: wire::SESSION_TOKEN_MS,
            heartbeat_ms: wire::HEARTBEAT_MS,
            snapshot_bytes_max: wire::SNAPSHOT_BYTES_MAX,
            space_sessions_max: 1024,
            session_pushes_per_second_max: 0,
            space_pushes_per_second_max: 0,
            space_quota: SpaceQuota::default(),
            live_space_bytes_max: 1024 * 1024,
            live_bytes_max: 256 * 1024 * 1024,
            ephemeral_frames_per_second_max: 2000,
            forgetting: ForgettingPolicy::default(),
            drain_reconnect_after_ms: 500,
            drain_reconnect_spread_ms: 5000,
        }
    }
}

/// Quotas of blobs. `Default` is what the documentation states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobLimits {
    /// Largest blob, in sealed bytes.
    pub blob_bytes_max: u64,
    /// Most blobs of one space, unfinished uploads included.
    pub space_blobs_max: u32,
    /// Bytes of all blobs of one space, unfinished uploads at their full length included.
    pub space_blob_bytes_max: u64,
    /// Most unfinished uploads of one device.
    pub device_uploads_max: u32,
}

impl Default for BlobLimits {
    fn default() -> Self {
        Self {
            blob_bytes_max: wire::BLOB_BYTES_MAX,
            space_blobs_max: wire::SPACE_BLOBS_MAX,
            space_blob_bytes_max: wire::SPACE_BLOB_BYTES_MAX,
            device_uploads_max: wire::DEVICE_UPLOADS_MAX,
        }
    }
}

impl RelayLimits {
    /// Largest message of an open session, in bytes.
    #[must_use]
    pub fn message_bytes_max(&self) -> usize {
        wire::message_bytes_max(usize::try_from(self.entry_bytes_max).unwrap_or(usize::MAX))
    }
}

/// Pushes of one session that wait for their commit; with them reached the relay stops reading from it.
pub const PUSHES_IN_FLIGHT_MAX: usize = 1024;
/// Sealed bytes of the pushes of one session that are handed to the store as one.
pub const PUSH_JOINED_BYTES_MAX: usize = 256 * 1024;
/// Pushes of all sessions that may wait however slow the disk is: enough for a commit to be worth its sync.
pub const PUSHES_WAITING_ADMITTED: u64 = 1024;
/// The same in bytes: a session's full window and as much again.
pub const PUSH_BYTES_WAITING_ADMITTED: u64 = 32 * 1024 * 1024;
/// Pushes that wait while the rate of commits is measured: with fewer it says how much clients ask for, and nothing of what
/// the disk can do. Well below what is admitted, so that the measure goes on while pushes are refused.
pub const PUSHES_WAITING_MEASURED: u64 = 256;
/// The same in bytes.
pub const PUSH_BYTES_WAITING_MEASURED: u64 = 8 * 1024 * 1024;
/// Shortest time over which the rate of commits is measured, in milliseconds.
pub const PUSH_RATE_MS_MIN: u64 = 100;
/// Longest time over which it is measured, in milliseconds.
pub const PUSH_RATE_MS_MAX: u64 = 1000;
/// How long it is believed after it was measured, in milliseconds.
pub const PUSH_RATE_KEPT_MS: u64 = 10_000;
/// Earliest return of a client whose push was refused as `busy`, in milliseconds: some of its pushes are under way when it is
/// refused, and each of them costs a refusal too. Four times as soon cost an overloaded relay a tenth of what it did.
pub const PUSH_RETRY_AFTER_MS_MIN: u32 = 200;
/// Latest return of a client whose push was refused as `busy`, in milliseconds.
pub const PUSH_RETRY_AFTER_MS_MAX: u32 = 30_000;
/// Requests of one session that wait for their turn; with them reached the relay stops reading from it.
pub const REQUESTS_WAITING_MAX: usize = 64;
/// Devices of a space whose newest ack is kept for forwarding.
pub const ACK_NOTICES_MAX: usize = wire::ROSTER_DEVICES_MAX;
/// Bytes of log read at once for one pull.
pub const READ_PAGE_BYTES: u32 = 1024 * 1024;
/// Bytes of log read at once for one subscription: what it sends and what it reads next stay in the core's cache, and the
/// next page is there before the socket has taken this one.
pub const SUBSCRIPTION_PAGE_BYTES: u32 = 256 * 1024;
/// Entries of log read at once for one session.
pub const READ_PAGE_ENTRIES: u32 = 4096;
/// Bytes of live frames joined into one piece; a session that lacks more gets several.
pub const RUN_BYTES_MAX: usize = 256 * 1024;
/// Joined pieces kept per space, until the next commit.
pub const RUNS_MAX: usize = 4;
/// Shards of the table of active spaces.
pub const HUB_SHARDS: usize = 64;
/// Spaces looked at in one step of the forgetting sweep.
pub const SWEEP_PAGE_SPACES: u32 = 256;
/// How long nothing is forgotten after a start or a step of the wall clock, in milliseconds.
pub const SWEEP_PAUSE_MS: u64 = 24 * 3_600_000;
/// A forward step of the wall clock against the monotonic one that makes the sweep pause, in milliseconds.
pub const SWEEP_CLOCK_STEP_MS: u64 = 3_600_000;
/// Sessions that may begin over HTTP within the lifetime of a ticket; beyond it they are refused as `overloaded`.
pub const TICKETS_SPENT_MAX: usize = 65_536;
/// Longest time a Pull over HTTP waits for something to come, in milliseconds.
pub const LONG_POLL_MS_MAX: u64 = 60_000;
/// Time between two looks at blobs that may have expired, in milliseconds.
pub const BLOB_SWEEP_MS: u64 = 10 * 60_000;
/// How long a sponsored space may be used, in milliseconds: longer than a pairing code holds.
pub const SPONSORED_LIFE_MS: u64 = 15 * 60_000;
/// How long one counts for its sponsor, in milliseconds.
pub const SPONSORED_COUNTED_MS: u64 = 3_600_000;
/// Sponsored spaces of a relay that count, at a time.
pub const SPONSORED_SPACES_MAX: usize = 16_384;
/// What a sponsored space may hold: two devices exchange six messages in one, and the largest chain, keyring and list of names fit
/// several times.
pub const SPONSORED_QUOTA: SpaceQuota = SpaceQuota { entries_max: 128, bytes_max: 4 * 1024 * 1024 };
/// Sessions of a sponsored space; over HTTP each request is one.
pub const SPONSORED_SESSIONS_MAX: u32 = 16;
/// Highest version of a sponsored space's roster: statements are on disk and in no quota.
pub const SPONSORED_ROSTER_VERSION_MAX: u64 = 16;
/// Spaces of one tenant that the store counts at the same time.
pub const TENANT_COUNTS_UNDER_WAY_MAX: usize = 64;
/// Time between two counts of what a space holds because something was refused, in milliseconds.
pub const USAGE_REFRESH_MS: u64 = 1000;
/// Retry hint of a push that a quota refused, in milliseconds: room is made by forgetting, which takes its time.
pub const QUOTA_RETRY_AFTER_MS: u32 = 10_000;
/// Retry hint of temporary refusals, in milliseconds.
pub const RETRY_AFTER_MS: u32 = 1000;
/// Bytes of ephemeral frames kept per space for listeners that have not taken them; the oldest are dropped above it.
pub const EPHEMERAL_SPACE_BYTES_MAX: usize = 1024 * 1024;
/// The same in frames.
pub const EPHEMERAL_SPACE_FRAMES_MAX: usize = 4096;
/// Bytes of ephemeral frames of one session that are kept, taken and dropped together.
pub const EPHEMERAL_PIECE_BYTES_MAX: usize = 128 * 1024;
/// Such pieces taken for one session at once.
pub const EPHEMERAL_BATCH_PIECES: usize = 256;
/// Bytes of ephemeral frames of one session in a second, for each frame it may send in it; more are refused.
pub const EPHEMERAL_RATE_BYTES_PER_FRAME: u64 = 8 * 1024;
/// How far a session may run ahead of its rates, in milliseconds.
pub const EPHEMERAL_BURST_MS: u64 = 1000;
/// How often a session is told that it sends ephemeral frames too fast, in milliseconds.
pub const EPHEMERAL_REFUSAL_INTERVAL_MS: u64 = 1000;
/// Bytes of topic frames that wait for one session; above it the session is taken out of its topics.
pub const TOPIC_QUEUE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What each of them counts beside its bytes.
pub const TOPIC_FRAME_OVERHEAD_BYTES: usize = 64;
