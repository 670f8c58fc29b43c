//! The committer: one thread takes everything that waits, decides it in order, writes one group, syncs it once, and only
//! then lets anyone know.
//!
//! Order within a group: completions and listener calls of rosters first, so that a roster is known before any later entry
//! can be read; then sizes and floors are shown; then the completions of pushes, trims and attestations in call order;
//! then each space's entries go to the listener.

mod build;
mod deliver;
mod signer;

use crate::limits::GROUP_BUFFER_KEPT_BYTES;
use crate::meta;
use crate::queue::{Call, CommitQueue};
use crate::segment::group::{GROUP_HEADER_BYTES, Group, GroupBuilder};
use crate::segment::offset_of;
use crate::segment::record::record_bytes;
use crate::segments::Segments;
use crate::shared::{Shared, add};
use crate::vfs;
use build::{Build, GroupPlace, GroupTime, Written};
use relay_core::commit::LogClock;
use relay_core::ledger::ArrivingPush;
use relay_core::store::StoreError;
use signer::SignerThread;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// What a committer is made of.
pub(crate) struct CommitterParts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: Arc<CommitQueue>,
    pub(crate) segments: Segments,
    /// The newest group on disk.
    pub(crate) last_group: u64,
    /// The greatest time used, or leased.
    pub(crate) last_time_ms: u64,
    pub(crate) spaces_max: usize,
    /// The control of the kill test: answers before it writes.
    #[cfg(feature = "testing")]
    pub(crate) answer_before_write: bool,
    /// Whether it has no threads and commits in [`Committer::turn`].
    #[cfg(feature = "testing")]
    pub(crate) by_hand: bool,
}

/// See the module.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    queue: Arc<CommitQueue>,
    segments: Segments,
    signer: SignerThread,
    clock: LogClock,
    last_group: u64,
    spaces_max: usize,
    /// The memory of the group before.
    buffer: Vec<u8>,
    #[cfg(feature = "testing")]
    answer_before_write: bool,
}

impl Committer {
    pub(crate) fn new(parts: CommitterParts) -> io::Result<Self> {
        let signer = Arc::clone(&parts.shared.signer);
        #[cfg(feature = "testing")]
        let signer = if parts.by_hand { SignerThread::AtOnce(signer) } else { SignerThread::start(signer)? };
        #[cfg(not(feature = "testing"))]
        let signer = SignerThread::start(signer)?;
        Ok(Self {
            signer,
            shared: parts.shared,
            queue: parts.queue,
            segments: parts.segments,
            clock: LogClock::after(parts.last_time_ms),
            last_group: parts.last_group,
            spaces_max: parts.spaces_max,
            buffer: Vec::new(),
            #[cfg(feature = "testing")]
            answer_before_write: parts.answer_before_write,
        })
    }

    /// Commits until the store is closed; the body of the committer's thread.
    pub(crate) fn run(mut self) {
        loop {
            let calls = self.queue.take();
            if !self.take_turn(calls) {
                return;
            }
        }
    }

    /// Commits what waits, if anything does: the whole committer of a store without threads.
    #[cfg(feature = "testing")]
    pub(crate) fn turn(&mut self) -> bool {
        let calls = self.queue.take_now();
        let any = !calls.is_empty();
        self.take_turn(calls);
        any
    }

    /// Commits what was taken; false once the store is closed.
    fn take_turn(&mut self, mut calls: Vec<Call>) -> bool {
        let close = calls.pop_if(|call| matches!(call, Call::Close { .. }));
        let roll = calls.pop_if(|call| matches!(call, Call::Roll { .. }));
        if !calls.is_empty() {
            self.commit(calls);
        }
        if let Some(Call::Roll { done }) = roll {
            done(self.roll());
        }
        let Some(close) = close else { return true };
        self.close(close);
        false
    }

    /// Writes the mark of a clean end; a poisoned store has none.
    fn close(&mut self, close: Call) {
        let Call::Close { done } = close else { return };
        done(self.shared.writable().and_then(|()| self.write_mark()));
    }

