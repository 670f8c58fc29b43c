//! The segments of a running store: the open one, the one made ahead, and the sealing of full ones in the background.
//!
//! Invariant: a footer is written only after the first group of the next segment is durable, so recovery never has to tell
//! a torn footer from a torn group.

mod contents;
mod sealing;

pub(crate) use contents::{GroupContents, SegmentContents};

use crate::index::SegmentFile;
use crate::reserve::URGENT_SEGMENT_BYTES;
use crate::segment::header::HEADER_BYTES;
use crate::segment::offset_of;
use crate::segment::writer::{ROOM_STEP_BYTES, SegmentWriter};
use crate::shared::{Shared, add};
use crate::vfs::OpenMode;
use crate::workers::Workers;
use sealing::Sealing;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Works that may wait in the background; each is one segment.
pub(crate) const BACKGROUND_WAITING_MAX: usize = 16;

/// Segments made before they are needed: at most one.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<Option<SegmentWriter>>);

impl Ahead {
    fn lock(&self) -> MutexGuard<'_, Option<SegmentWriter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module.
pub(crate) struct Segments {
    shared: Arc<Shared>,
    background: Arc<Workers>,
    ahead: Arc<Ahead>,
    segment_bytes: u64,
    next: u64,
    open: Option<(SegmentWriter, Arc<SegmentFile>)>,
    /// What the open segment holds.
    contents: SegmentContents,
    /// Full, and waiting for the next segment's first group.
    full: Option<(SegmentWriter, Arc<SegmentFile>, SegmentContents)>,
    sealing: Arc<Sealing>,
}

/// Makes sure that the disk has room for a group; out of the reserve, for hardly more than that.
fn keep_room(shared: &Shared, writer: &mut SegmentWriter, bytes: u64) -> io::Result<()> {
    let before = writer.room_bytes();
    let step = if shared.reserve.is_spent() { URGENT_SEGMENT_BYTES } else { ROOM_STEP_BYTES };
    writer.keep_room(bytes, step)?;
    add(&shared.counters.disk_bytes, writer.room_bytes() - before);
    Ok(())
}

fn shared_file(writer: &SegmentWriter) -> Arc<SegmentFile> {
    Arc::new(SegmentFile { segment: writer.segment, file: writer.file.clone() })
}

impl Segments {
    /// Goes on behind `open`, or with segment `next` when there is none.
    pub(crate) fn new(
        shared: Arc<Shared>,
        background: Arc<Workers>,
        segment_bytes: u64,
        open: Option<(SegmentWriter, SegmentContents)>,
        next: u64,
    ) -> Self {
        let (open, contents) = match open {
            Some((writer, contents)) => {
                let file = shared_file(&writer);
                (Some((writer, file)), contents)
            }
            None => (None, SegmentContents::default()),
        };
        let (ahead, sealing) = (Arc::default(), Arc::default());
        let segments = Self { shared, background, ahead, segment_bytes, next, open, contents, full: None, sealing };
        segments.make_ahead();
        segments
    }

    /// Makes room for a group of up to `bytes`. Nothing is poisoned when this fails: no group was touched.
    pub(crate) fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        if let Some((writer, _)) = self.open.as_mut().filter(|(writer, _)| writer.fits(bytes)) {
            return keep_room(&self.shared, writer, bytes);
        }
        // A segment without a group is made anew, larger: one that others follow would be a hole in the log.
        if let Some((unused, _)) = self.open.take_if(|(writer, _)| writer.end == offset_of(HEADER_BYTES)) {
            self.next = unused.segment;
        }
        let mut writer = self.take_or_create(bytes)?;
        if let Err(error) = keep_room(&self.shared, &mut writer, bytes) {
            self.give_up(&writer);
            return Err(error);
        }
        let before = self.open.take();
        self.next = writer.segment + 1;
        let file = shared_file(&writer);
        self.open = Some((writer, file));
        if let Some((writer, file)) = before {
            self.full = Some((writer, file, std::mem::take(&mut self.contents)));
        }
        self.make_ahead();
        Ok(())
    }

