//! One compaction: neighbouring sealed segments become one, in the place of the first.
//!
//! Order of what is made durable: the new segment under another name, complete with its footer and the states of every
//! space the old ones speak of; the leaves of what is dropped; the rename. Only then are the others removed. A crash
//! leaves the old segments, or the new one and some of the old, which the next start removes.

use crate::index::SegmentFile;
use crate::leaves::LeafWriter;
use crate::sealed::Sealed;
use crate::segment::footer::{Fact, Footer, ROW_BYTES, Row};
use crate::segment::group::GroupBuilder;
use crate::segment::header::{FORMAT_COMPACTED, HEADER_BYTES, SegmentHeader};
use crate::segment::record::{Compacted, Record, record_bytes};
use crate::segment::state::StateRecord;
use crate::segment::{LOG_DIR, length_of, new_file_name, offset_of, path, reader};
use crate::shared::{Shared, add};
use crate::vfs::{self, OpenMode, SharedFile};
use bytes::Bytes;
use relay_proto::ids::{DeviceKey, SpaceId};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes after which a block is written.
const BLOCK_BYTES: usize = 4 * 1024 * 1024;
/// How often a space that is being pushed to is asked for its state.
const STATE_TRIES: u32 = 2000;
/// Time between two such tries.
const STATE_PAUSE: Duration = Duration::from_micros(500);

/// Why a compaction did not happen. Nothing was changed.
#[derive(Debug)]
pub(super) enum NotNow {
    /// The file system refused.
    Io,
    /// There is no room for the new segment.
    Full,
    /// One of the segments holds damaged bytes.
    Damaged(u64),
    /// The state of a space that is not in memory cannot be read.
    Unreadable,
    /// A space was never quiet, or the store accepts nothing more.
    Busy,
}

impl From<io::Error> for NotNow {
    fn from(error: io::Error) -> Self {
        if vfs::is_full(&error) { Self::Full } else { Self::Io }
    }
}

/// What is dropped of one space.
#[derive(Debug, Default)]
struct Fate {
    floor: u64,
    /// The highest push_seq of each device whose row goes.
    forgotten: BTreeMap<DeviceKey, u64>,
}

/// See the module.
pub(super) struct Compaction<'a> {
    shared: &'a Shared,
    victims: &'a [Sealed],
    fates: BTreeMap<SpaceId, Fate>,
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) segments_gone: u64,
    pub(super) bytes_before: u64,
    pub(super) bytes_after: u64,
}

/// The new segment while it is written.
struct Target {
    file: SharedFile,
    new: PathBuf,
    group: u64,
    log_epoch: u64,
    time_ms: u64,
    end: u64,
    block: GroupBuilder,
    footer: Footer,
    records: u64,
}

impl<'a> Compaction<'a> {
    /// Compacts neighbours, of which there is at least one.
    pub(super) fn run(shared: &'a Shared, victims: &'a [Sealed]) -> Result<Outcome, NotNow> {
        let mut compaction = Self { shared, victims, fates: BTreeMap::new() };
        for victim in victims {
            compaction.survey(victim)?;
        }
        let target = compaction.write()?;
        if let Err(error) = compaction.keep_leaves() {
            target.remove(shared);
            return Err(error);
        }
        compaction.take_place(target)
    }

    fn footer(&self, victim: &Sealed) -> Result<Footer, NotNow> {
        reader::footer(&*victim.file.file)?.ok_or(NotNow::Damaged(victim.file.segment))
    }

    /// Which spaces the segment speaks of, and what of them goes.
    fn survey(&mut self, victim: &Sealed) -> Result<(), NotNow> {
        let footer = self.footer(victim)?;
        for fact in &footer.facts {
            let record = reader::record_at(&*victim.file.file, fact.offset, fact.body_len)?;
            match record.ok_or(NotNow::Damaged(victim.file.segment))? {
                Record::Roster { space, .. } | Record::Trim { space, .. } => self.know(space),
                Record::LogReset(reset) => self.know(reset.space),
                Record::State(state) => self.know(state.space()),
                Record::Closed | Record::Compacted(_) | Record::Blank => {}
                Record::Entry(..) | Record::Erased(..) => return Err(NotNow::Damaged(victim.file.segment)),
            }
        }
        for row in &footer.rows {
            let fields = &row.fields;
            self.know(fields.space);
            let Some(fate) = self.fates.get_mut(&fields.space) else { continue };
            if fields.seq < fate.floor {
                let high = fate.forgotten.entry(fields.device).or_default();
                *high = fields.push_seq.max(*high);
            }
        }
        Ok(())
    }

    fn know(&mut self, space: SpaceId) {
        if space == SpaceId::ZERO {
            // What is left of an erased space goes without a trace.
            return;
        }
        let shared = self.shared;
        self.fates.entry(space).or_insert_with(|| {
            let floor = shared.spaces.floor(space).unwrap_or(0);
            Fate { floor, forgotten: BTreeMap::new() }
        });
    }