    /// Writes the mark of an end as a group of its own.
    fn write_mark(&mut self) -> Result<(), StoreError> {
        let place = self.place(record_bytes(0))?;
        let time_ms = self.begin()?;
        let time = GroupTime { wall_ms: time_ms, time_ms };
        let mut build = self.build(place, record_bytes(0), time);
        build.closed();
        let (group, _) = build.finish(self.last_group + 1);
        let written = self.write(group);
        self.clock.commit_ended();
        written
    }

    /// Ends the open segment: the next one begins with a mark, so that the one before can be sealed.
    fn roll(&mut self) -> Result<u64, StoreError> {
        self.shared.writable()?;
        self.segments.end_segment();
        let mut marked = self.write_mark();
        if marked == Err(StoreError::DiskFull) && !self.shared.reserve.is_spent() {
            self.shared.reserve.spend(&*self.shared.vfs);
            marked = self.write_mark();
        }
        marked?;
        let open = self.segments.open().map(|(writer, _)| writer.segment);
        open.map_err(|error| self.room_failure(&error))
    }

    /// Takes the group's time, leased durably.
    fn begin(&mut self) -> Result<u64, StoreError> {
        let time_ms = self.clock.commit_begins(self.shared.wall_clock.now_ms());
        // Without a lease a restart could sign an earlier time: nothing may be signed.
        let mut leased = self.shared.meta.lease(time_ms);
        if leased.as_ref().is_err_and(meta::is_full) && !self.shared.reserve.is_spent() {
            self.shared.reserve.spend(&*self.shared.vfs);
            leased = self.shared.meta.lease(time_ms);
        }
        leased.map(|()| time_ms).map_err(|error| {
            self.clock.commit_ended();
            if meta::is_full(&error) {
                return StoreError::DiskFull;
            }
            self.shared.poison();
            StoreError::Poisoned
        })
    }

    fn room_failure(&self, error: &io::Error) -> StoreError {
        if vfs::is_full(error) {
            return StoreError::DiskFull;
        }
        self.shared.poison();
        StoreError::Poisoned
    }

    fn commit(&mut self, calls: Vec<Call>) {
        self.try_to_commit(calls, true);
    }

    fn try_to_commit(&mut self, calls: Vec<Call>, may_spend_reserve: bool) {
        if let Err(error) = self.shared.writable() {
            return calls.into_iter().for_each(|call| call.refuse(error.clone()));
        }
        let mut calls = self.refuse_while_full(calls);
        if calls.is_empty() {
            return;
        }
        let needed = build::group_bytes_max(&self.shared, &calls);
        let place = match self.place(needed) {
            Ok(place) => place,
            Err(error) => return self.no_room(calls, &error, may_spend_reserve),
        };
        let wall_ms = self.shared.wall_clock.now_ms();
        let time_ms = match self.begin() {
            Ok(time_ms) => time_ms,
            Err(error) => return calls.into_iter().for_each(|call| call.refuse(error.clone())),
        };
        let mut build = self.build(place, needed, GroupTime { wall_ms, time_ms });
        ArrivingPush::hash_together(calls.iter_mut().filter_map(Call::arriving));
        for call in calls {
            build.decide(call);
        }
        self.finish(build);
        self.clock.commit_ended();
    }

    /// A group of up to `needed` bytes, in the memory of the one before.
    fn build(&mut self, place: Option<GroupPlace>, needed: usize, time: GroupTime) -> Build {
        let buffer = std::mem::take(&mut self.buffer);
        let tail = self.segments.tail().filter(|_| place.is_some()).unwrap_or_default();
        let builder = GroupBuilder::reusing(buffer, tail, needed);
        Build::new(Arc::clone(&self.shared), place, builder, self.spaces_max, time)
    }

    /// Where a group of up to `needed` bytes will start; nowhere when it will have no records.
    fn place(&mut self, needed: usize) -> Result<Option<GroupPlace>, StoreError> {
        if needed == 0 {
            return Ok(None);
        }
        let bytes = offset_of(needed.saturating_add(GROUP_HEADER_BYTES));
        let made = self.segments.make_room(bytes).and_then(|()| {
            let (writer, file) = self.segments.open()?;
            Ok(GroupPlace { file: Arc::clone(file), offset: writer.end })
        });
        made.map(Some).map_err(|error| self.room_failure(&error))
    }

