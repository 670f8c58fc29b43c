//! What the open segment holds, kept while it is written, so that sealing it reads nothing back.

use crate::segment::footer::{Fact, Footer, Trailer};
use relay_proto::ids::SpaceId;
use std::collections::BTreeSet;

/// What one group adds.
#[derive(Debug)]
pub(crate) struct GroupContents {
    /// Its number.
    pub(crate) group: u64,
    /// Its commit time, Unix ms.
    pub(crate) time_ms: u64,
    /// Its log epoch.
    pub(crate) log_epoch: u64,
    /// Its records that are no entries, in order.
    pub(crate) facts: Vec<Fact>,
    /// The spaces it has entries of, with how many.
    pub(crate) spaces: Vec<(SpaceId, u64)>,
}

/// What a segment holds, besides the rows, which the spaces have.
#[derive(Debug, Default)]
pub(crate) struct SegmentContents {
    pub(super) spaces: BTreeSet<SpaceId>,
    pub(super) facts: Vec<Fact>,
    /// First and last group, time and log epoch of the last, number of rows.
    pub(super) trailer: Trailer,
}

impl SegmentContents {
    pub(super) fn add(&mut self, group: &GroupContents) {
        self.facts.extend_from_slice(&group.facts);
        let trailer = &mut self.trailer;
        if trailer.first_group == 0 {
            trailer.first_group = group.group;
        }
        trailer.last_group = group.group;
        trailer.time_ms_max = group.time_ms;
        trailer.log_epoch = group.log_epoch;
        for (space, rows) in &group.spaces {
            trailer.rows += rows;
            self.spaces.insert(*space);
        }
    }

    /// What recovery found in the open segment.
    pub(crate) fn found(footer: &Footer) -> Self {
        let rows = footer.rows.iter().map(|row| row.fields.space);
        let trailer = Trailer { rows: crate::segment::offset_of(footer.rows.len()), ..footer.trailer };
        Self { spaces: rows.collect(), facts: footer.facts.clone(), trailer }
    }
}