    fn is_live(&self, row: &Row) -> bool {
        self.fates.get(&row.fields.space).is_some_and(|fate| row.fields.seq >= fate.floor)
    }

    /// Writes the leaves of what is dropped.
    fn keep_leaves(&self) -> Result<(), NotNow> {
        let Shared { vfs, data_dir, leaves, owner, wall_clock, counters, .. } = self.shared;
        if self.fates.values().all(|fate| fate.forgotten.is_empty()) {
            return Ok(());
        }
        let mut writer = LeafWriter::create(&**vfs, data_dir, leaves)?;
        for victim in self.victims {
            let footer = self.footer(victim)?;
            for rows in footer.rows.chunk_by(|a, b| a.fields.space == b.fields.space) {
                let gone: Vec<_> = rows.iter().take_while(|row| !self.is_live(row)).map(Row::leaf).collect();
                let is_named = |first: &&Row| first.fields.space != SpaceId::ZERO && !gone.is_empty();
                if let Some(first) = rows.first().filter(is_named) {
                    writer.run(first.fields.space, first.fields.seq, &gone)?;
                }
            }
        }
        let bytes = writer.finish(&**vfs, leaves, &owner.store_id, wall_clock.now_ms())?;
        add(&counters.reclaim_written_bytes, bytes);
        Ok(())
    }

    fn write(&self) -> Result<Target, NotNow> {
        let shared = self.shared;
        let (Some(first), Some(last)) = (self.victims.first(), self.victims.last()) else { return Err(NotNow::Busy) };
        let new = shared.data_dir.join(LOG_DIR).join(new_file_name(first.file.segment));
        let file = shared.vfs.open(&new, OpenMode::Create)?;
        let mut target = Target {
            file,
            new,
            group: last.trailer.last_group,
            log_epoch: last.trailer.log_epoch,
            time_ms: last.trailer.time_ms_max,
            end: offset_of(HEADER_BYTES),
            block: GroupBuilder::with_capacity(BLOCK_BYTES),
            footer: Footer::default(),
            records: 0,
        };
        let written = self.fill(&mut target, first, last);
        if let Err(error) = written {
            target.remove(shared);
            return Err(error);
        }
        Ok(target)
    }

    fn fill(&self, target: &mut Target, first: &Sealed, last: &Sealed) -> Result<(), NotNow> {
        let shared = self.shared;
        for (space, fate) in &self.fates {
            if let Some(mut state) = self.state(*space)? {
                state.forget(&fate.forgotten);
                target.state(shared, &state)?;
            }
        }
        for victim in self.victims {
            let mut rows = self.footer(victim)?.rows;
            rows.retain(|row| self.is_live(row));
            rows.sort_unstable_by_key(|row| row.offset);
            rows.iter().try_for_each(|row| target.entry(shared, victim, row))?;
        }
        let compacted = Compacted {
            first_group: first.trailer.first_group,
            last_group: last.trailer.last_group,
            records: target.records,
            time_ms: last.trailer.time_ms_max,
            log_epoch: last.trailer.log_epoch,
            durable_group: shared.meta.durable_group().max(last.trailer.last_group),
        };
        target.finish(shared, first.file.segment, &compacted)
    }

    /// What is durable of a space; `None` for one that is gone.
    fn state(&self, space: SpaceId) -> Result<Option<StateRecord>, NotNow> {
        for _ in 0..STATE_TRIES {
            let known = self.shared.spaces.borrow(space).map_err(|_| NotNow::Unreadable)?;
            let Some(known) = known else { return Ok(None) };
            if let Some(record) = known.peek().record() {
                return Ok(Some(record));
            }
            self.shared.writable().map_err(|_| NotNow::Busy)?;
            std::thread::sleep(STATE_PAUSE);
        }
        Err(NotNow::Busy)
    }

    /// Puts the new segment in the place of the old ones, on disk and in memory.
    fn take_place(&self, target: Target) -> Result<Outcome, NotNow> {
        let Shared { vfs, data_dir, sealed, counters, .. } = self.shared;
        let numbers: Vec<u64> = self.victims.iter().map(|victim| victim.file.segment).collect();
        let Some((first, others)) = numbers.split_first() else { return Err(NotNow::Busy) };
        let (dir, place) = (data_dir.join(LOG_DIR), path(data_dir, *first));
        vfs.rename(&target.new, &place)?;
        let is_durable = vfs.sync_dir(&dir);
        let bytes_after = target.file.len()?;
        let file = Arc::new(SegmentFile { segment: *first, file: target.file });
        let dead_rows = self.exchange(&numbers, &file, &target.footer);
        others.iter().for_each(|number| sealed.remove(*number));
        sealed.add(file, target.footer.trailer, bytes_after, dead_rows);
        // Until the rename is durable the old segments are what a power cut leaves: they stay, until the next start.
        is_durable?;
        for number in others {
            vfs.remove(&path(data_dir, *number))?;
        }
        vfs.sync_dir(&dir)?;
        let bytes_before = self.victims.iter().map(|victim| victim.bytes).sum();
        counters.disk_bytes.fetch_add(bytes_after, Ordering::Relaxed);
        counters.disk_bytes.fetch_sub(bytes_before, Ordering::Relaxed);
        Ok(Outcome { segments_gone: offset_of(others.len()), bytes_before, bytes_after })
    }

