//! Segment files: header, commit groups of records, footer. The codecs are pure; only `reader` and `writer` touch files.

mod blocks;
pub mod footer;
pub mod group;
pub mod header;
pub mod reader;
pub mod record;
pub mod state;
pub mod writer;

use std::path::{Path, PathBuf};

/// Records and groups start at multiples of this, in bytes.
pub const ALIGNMENT_BYTES: usize = 8;
/// Directory of the segments, inside the data directory.
pub const LOG_DIR: &str = "log";
/// Digits of a segment's number in its file name: all of a u64.
const NAME_DIGITS: usize = 20;
const SUFFIX: &str = ".seg";
/// What a compacted segment's name ends with until it takes its place.
const NEW_SUFFIX: &str = ".seg.new";

/// File name of a segment.
#[must_use]
pub fn file_name(segment: u64) -> String {
    format!("{segment:0width$}{SUFFIX}", width = NAME_DIGITS)
}

/// The number in a segment's file name; `None` when it is no such name.
#[must_use]
pub fn parse_file_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let is_number = digits.len() == NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// File name of a compacted segment that has not taken its place yet.
#[must_use]
pub fn new_file_name(segment: u64) -> String {
    format!("{segment:0width$}{NEW_SUFFIX}", width = NAME_DIGITS)
}

/// Whether a file is a compacted segment that never took its place.
#[must_use]
pub fn is_new_file_name(name: &str) -> bool {
    name.strip_suffix(".new").is_some_and(|name| parse_file_name(name).is_some())
}

/// Path of a segment inside a data directory.
#[must_use]
pub fn path(data_dir: &Path, segment: u64) -> PathBuf {
    data_dir.join(LOG_DIR).join(file_name(segment))
}

/// `n` rounded up to the alignment.
#[must_use]
pub const fn aligned(n: usize) -> usize {
    n.saturating_add(ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES
}

/// A length as a file offset; lengths in memory always fit.
pub(crate) fn offset_of(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// A file offset as a length; saturates where memory could not hold it anyway.
pub(crate) fn length_of(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_nothing_else_parses() {
        assert_eq!(file_name(7), "00000000000000000007.seg");
        assert_eq!(parse_file_name(&file_name(u64::MAX)), Some(u64::MAX));
        for wrong in ["7.seg", "0000000000000000000a.seg", "00000000000000000007.tmp", "+0000000000000000007.seg"] {
            assert_eq!(parse_file_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn alignment_rounds_up() {
        assert_eq!([0, 1, 8, 9].map(aligned), [0, 8, 8, 16]);
    }
}