    fn take_or_create(&self, bytes: u64) -> io::Result<SegmentWriter> {
        let mut ahead = self.ahead.lock();
        let made = ahead.take().filter(|writer| writer.segment == self.next && writer.fits(bytes));
        match made {
            Some(writer) => Ok(writer),
            None => {
                // From the reserve, that is all there is.
                let is_spent = self.shared.reserve.is_spent();
                let usual = if is_spent { URGENT_SEGMENT_BYTES.min(self.segment_bytes) } else { self.segment_bytes };
                self.create(self.next, usual.max(bytes.saturating_add(offset_of(HEADER_BYTES))))
            }
        }
    }

    fn create(&self, segment: u64, len: u64) -> io::Result<SegmentWriter> {
        let shared = &self.shared;
        let made = SegmentWriter::create(&*shared.vfs, &shared.data_dir, segment, len, &shared.owner);
        if made.is_err() {
            // What was made of it takes room that something else may need.
            let _made_anew = shared.vfs.remove(&crate::segment::path(&shared.data_dir, segment));
        }
        let writer = made?;
        add(&shared.counters.disk_bytes, writer.room_bytes());
        Ok(writer)
    }

    /// Removes a segment that holds nothing and has no room for anything: its room may do elsewhere.
    fn give_up(&self, writer: &SegmentWriter) {
        let Shared { vfs, data_dir, counters, .. } = &*self.shared;
        let _made_anew = vfs.remove(&crate::segment::path(data_dir, writer.segment));
        counters.disk_bytes.fetch_sub(writer.room_bytes(), Ordering::Relaxed);
    }

    fn make_ahead(&self) {
        let (shared, ahead) = (Arc::clone(&self.shared), Arc::clone(&self.ahead));
        let (segment, len) = (self.next, self.segment_bytes);
        self.background.submit(Box::new(move |may_run| {
            if may_run.is_err() || shared.reserve.is_spent() {
                return;
            }
            let mut slot = ahead.lock();
            // The committer was faster, or it needed a larger one: that one must not be emptied. Any other answer than that there
            // is none (no more descriptors, a failing disk) may hide one that holds groups.
            let found = shared.vfs.open(&crate::segment::path(&shared.data_dir, segment), OpenMode::Read);
            if !found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                return;
            }
            // On failure the committer tries again when it needs the segment, and says why.
            if let Ok(writer) = SegmentWriter::create(&*shared.vfs, &shared.data_dir, segment, len, &shared.owner) {
                add(&shared.counters.disk_bytes, writer.room_bytes());
                *slot = Some(writer);
            }
        }));
    }

    /// The next group goes to the next segment; one that holds none yet stays.
    pub(crate) fn end_segment(&mut self) {
        if let Some((writer, _)) = self.open.as_mut().filter(|(writer, _)| writer.end > offset_of(HEADER_BYTES)) {
            writer.len = writer.end;
        }
    }

    /// Where the next group goes; room must have been made.
    pub(crate) fn open(&mut self) -> io::Result<(&mut SegmentWriter, &Arc<SegmentFile>)> {
        self.open.as_mut().map(|(writer, file)| (writer, &*file)).ok_or_else(|| io::Error::other("no open segment"))
    }

    /// What the block holds in which the next group will start.
    pub(crate) fn tail(&self) -> Option<&[u8]> {
        self.open.as_ref().map(|(writer, _)| writer.tail())
    }

    /// The group just written is durable: the segment before may be sealed now.
    pub(crate) fn group_is_durable(&mut self, group: &GroupContents) {
        self.contents.add(group);
        let Some((writer, file, contents)) = self.full.take() else { return };
        let (shared, sealing) = (Arc::clone(&self.shared), Arc::clone(&self.sealing));
        // Waited for: segments without a footer give no disk back and keep their rows in memory.
        self.background.submit_waiting(Box::new(move |may_run| {
            // A segment that is not sealed is scanned at the next start; nothing is lost.
            let sealed =
                may_run.is_ok() && !sealing.has_failed() && sealing::seal(&shared, &writer, &file, &contents).is_ok();
            sealing.note(sealed);
        }));
    }
}
