//! Limits of every document store, with their units.

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 16 * 1024;
/// Longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of keys and values that one work may change.
pub const WORK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Keys that one work may delete by ranges.
pub const RANGE_DELETES_MAX: usize = 10_000;
/// Bytes of documents that deleting a range reads at once; one document may overshoot.
pub const RANGE_DELETE_READ_BYTES: usize = 1024 * 1024;
/// Keys that one read may ask for, and items that one scan may return.
pub const READ_ITEMS_MAX: usize = 10_000;
/// Charged for every key beside its bytes, wherever documents are counted.
pub const ITEM_OVERHEAD_BYTES: usize = 64;
