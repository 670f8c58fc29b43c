//! What a read that met damaged bytes tells the operator. It names no space, device, entry or snapshot, so it may be logged.

use crate::index::SegmentFile;
use crate::segment::header::StoreId;
use crate::segment::{file_name, reader};
use relay_core::store::StoreError;
use std::fmt;
use std::sync::Arc;

/// What could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamagedKind {
    /// An entry's record in a segment.
    Entry,
    /// A row of a segment's footer.
    Footer,
    /// An entry that should be held and has no row.
    MissingRow,
    /// A snapshot file; which one stays untold, because its path is made of ids.
    Snapshot,
    /// The state of a space that is not in memory, in the checkpoint or in the file of this run.
    State,
}

/// A place that could not be read.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    kind: DamagedKind,
    at: Option<(Arc<SegmentFile>, u64)>,
}

/// A damaged place, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DamagedRead {
    /// What could not be read.
    pub kind: DamagedKind,
    /// Number of the segment, and where in its file, in bytes.
    pub at: Option<(u64, u64)>,
    /// The commit group the place is in, when the headers before it can be read.
    pub group: Option<u64>,
}

impl Unreadable {
    pub(crate) fn entry(file: &Arc<SegmentFile>, offset: u64) -> Self {
        Self { kind: DamagedKind::Entry, at: Some((Arc::clone(file), offset)) }
    }

    pub(crate) fn footer(file: &Arc<SegmentFile>, offset: u64) -> Self {
        Self { kind: DamagedKind::Footer, at: Some((Arc::clone(file), offset)) }
    }

    pub(crate) const fn missing_row() -> Self {
        Self { kind: DamagedKind::MissingRow, at: None }
    }

    pub(crate) const fn state() -> Self {
        Self { kind: DamagedKind::State, at: None }
    }

    pub(crate) const fn snapshot() -> Self {
        Self { kind: DamagedKind::Snapshot, at: None }
    }

    fn without_group(&self) -> DamagedRead {
        let at = self.at.as_ref().map(|(file, offset)| (file.segment, *offset));
        DamagedRead { kind: self.kind, at, group: None }
    }

    /// With the commit group, which is looked for in the file: not for who waits for an answer.
    pub(crate) fn describe(&self, store_id: &StoreId) -> DamagedRead {
        let in_groups = self.at.as_ref().filter(|_| self.kind == DamagedKind::Entry);
        let group = in_groups.and_then(|(file, offset)| reader::group_around(&*file.file, *offset, store_id));
        DamagedRead { group, ..self.without_group() }
    }
}

impl From<&Unreadable> for StoreError {
    fn from(unreadable: &Unreadable) -> Self {
        Self::Damaged { place: unreadable.without_group().to_string() }
    }
}

impl fmt::Display for DamagedRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            DamagedKind::Entry => "an entry",
            DamagedKind::Footer => "a footer",
            DamagedKind::MissingRow => "an entry without a row",
            DamagedKind::Snapshot => "a snapshot file",
            DamagedKind::State => "the state of a space that is not in memory; restart the relay to replay the log",
        })?;
        if let Some((segment, offset)) = self.at {
            write!(f, " in {} at offset {offset}", file_name(segment))?;
        }
        self.group.map_or(Ok(()), |group| write!(f, ", group {group}"))
    }
}