    /// Refuses what needs room and goes on with what does not; with what gives room back if the reserve can be given up for it.
    /// Once for a group: a disk that says it has room and gives none is not asked for ever.
    fn no_room(&mut self, calls: Vec<Call>, error: &StoreError, may_spend_reserve: bool) {
        let reserve = &self.shared.reserve;
        let has_reserve = may_spend_reserve && *error == StoreError::DiskFull && !reserve.is_spent();
        if *error == StoreError::DiskFull {
            reserve.spend(&*self.shared.vfs);
        }
        let goes_on = |call: &Call| match call {
            Call::Attest { .. } => true,
            Call::Trim { .. } => has_reserve,
            call => build::brings_nothing(&self.shared, call),
        };
        let (left, others): (Vec<_>, Vec<_>) = calls.into_iter().partition(goes_on);
        others.into_iter().for_each(|call| call.refuse(error.clone()));
        if !left.is_empty() {
            self.try_to_commit(left, false);
        }
    }

    /// While the disk is full what is left of it is for those who give room back.
    fn refuse_while_full(&self, calls: Vec<Call>) -> Vec<Call> {
        let Shared { reserve, vfs, .. } = &*self.shared;
        if !reserve.is_spent() || reserve.finds_room(&**vfs) {
            return calls;
        }
        let adds = |call: &Call| {
            matches!(call, Call::Push { .. } | Call::Roster { .. } | Call::Import { .. } | Call::GoOn { .. })
        };
        let grows = |call: &Call| adds(call) && !build::brings_nothing(&self.shared, call);
        let (refused, left): (Vec<_>, Vec<_>) = calls.into_iter().partition(grows);
        refused.into_iter().for_each(|call| call.refuse(StoreError::DiskFull));
        left
    }

    fn finish(&mut self, mut build: Build) {
        let signing = build.attest().map(|unsigned| self.signer.sign(unsigned));
        let (group, outcome) = build.finish(self.last_group + 1);
        #[cfg(feature = "testing")]
        if self.answer_before_write {
            outcome.deliver(&self.shared, signing.and_then(signer::Signing::wait).as_ref());
            std::thread::sleep(std::time::Duration::from_millis(1));
            let _poisons_when_it_fails = self.write(group);
            return;
        }
        let written = self.write(group);
        // Sending waits for both: the signature was made while the disk was busy.
        let signed = signing.and_then(signer::Signing::wait);
        match written {
            Ok(()) if signed.is_some() || outcome.needs_no_signature() => {
                outcome.deliver(&self.shared, signed.as_ref())
            }
            Ok(()) => {
                self.shared.poison();
                outcome.refuse(&StoreError::Poisoned);
            }
            Err(error) => outcome.refuse(&error),
        }
    }

    /// Writes and syncs a group; `None` is one without records, which needs no disk.
    fn write(&mut self, written: Option<Written>) -> Result<(), StoreError> {
        let Some(Written { group, contents }) = written else { return Ok(()) };
        if self.write_and_sync(&group).is_err() {
            // Never repeated and then believed: what the disk holds now is for recovery to find out.
            self.shared.poison();
            return Err(StoreError::Poisoned);
        }
        self.last_group += 1;
        add(&self.shared.counters.commits, 1);
        add(&self.shared.counters.written_bytes, offset_of(group.bytes().len()));
        self.shared.meta.note_group(self.last_group, self.clock.last_ms());
        self.segments.group_is_durable(&contents);
        self.buffer =
            Some(group.into_buffer()).filter(|buffer| buffer.capacity() <= GROUP_BUFFER_KEPT_BYTES).unwrap_or_default();
        Ok(())
    }

    fn write_and_sync(&mut self, group: &Group) -> io::Result<()> {
        let (writer, _) = self.segments.open()?;
        writer.append(group)?;
        let started = Instant::now();
        writer.sync()?;
        self.shared.count_sync(started.elapsed());
        Ok(())
    }
}
