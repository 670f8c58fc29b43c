//! What changes many images or their places at once: a compaction, which exchanges rows, and a checkpoint, which takes the
//! images over.

use super::image;
use super::spaces::{Slot, Spaces, lock};
use super::state_file::Chunk;
use crate::damaged_read::Unreadable;
use crate::index::SegmentFile;
use crate::space::{Space, SpaceState};
use bytes::Bytes;
use relay_proto::ids::SpaceId;
use relay_proto::wire::Writer;
use std::sync::{Arc, MutexGuard};

impl Spaces {
    /// A compaction begins to exchange rows: `file` takes the number of the first of its segments.
    pub(crate) fn compaction(&self, file: &Arc<SegmentFile>) -> Moving<'_> {
        let mut newest = lock(&self.compactions);
        *newest += 1;
        self.files.replace(file, *newest);
        Moving { spaces: self, newest }
    }

    /// What a checkpoint has of a space: its image, and where it is when it is cold. `None` when it is not known.
    pub(crate) fn image(&self, id: SpaceId) -> Result<Option<Imaged>, Unreadable> {
        loop {
            match self.cold(id) {
                None => return Ok(None),
                Some(Err(space)) => {
                    let image = image::encode(&space.peek());
                    return Ok(Some(image.map_or(Imaged::Busy, |image| Imaged::Resident(image, Arc::clone(&space)))));
                }
                Some(Ok(cold)) => match cold.chunk.read() {
                    Ok(body) => return Ok(Some(Imaged::Cold(body, cold.chunk))),
                    Err(_) if !self.is_still(id, &cold.chunk) => {}
                    Err(unreadable) => {
                        self.note_damage();
                        return Err(unreadable);
                    }
                },
            }
        }
    }

    /// The image of a cold space is at another place now as well.
    pub(crate) fn moved(&self, moves: impl IntoIterator<Item = (SpaceId, Chunk, Chunk)>) {
        let mut slots = self.write();
        for (id, from, to) in moves {
            if let Some(Slot::Cold(cold)) = slots.get_mut(&id)
                && cold.chunk.is(&from)
            {
                cold.chunk = to;
            }
        }
    }
}

/// A space as a checkpoint takes it.
pub(crate) enum Imaged {
    /// Something is under way in it.
    Busy,
    Resident(Writer, Arc<Space>),
    Cold(Bytes, Chunk),
}

/// Held while a compaction exchanges the rows of spaces.
pub(crate) struct Moving<'a> {
    spaces: &'a Spaces,
    newest: MutexGuard<'a, u32>,
}

impl Moving<'_> {
    /// Changes a space as [`Spaces::edit`] does.
    pub(crate) fn edit<T>(&self, id: SpaceId, change: impl Fn(&mut SpaceState) -> T) -> Result<Option<T>, Unreadable> {
        self.spaces.edit(id, Some(*self.newest), change)
    }

    /// All are exchanged: what the numbers meant before is let go of.
    pub(crate) fn end(self, numbers: &[u64]) {
        self.spaces.files.retire(numbers, *self.newest);
    }
}
