//! The body of the `segment` fuzz target: whatever bytes a segment file holds, reading it ends in an answer.

use crate::segment::header::{HEADER_BYTES, SegmentHeader, StoreId};
use crate::segment::reader::{self, GroupAt};
use crate::segment::{LOG_DIR, file_name, offset_of};
use crate::vfs::sim::SimVfs;
use crate::vfs::{OpenMode, Vfs};
use std::path::Path;

/// The store id that corpus files carry.
pub const STORE_ID: StoreId = StoreId([5; 16]);

/// Reads the bytes as a segment: header, groups, what is behind them, footer, and the records a footer names.
///
/// # Panics
/// When a reader contradicts itself.
#[allow(clippy::expect_used, clippy::panic, reason = "a fuzz target reports by panicking")]
pub fn segment(data: &[u8]) {
    let vfs = SimVfs::new();
    let path = Path::new(LOG_DIR).join(file_name(1));
    vfs.put(&path, data.to_vec());
    let file = vfs.open(&path, OpenMode::Read).expect("just put");
    let len = file.len().expect("just put");
    let store_id = SegmentHeader::decode(data).map_or(STORE_ID, |header| header.store_id);
    let mut at = offset_of(HEADER_BYTES);
    while let GroupAt::Valid(group) = reader::group_at(&*file, at, len, &store_id).expect("memory does not fail") {
        assert!(at + group.header.group_bytes() <= len, "a group inside the file");
        at += group.header.group_bytes();
    }
    reader::rest_from(&*file, at.min(len), len, 0, &store_id).expect("memory does not fail");
    if let Some(footer) = reader::footer(&*file).expect("memory does not fail") {
        for row in &footer.rows {
            let _damaged_or_not = reader::record_at(&*file, row.offset, row.body_len).ok();
        }
    }
}
