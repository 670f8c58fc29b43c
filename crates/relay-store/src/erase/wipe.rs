//! Files of which nothing may stay: overwritten with zeros, synced, removed.

use crate::segment::writer::write_zeros;
use crate::segment::{LOG_DIR, is_new_file_name};
use crate::vfs::{OpenMode, Vfs};
use std::io;
use std::path::Path;

/// Bytes that are synced at once: whoever else syncs waits for no more.
const PIECE_BYTES: u64 = 8 * 1024 * 1024;

/// Overwrites a file and removes it; fine when it is gone. The caller syncs the directory.
pub(crate) fn wipe_file(vfs: &dyn Vfs, path: &Path) -> io::Result<()> {
    let file = match vfs.open(path, OpenMode::ReadWrite) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let len = file.len()?;
    let mut wiped = 0;
    while wiped < len {
        let to = len.min(wiped + PIECE_BYTES);
        write_zeros(&file, wiped, to)?;
        file.sync_data()?;
        wiped = to;
    }
    match vfs.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Wipes compacted segments that never took their place: they hold copies of what goes.
pub(crate) fn wipe_unfinished(vfs: &dyn Vfs, data_dir: &Path) -> io::Result<()> {
    let dir = data_dir.join(LOG_DIR);
    for entry in vfs.read_dir(&dir)?.iter().filter(|entry| is_new_file_name(&entry.name)) {
        wipe_file(vfs, &dir.join(&entry.name))?;
    }
    vfs.sync_dir(&dir)
}

/// Wipes every file of a directory, durably, and the directory's own name when it can go; fine when there is none.
pub(crate) fn wipe_dir(vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
    let names = match vfs.read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        names => names?,
    };
    for entry in names.iter().filter(|entry| !entry.is_dir) {
        wipe_file(vfs, &dir.join(&entry.name))?;
    }
    vfs.sync_dir(dir)?;
    // An empty directory holds nothing; one that stays is looked into by the sweep and found empty.
    let _stays = vfs.remove_dir(dir);
    dir.parent().map_or(Ok(()), |parent| vfs.sync_dir(parent))
}
