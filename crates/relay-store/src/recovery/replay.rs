//! From checked segments to the state of every space, in log order.
//!
//! A state record says what older records of its space said, and what some younger ones say, because it was written when
//! they were durable already: what a space knows already is passed over.

use super::{GoodLog, GoodSegment};
use crate::checkpoint::Checkpoint;
use crate::cold::{Spaces, SpacesParts};
use crate::damage::{Damage, DamageKind};
use crate::index::{Place, SegmentFile};
use crate::sealed::SealedSegments;
use crate::segment::footer::{Fact, ROW_BYTES, Row};
use crate::segment::state::StateRecord;
use crate::segment::{offset_of, reader, record::Record};
use crate::space::Space;
use bytes::Bytes;
use relay_core::ledger::{RosterState, SpaceLedger};
use relay_proto::frame::Frame;
use relay_proto::ids::{LogId, SpaceId};
use relay_proto::log_reset::LogReset;
use relay_proto::merkle::Genesis;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Builds the spaces.
pub(crate) struct Replay {
    log_id: LogId,
    spaces: Spaces,
    /// The one asked for last: neighbours in the log are often of one space.
    last: Option<Arc<Space>>,
    /// Those that were let go since.
    gone: BTreeSet<SpaceId>,
    durable_group: u64,
    files: Vec<Arc<SegmentFile>>,
}

/// What a log says.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// Every space.
    pub(crate) spaces: Spaces,
    /// The newest group that was durable when a segment was compacted (0: none was).
    pub(crate) durable_group: u64,
    /// The sealed segments.
    pub(crate) sealed: SealedSegments,
}

impl GoodSegment {
    fn shared(&self) -> Arc<SegmentFile> {
        Arc::new(SegmentFile { segment: self.segment, file: self.file.clone() })
    }
}

/// One thing the log holds, by its offset.
enum Event {
    Entry(Row),
    Fact(Fact),
}

impl Replay {
    /// Replays a log that was found good.
    ///
    /// With a checkpoint only what it does not have is replayed; the log was checked with its segments.
    pub(crate) fn run(
        log: &GoodLog,
        log_id: LogId,
        parts: SpacesParts,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Replayed, Damage> {
        let files: Vec<_> = log.segments.iter().map(GoodSegment::shared).collect();
        let durable_group = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.durable_group);
        let spaces = match checkpoint {
            Some(checkpoint) => checkpoint.spaces(parts, &files).ok_or_else(|| Self::inconsistent(log))?,
            None => Spaces::new(parts),
        };
        let mut replay = Self { log_id, spaces, last: None, gone: BTreeSet::new(), durable_group, files };
        for (at, segment) in log.segments.iter().enumerate() {
            replay.segment(segment, at)?;
        }
        replay.finish(log)?;
        let sealed = replay.sealed(log);
        Ok(Replayed { spaces: replay.spaces, durable_group: replay.durable_group, sealed })
    }

    fn inconsistent(log: &GoodLog) -> Damage {
        let newest = log.segments.last();
        let file = newest.map(|segment| segment.path.clone()).unwrap_or_default();
        let offset = newest.map_or(0, |segment| segment.footer.trailer.rows_offset);
        Damage { file, offset, group: Some(log.last_group), kind: DamageKind::Inconsistent }
    }

    /// Shows what was replayed. Every space that was must have its entries; those that were not were looked at with the
    /// checkpoint.
    fn finish(&mut self, log: &GoodLog) -> Result<(), Damage> {
        self.last = None;
        let touched = self.spaces.residents().into_iter().chain(std::mem::take(&mut self.gone));
        for id in touched {
            let space = self.spaces.borrow(id).ok().flatten().ok_or_else(|| Self::inconsistent(log))?;
            let mut state = space.lock();
            state.finish_replay();
            if !state.index.covers(state.ledger.floor(), state.ledger.size()) {
                return Err(Self::inconsistent(log));
            }
        }
        Ok(())
    }

    fn sealed(&self, log: &GoodLog) -> SealedSegments {
        let sealed = SealedSegments::default();
        for (segment, file) in log.segments.iter().zip(&self.files).filter(|(segment, _)| segment.sealed) {
            let rows = segment.footer.rows.chunk_by(|a, b| a.fields.space == b.fields.space);
            let dead = rows.map(|rows| {
                let known = rows.first().and_then(|row| self.spaces.floor(row.fields.space));
                let floor = known.unwrap_or(u64::MAX);
                offset_of(rows.iter().take_while(|row| row.fields.seq < floor).count())
            });
            let dead = segment.named.unwrap_or_else(|| dead.sum());
            sealed.add(Arc::clone(file), segment.footer.trailer, segment.file.len().unwrap_or(0), dead);
        }
        sealed
    }

    fn segment(&mut self, segment: &GoodSegment, at: usize) -> Result<(), Damage> {
        let Some(shared) = self.files.get(at).cloned() else { return Ok(()) };
        let footer = &segment.footer;
        let rows = footer.rows.iter().map(|row| (row.offset, Event::Entry(*row)));
        let facts = footer.facts.iter().map(|fact| (fact.offset, Event::Fact(*fact)));
        let mut events: Vec<_> = rows.chain(facts).collect();
        events.sort_unstable_by_key(|(offset, _)| *offset);
        for (offset, event) in events {
            let done = match event {
                Event::Entry(row) => self.entry(&shared, row, segment.sealed),
                Event::Fact(fact) => self.fact(segment, fact),
            };
            let kind = |()| DamageKind::Inconsistent;
            done.map_err(|error| Damage { file: segment.path.clone(), offset, group: None, kind: kind(error) })?;
        }
        self.finish_segment(segment, &shared);
        self.last = None;
        self.gone.extend(self.spaces.let_go_of_replayed());
        Ok(())
    }

