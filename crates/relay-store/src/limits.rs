//! Every limit of the embedded store, with its unit in the name, and the defaults.

use crate::cold::{LOOK_MS, Residency};
use relay_core::limits::BlobLimits;

/// What an operator or a test may set. `Default` is what the documentation states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// Calls that wait for a commit; more are refused as overloaded.
    pub queue_calls_max: usize,
    /// Bytes of calls that wait for a commit; more are refused as overloaded.
    pub queue_bytes_max: usize,
    /// Bytes after which a commit group takes no further call.
    pub group_bytes_max: usize,
    /// Calls in one commit group.
    pub group_calls_max: usize,
    /// Spaces.
    pub spaces_max: usize,
    /// Spaces in memory; above it those used longest ago are let go, unless something is under way in them.
    pub spaces_resident_max: usize,
    /// Time without a use after which a space is let go, in milliseconds.
    pub space_idle_ms: u64,
    /// Calls that wait for a space to be loaded; more are refused as overloaded.
    pub loads_waiting_max: usize,
    /// Reads that wait for a reader thread; more are refused as overloaded.
    pub reads_waiting_max: usize,
    /// Reader threads.
    pub reader_threads: usize,
    /// Snapshot calls that wait; more are refused as overloaded.
    pub snapshot_calls_waiting_max: usize,
    /// Blob calls that wait, of those that write and of those that read; more are refused as overloaded.
    pub blob_calls_waiting_max: usize,
    /// Threads that write blobs, and as many that read them.
    pub blob_threads: usize,
    /// Quotas of blobs.
    pub blobs: BlobLimits,
}

/// Length of a segment, in bytes (default).
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            queue_calls_max: 16_384,
            queue_bytes_max: 64 * 1024 * 1024,
            group_bytes_max: 8 * 1024 * 1024,
            group_calls_max: 4096,
            spaces_max: 1_000_000,
            spaces_resident_max: 16_384,
            space_idle_ms: 60_000,
            loads_waiting_max: 4096,
            reads_waiting_max: 4096,
            reader_threads: 2,
            snapshot_calls_waiting_max: 256,
            blob_calls_waiting_max: 1024,
            blob_threads: 2,
            blobs: BlobLimits::default(),
        }
    }
}

impl StoreLimits {
    pub(crate) fn residency(&self) -> Residency {
        let idle_looks = u32::try_from(self.space_idle_ms.div_ceil(LOOK_MS)).unwrap_or(u32::MAX);
        Residency { spaces_max: self.spaces_resident_max, idle_looks }
    }
}

/// How long an attestation of an unchanged head may be shown again, in milliseconds.
pub(crate) const ATTESTATION_REUSE_MS: u64 = 1000;

/// Memory of a commit group that is kept for the next one, in bytes; a larger group's is given back.
pub(crate) const GROUP_BUFFER_KEPT_BYTES: usize = 4 * 1024 * 1024;
