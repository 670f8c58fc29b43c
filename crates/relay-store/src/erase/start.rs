//! What a start does before the log is read: what a crash interrupted is finished, so that nothing of an erased space is met.

use super::files::{self, Held};
use super::scrub::{self, Extent, Targets};
use super::{redo, wipe_dir, wipe_unfinished};
use crate::checkpoint;
use crate::data_dir::{BLOBS_DIR, DirError, SNAPSHOTS_DIR};
use crate::recovery;
use crate::reserve::RESERVE_FILE;
use crate::segment::header::StoreId;
use crate::segment::{LOG_DIR, path};
use crate::vfs::{Vfs, is_full};
use relay_core::erasure::Tombstone;
use relay_proto::ids::SpaceId;
use std::path::Path;

/// Finishes redo files and erasures. Purges go on when the store runs: their entries may go only below a durable floor.
/// Returns what `erased/` holds and which spaces went now.
pub(crate) fn finish_pending(
    vfs: &dyn Vfs,
    data_dir: &Path,
    store_id: &StoreId,
) -> Result<(Held, Vec<SpaceId>), DirError> {
    let mut held = files::load(vfs, data_dir, store_id)?;
    let redone = redo::finish(vfs, data_dir, store_id)?;
    let pending = |tombstone: &&mut Tombstone| !tombstone.notice.done;
    let mut spaces: Vec<SpaceId> =
        held.tombstones.iter_mut().filter(pending).map(|tombstone| tombstone.space).collect();
    // An import that was cut off is undone like an erasure, and leaves no tombstone.
    spaces.extend(held.imports.iter().filter(|space| !spaces.contains(space)).copied().collect::<Vec<_>>());
    held.purges.retain(|purge| !spaces.contains(&purge.space));
    if !(spaces.is_empty() && held.purges.is_empty()) {
        let log = data_dir.join(LOG_DIR);
        wipe_unfinished(vfs, data_dir).map_err(DirError::io("wipe what a compaction left in", &log))?;
    }
    if redone || !spaces.is_empty() {
        // It may name trailers that are not there any more, and hold the state of a space that is gone.
        checkpoint::remove(vfs, data_dir).map_err(DirError::io("sync", data_dir))?;
    }
    if spaces.is_empty() {
        return Ok((held, spaces));
    }
    let targets: Targets = spaces.iter().map(|space| (*space, Extent::All)).collect();
    for number in recovery::segment_numbers(vfs, data_dir)? {
        let scrub = || scrub::segment(vfs, data_dir, store_id, number, &targets);
        let scrubbed = match scrub() {
            // A redo file needs a little room: the reserve is for that, and is made anew later.
            Err(error) if is_full(&error) && vfs.remove(&data_dir.join(RESERVE_FILE)).is_ok() => scrub(),
            scrubbed => scrubbed,
        };
        scrubbed.map_err(DirError::io("overwrite", &path(data_dir, number)))?;
    }
    for space in &spaces {
        for root in [SNAPSHOTS_DIR, BLOBS_DIR] {
            let dir = data_dir.join(root).join(hex::encode(space.0));
            wipe_dir(vfs, &dir).map_err(DirError::io("wipe", &dir))?;
        }
    }
    Ok((held, spaces))
}

/// Notes that everything is overwritten, once the log was found good without what went.
pub(crate) fn settle(vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId, held: &mut Held) -> Result<(), DirError> {
    let mut any = false;
    for space in std::mem::take(&mut held.imports) {
        files::remove_import(vfs, data_dir, space).map_err(DirError::io("remove", data_dir))?;
        any = true;
    }
    for tombstone in held.tombstones.iter_mut().filter(|tombstone| !tombstone.notice.done) {
        let done = done(tombstone);
        files::write_gone(vfs, data_dir, store_id, &done).map_err(DirError::io("write", data_dir))?;
        files::remove_purge(vfs, data_dir, done.space).map_err(DirError::io("remove", data_dir))?;
        *tombstone = done;
        any = true;
    }
    if any { files::sync(vfs, data_dir).map_err(DirError::io("sync", data_dir)) } else { Ok(()) }
}

/// The same tombstone, of a space of which nothing is left.
pub(super) fn done(tombstone: &Tombstone) -> Tombstone {
    let mut done = tombstone.clone();
    done.notice.done = true;
    done
}
