//! Every limit of the embedded store, with its unit in the name, and the defaults.

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
            reads_waiting_max: 4096,
            reader_threads: 2,
            snapshot_calls_waiting_max: 256,
            blob_calls_waiting_max: 1024,
            blob_threads: 2,
            blobs: BlobLimits::default(),
        }
    }
}

/// How long an attestation of an unchanged head may be shown again, in milliseconds.
pub(crate) const ATTESTATION_REUSE_MS: u64 = 1000;

/// Memory of a commit group that is kept for the next one, in bytes; a larger group's is given back.
pub(crate) const GROUP_BUFFER_KEPT_BYTES: usize = 4 * 1024 * 1024;
