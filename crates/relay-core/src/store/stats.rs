//! What a store counts.

/// Counters and gauges, since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Commit groups made durable.
    pub commits: u64,
    /// Entries made durable.
    pub entries: u64,
    /// Sealed bytes made durable.
    pub entry_bytes: u64,
    /// Bytes written to the store, framing included.
    pub written_bytes: u64,
    /// Sync calls.
    pub syncs: u64,
    /// Total time in sync calls, microseconds.
    pub sync_micros: u64,
    /// Longest sync call, microseconds.
    pub sync_micros_max: u64,
    /// Pushes answered as duplicates.
    pub duplicates: u64,
    /// Pushes waiting for a commit.
    pub queue_pushes: u64,
    /// Bytes of pushes waiting.
    pub queue_bytes: u64,
    /// Calls refused because the queue was full.
    pub overloaded: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Spaces known.
    pub spaces: u64,
    /// Spaces in memory; the others are loaded when somebody asks for them.
    pub spaces_resident: u64,
    /// Images of spaces that were read.
    pub space_loads: u64,
    /// Images that could not be read.
    pub space_load_failures: u64,
    /// Spaces that were let go from memory.
    pub spaces_let_go: u64,
    /// Spaces that stayed in memory because their image could not be written.
    pub let_go_failures: u64,
    /// Bytes of images that the checkpoint does not have.
    pub cold_file_bytes: u64,
    /// Torn tails cut at the last start.
    pub torn_tails: u64,
    /// 1 when poisoned.
    pub poisoned: u64,
    /// 1 while the disk is full: new entries are refused, reads, acks and trims go on.
    pub disk_full: u64,
    /// Bytes given back to the disk by reclaim.
    pub reclaimed_bytes: u64,
    /// Bytes reclaim wrote to give others back; not in `written_bytes`.
    pub reclaim_written_bytes: u64,
    /// Compactions that were given up.
    pub reclaim_failures: u64,
    /// Reads that met bytes which do not match their checksum.
    pub damaged_reads: u64,
    /// Metadata transactions that failed; what they held is written with the next one.
    pub meta_failures: u64,
}