    /// Exchanges the rows of every space in memory; returns how many rows of the new segment are forgotten already.
    fn exchange(&self, numbers: &[u64], file: &Arc<SegmentFile>, footer: &Footer) -> u64 {
        let mut dead_rows = 0;
        let mut runs = BTreeMap::new();
        let mut offset = footer.trailer.rows_offset;
        for rows in footer.rows.chunk_by(|a, b| a.fields.space == b.fields.space) {
            if let Some(first) = rows.first() {
                runs.insert(first.fields.space, (rows, offset));
            }
            offset += offset_of(rows.len() * ROW_BYTES);
        }
        let moving = self.shared.spaces.compaction(file);
        for (space, fate) in &self.fates {
            let (rows, offset) = runs.get(space).copied().unwrap_or((&[], 0));
            let exchanged = moving.edit(*space, |state| {
                state.index.compact(numbers, file, rows, offset);
                fate.forgotten.iter().for_each(|(device, push_seq)| state.index.forget(*device, *push_seq));
                let floor = state.ledger.floor();
                offset_of(rows.iter().take_while(|row| row.fields.seq < floor).count())
            });
            // One that cannot be read is not served until the next start, which replays the log.
            dead_rows += exchanged.ok().flatten().unwrap_or(0);
        }
        moving.end(numbers);
        dead_rows
    }
}

impl Target {
    /// Removes the new file; one that stays is removed at the next start.
    fn remove(&self, shared: &Shared) {
        let _stays = shared.vfs.remove(&self.new);
    }

    fn state(&mut self, shared: &Shared, state: &StateRecord) -> Result<(), NotNow> {
        let (at, body_len) = self.block.state(state);
        self.fact(at, body_len);
        self.flush_when_full(shared)
    }

    fn fact(&mut self, at: u64, body_len: u32) {
        self.records += 1;
        self.footer.facts.push(Fact { offset: self.end + at, body_len, log_epoch: self.log_epoch });
    }

    /// Copies a record as it is; one that does not match its checksum stays where it is.
    fn entry(&mut self, shared: &Shared, victim: &Sealed, row: &Row) -> Result<(), NotNow> {
        let mut bytes = vec![0; record_bytes(length_of(u64::from(row.body_len)))];
        victim.file.file.read_exact_at(&mut bytes, row.offset)?;
        let record = Bytes::from(bytes);
        if reader::sealed_in(row, &record).is_none() {
            return Err(NotNow::Damaged(victim.file.segment));
        }
        let at = self.block.verbatim(&record);
        self.records += 1;
        self.footer.rows.push(Row { offset: self.end + at, ..*row });
        self.flush_when_full(shared)
    }

    fn flush_when_full(&mut self, shared: &Shared) -> Result<(), NotNow> {
        if self.block.len() >= BLOCK_BYTES { self.flush(shared) } else { Ok(()) }
    }

    fn flush(&mut self, shared: &Shared) -> Result<(), NotNow> {
        let block = std::mem::replace(&mut self.block, GroupBuilder::with_capacity(BLOCK_BYTES));
        let bytes = block.finish(self.group, self.log_epoch, self.time_ms, &shared.owner.store_id);
        let group = bytes.ok_or_else(|| io::Error::other("a block longer than its header can say"))?;
        let bytes = group.bytes();
        self.file.write_all_at(bytes, self.end)?;
        self.end += offset_of(bytes.len());
        Ok(())
    }

    /// Writes what is left, the footer and the header, durably.
    fn finish(&mut self, shared: &Shared, segment: u64, compacted: &Compacted) -> Result<(), NotNow> {
        let (at, body_len) = self.block.compacted(compacted);
        self.fact(at, body_len);
        self.flush(shared)?;
        let trailer = &mut self.footer.trailer;
        (trailer.first_group, trailer.last_group) = (compacted.first_group, compacted.last_group);
        (trailer.time_ms_max, trailer.log_epoch) = (compacted.time_ms, compacted.log_epoch);
        trailer.rows_offset = self.end;
        let footer = self.footer.encode();
        self.file.write_all_at(&footer, self.end)?;
        let owner = &shared.owner;
        let header =
            SegmentHeader { format: FORMAT_COMPACTED, segment, store_id: owner.store_id, log_id: owner.log_id };
        self.file.write_all_at(&header.encode(), 0)?;
        self.file.sync_data()?;
        add(&shared.counters.reclaim_written_bytes, self.end + offset_of(footer.len()));
        Ok(())
    }
}
