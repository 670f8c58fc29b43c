//! What an operator runs after restoring a backup: every space begins a new log epoch on what was restored.

use crate::data_dir::DirError;
use crate::limits::{SEGMENT_BYTES, StoreLimits};
use crate::open::{self, OpenError, Opened, StoreEnvironment, meta_error};
use crate::segment::group::{Group, GroupBuilder};
use crate::segment::header::HEADER_BYTES;
use crate::segment::offset_of;
use crate::segment::writer::SegmentWriter;
use relay_core::commit::LogClock;
use std::path::Path;

/// What a log reset did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogResetReport {
    /// The epoch that ended.
    pub old_epoch: u64,
    /// The epoch that began.
    pub new_epoch: u64,
    /// Spaces concerned.
    pub spaces: usize,
}

/// Opens a new log epoch on a data directory on which no relay runs. All spaces change in one group, so in all or in none.
///
/// # Errors
/// [`OpenError`]: the directory is in use or cannot be used, or the log is damaged in itself.
pub fn log_reset(data_dir: &Path, environment: &StoreEnvironment) -> Result<LogResetReport, OpenError> {
    let mut opened = open::open(data_dir, environment, StoreLimits::default().residency(), true)?;
    let old_epoch = opened.log_epoch;
    let time_ms = LogClock::after(opened.last_time_ms).now(environment.wall_clock.now_ms());
    opened.meta.lease(time_ms).map_err(|error| meta_error(&error))?;
    // By the clock, so that resetting two copies of one backup gives two epochs.
    let new_epoch = time_ms.max(old_epoch + 1);
    let mut builder = GroupBuilder::with_capacity(0);
    let mut after = None;
    while let Some(id) = opened.spaces.page(after, 1).first().copied() {
        let space = opened.spaces.borrow(id).map_err(|_| OpenError::Dir(unreadable(data_dir)))?;
        if let Some(space) = space {
            builder.log_reset(&space.lock().ledger.begin_epoch(new_epoch, time_ms, &*opened.signer));
        }
        after = Some(id);
    }
    if builder.is_empty() {
        // A space that was lost as a whole is founded again by its devices: they must see that it is a later log epoch.
        builder.closed();
    }
    let group = opened.last_group + 1;
    let spaces = opened.spaces.len();
    if let Some(bytes) = builder.finish(group, new_epoch, time_ms, &opened.owner.store_id) {
        write(&mut opened, data_dir, environment, &bytes)?;
        opened.meta.set_durable_group(group).map_err(|error| meta_error(&error))?;
    }
    Ok(LogResetReport { old_epoch, new_epoch, spaces })
}

/// What was written a moment ago cannot be read: the disk is failing.
fn unreadable(data_dir: &Path) -> DirError {
    DirError::io("read the state of a space in", data_dir)(std::io::ErrorKind::InvalidData.into())
}

fn write(opened: &mut Opened, data_dir: &Path, environment: &StoreEnvironment, group: &Group) -> Result<(), OpenError> {
    let len = offset_of(group.bytes().len());
    let fitting = opened.mended.open.take().map(|(writer, _)| writer).filter(|writer| writer.fits(len));
    let mut writer = match fitting {
        Some(writer) => writer,
        None => {
            let bytes = SEGMENT_BYTES.max(len + offset_of(HEADER_BYTES));
            let created = SegmentWriter::create(&*environment.vfs, data_dir, opened.next_segment, bytes, &opened.owner);
            created.map_err(DirError::io("make a segment in", data_dir))?
        }
    };
    let kept = writer.keep_room(len, 0);
    let written = kept.and_then(|()| writer.append(group)).and_then(|_| writer.sync());
    written.map_err(DirError::io("write", &writer.path))?;
    Ok(())
}