    /// A known space.
    fn find(&mut self, id: SpaceId) -> Result<Option<Arc<Space>>, ()> {
        if self.last.as_ref().is_none_or(|last| last.id != id) {
            self.last = self.spaces.load(id).map_err(|_| ())?;
        }
        Ok(self.last.clone())
    }

    fn known(&mut self, id: SpaceId) -> Result<Arc<Space>, ()> {
        self.find(id)?.ok_or(())
    }

    fn entry(&mut self, file: &Arc<SegmentFile>, row: Row, sealed: bool) -> Result<(), ()> {
        let fields = row.fields;
        if fields.space == SpaceId::ZERO {
            // Of a space that was erased.
            return Ok(());
        }
        let space = self.known(fields.space)?;
        let mut state = space.lock();
        let next = state.ledger.size() + 1;
        if fields.seq > next {
            return Err(());
        }
        if fields.seq == next {
            state.ledger.append(fields.device, fields.push_seq, fields.key_epoch, fields.id);
        }
        if !sealed {
            state.index.add(Place { file: Arc::clone(file), row });
        }
        Ok(())
    }

    fn fact(&mut self, segment: &GoodSegment, fact: Fact) -> Result<(), ()> {
        let record = reader::record_at(&*segment.file, fact.offset, fact.body_len).ok().flatten().ok_or(())?;
        match record {
            Record::Roster { space, chain, keyring, .. } => self.roster(space, &chain, &keyring),
            Record::Trim { space, floor } => {
                self.known(space)?.lock().ledger.raise_floor(floor);
                Ok(())
            }
            Record::LogReset(reset) => self.reset(&reset),
            Record::State(record) => self.state(*record),
            Record::Compacted(compacted) => {
                self.durable_group = self.durable_group.max(compacted.durable_group);
                Ok(())
            }
            Record::Closed | Record::Blank => Ok(()),
            Record::Entry(..) | Record::Erased(..) => Err(()),
        }
    }

    fn roster(&mut self, space: SpaceId, chain: &[Bytes], keyring: &Bytes) -> Result<(), ()> {
        let roster = RosterState::stored(space, chain, keyring).ok_or(())?;
        if let Some(known) = self.find(space)? {
            let mut state = known.lock();
            if roster.version() <= state.ledger.roster().version() {
                return Ok(());
            }
            let mut plain = state.ledger.state();
            plain.devices.retain(|(key, _)| roster.names(*key));
            plain.chain = chain.to_vec();
            plain.keyring = keyring.clone();
            state.ledger = SpaceLedger::restore(plain).map_err(|_| ())?;
            return Ok(());
        }
        // In a later log epoch the log reset that the space begins with comes next.
        let ledger = SpaceLedger::new(Genesis::first(space, self.log_id), Arc::new(roster));
        self.spaces.insert(Arc::new(Space::new(ledger)));
        Ok(())
    }

    fn reset(&mut self, reset: &LogReset) -> Result<(), ()> {
        let space = self.known(reset.space)?;
        let mut state = space.lock();
        if reset.new_epoch <= state.ledger.genesis().log_epoch {
            return Ok(());
        }
        if (state.ledger.size(), state.ledger.head()) != (reset.base_size, reset.base_head) {
            return Err(());
        }
        state.ledger.reset(reset.new_epoch);
        state.resets.push((reset.new_epoch, reset.encode()));
        Ok(())
    }

    fn state(&mut self, record: StateRecord) -> Result<(), ()> {
        let Some(known) = self.find(record.space())? else {
            let space = Space::of_record(record).map_err(|_| ())?;
            self.spaces.insert(Arc::new(space));
            return Ok(());
        };
        let mut state = known.lock();
        record.forgotten.iter().for_each(|(device, push_seq)| state.index.forget(*device, *push_seq));
        let roster = RosterState::stored(record.space(), &record.ledger.chain, &record.ledger.keyring).ok_or(())?;
        let ledger = &state.ledger;
        let held = [ledger.genesis().log_epoch, ledger.size(), ledger.floor(), ledger.roster().version()];
        let new = [record.ledger.genesis.log_epoch, record.ledger.size, record.ledger.floor, roster.version()];
        let pairs = || held.iter().zip(&new);
        if pairs().all(|(held, new)| new <= held) {
            return Ok(());
        }
        if pairs().any(|(held, new)| new < held) {
            return Err(());
        }
        state.ledger = SpaceLedger::restore(record.ledger).map_err(|_| ())?;
        state.resets = record.resets;
        state.ages = record.ages;
        Ok(())
    }

    /// Adds the extents of a sealed segment, and notes the age of what every space of it holds.
    fn finish_segment(&mut self, segment: &GoodSegment, file: &Arc<SegmentFile>) {
        let trailer = segment.footer.trailer;
        let mut offset = trailer.rows_offset;
        for rows in segment.footer.rows.chunk_by(|a, b| a.fields.space == b.fields.space) {
            let space = rows.first().and_then(|row| self.find(row.fields.space).ok().flatten());
            if let Some(space) = space {
                let mut state = space.lock();
                if segment.sealed {
                    state.index.add_sealed(file, rows, offset);
                }
                let newest = rows.last().map_or(0, |row| row.fields.seq);
                if state.ages.last().is_none_or(|(noted, _)| *noted < newest) {
                    state.note_age(newest, trailer.time_ms_max);
                }
            }
            offset += offset_of(rows.len() * ROW_BYTES);
        }
    }
}
