//! One round: everything that waits when it begins is done together, step by step, each step on the thread whose files it
//! touches. No step waits for another thread, so a store without threads can take them one by one.
//!
//! intents durable → floors raised → open segment ended → segments before it sealed → snapshots → blobs → segments overwritten

use super::files::{self, PendingPurge};
use super::scrub::{self, Extent, Targets};
use super::start::done;
use super::{Aim, Eraser, LOOKS_AFTER_FAILURE, tombstones, wipe_unfinished};
use crate::blobs::BlobDesk;
use crate::checkpoint;
use crate::queue::{Call, CommitQueue};
use crate::reclaim::Reclaimer;
use crate::recovery;
use crate::shared::Shared;
use crate::snapshots::Snapshots;
use crate::vfs;
use crate::workers::Workers;
use relay_core::erasure::Tombstone;
use relay_core::store::StoreError;
use relay_proto::ids::SpaceId;
use std::io;
use std::sync::Arc;

/// Who takes part.
pub(crate) struct EraserParts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: Arc<CommitQueue>,
    pub(crate) background: Arc<Workers>,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) snapshot_thread: Arc<Workers>,
    pub(crate) blobs: BlobDesk,
    pub(crate) reclaimer: Arc<Reclaimer>,
    pub(crate) worker: Arc<Workers>,
}

/// What the round is about.
#[derive(Clone, Default)]
struct Round {
    gone: Vec<Tombstone>,
    purges: Vec<PendingPurge>,
    /// Segments below this are ended.
    open_segment: u64,
}

type Step = Result<Round, StoreError>;

impl Round {
    fn spaces(&self) -> Vec<SpaceId> {
        self.gone.iter().map(|tombstone| tombstone.space).collect()
    }
}

/// Begins a round; whoever calls this has marked it as running.
pub(super) fn begin(eraser: Arc<Eraser>) {
    let worker = Arc::clone(&eraser.parts.worker);
    worker.submit_waiting(Box::new(move |may_run| {
        let step = may_run.and_then(|()| eraser.write_intents());
        eraser.raise_floors(step);
    }));
}

impl Eraser {
    /// A full disk is temporary; any other failure of a write or sync poisons the store, as everywhere.
    fn failure(&self, error: &io::Error) -> StoreError {
        if vfs::is_full(error) {
            return StoreError::DiskFull;
        }
        self.parts.shared.poison();
        StoreError::Poisoned
    }

    /// From the moment its file is durable a space is gone.
    fn write_intents(&self) -> Step {
        let shared = &self.parts.shared;
        shared.writable()?;
        let mut round = Round::default();
        let mut fresh = Vec::new();
        for (space, order) in &self.lock().open {
            match &order.aim {
                Aim::Erase(tombstone) => round.gone.push(tombstone.clone()),
                Aim::Purge(purge) => round.purges.push(*purge),
            }
            if !order.durable {
                fresh.push(*space);
            }
        }
        if let Err(error) = self.write_fresh(&round, &fresh) {
            // What is refused for want of room must not happen at the next start.
            let withdrawn = if vfs::is_full(&error) { self.withdraw(&fresh) } else { Ok(()) };
            withdrawn.map_err(|error| self.failure(&error))?;
            return Err(self.spend_reserve(&error));
        }
        for tombstone in &round.gone {
            // In memory, it stays there until it is removed. One whose state cannot be read answers nobody anyway.
            if let Ok(space) = shared.load(tombstone.space) {
                space.leave();
            }
            if shared.tombstones.note(tombstone.clone())
                && let Some(listener) = shared.listener.get()
            {
                listener.space_erased(tombstone.space, tombstone.notice.encode());
            }
        }
        let mut orders = self.lock();
        for space in fresh {
            // One that took another aim meanwhile has to be written again.
            if let Some(order) = orders.open.get_mut(&space).filter(|order| order.aim.is_in(&round)) {
                order.durable = true;
            }
        }
        Ok(round)
    }

    fn write_fresh(&self, round: &Round, fresh: &[SpaceId]) -> io::Result<()> {
        let Shared { vfs, data_dir, owner, .. } = &*self.parts.shared;
        if fresh.is_empty() {
            return Ok(());
        }
        files::make_dir(&**vfs, data_dir)?;
        for tombstone in round.gone.iter().filter(|tombstone| fresh.contains(&tombstone.space)) {
            files::write_gone(&**vfs, data_dir, &owner.store_id, tombstone)?;
        }
        for purge in round.purges.iter().filter(|purge| fresh.contains(&purge.space)) {
            files::write_purge(&**vfs, data_dir, &owner.store_id, purge)?;
        }
        files::sync(&**vfs, data_dir)
    }

    fn withdraw(&self, fresh: &[SpaceId]) -> io::Result<()> {
        let Shared { vfs, data_dir, .. } = &*self.parts.shared;
        for space in fresh {
            files::remove_gone(&**vfs, data_dir, *space)?;
            files::remove_purge(&**vfs, data_dir, *space)?;
        }
        match files::sync(&**vfs, data_dir) {
            // The directory could not be made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            synced => synced,
        }
    }

    /// Erasing gives no room at once, but it must not fail for want of a little: the reserve is for that.
    fn spend_reserve(&self, error: &io::Error) -> StoreError {
        let shared = &self.parts.shared;
        if vfs::is_full(error) {
            shared.reserve.spend(&*shared.vfs);
        }
        self.failure(error)
    }

    /// What is purged is below the floor, durably, before its bytes go.
    fn raise_floors(self: Arc<Self>, step: Step) {
        let round = match step {
            Ok(round) => round,
            Err(error) => return self.end(&Round::default(), Err(error)),
        };
        let Some(purge) = round.purges.iter().copied().find(|purge| self.is_above_floor(purge)) else {
            return self.end_segment(round);
        };
        let eraser = Arc::clone(&self);
        let done = Box::new(move |trimmed| match trimmed {
            Ok(()) | Err(StoreError::UnknownSpace) => {
                if let Some(listener) = eraser.parts.shared.listener.get() {
                    listener.purged(purge.space);
                }
                // On the eraser's own thread: a completion must not go on for long.
                let worker = Arc::clone(&eraser.parts.worker);
                worker.submit_waiting(Box::new(move |may_run| eraser.raise_floors(may_run.map(|()| round))));
            }
            Err(error) => eraser.end(&round, Err(error)),
        });
        self.commit(Call::Trim { space: purge.space, floor: purge.floor, done });
    }

    fn is_above_floor(&self, purge: &PendingPurge) -> bool {
        let known = self.parts.shared.load(purge.space);
        known.is_ok_and(|known| {
            let state = known.lock();
            // A log that came back from a backup may end before it; a floor is never above the log.
            state.shown.floor < purge.floor.min(state.shown.size + 1)
        })
    }

    fn commit(&self, call: Call) {
        let refused = match self.parts.shared.writable() {
            Ok(()) => self.parts.queue.add(call),
            Err(error) => Some((call, error)),
        };
        if let Some((call, error)) = refused {
            call.refuse(error);
        }
    }

    /// Only what nothing is appended to any more is overwritten.
    fn end_segment(self: Arc<Self>, mut round: Round) {
        let eraser = Arc::clone(&self);
        let done = Box::new(move |open_segment| match open_segment {
            Ok(open_segment) => {
                round.open_segment = open_segment;
                eraser.seal_segments(round);
            }
            Err(error) => eraser.end(&round, Err(error)),
        });
        self.commit(Call::Roll { done });
    }

    /// Behind everything that waits on the thread that seals.
    fn seal_segments(self: Arc<Self>, round: Round) {
        let background = Arc::clone(&self.parts.background);
        self.lock().seals = true;
        background.submit_waiting(Box::new(move |may_run| {
            self.lock().seals = false;
            match may_run {
                Ok(()) => self.wipe_snapshots(round),
                Err(error) => self.end(&round, Err(error)),
            }
        }));
    }

    fn wipe_snapshots(self: Arc<Self>, round: Round) {
        let (thread, snapshots) = (Arc::clone(&self.parts.snapshot_thread), Arc::clone(&self.parts.snapshots));
        thread.submit_waiting(Box::new(move |may_run| {
            let spaces = round.spaces();
            match may_run.and_then(|()| spaces.iter().try_for_each(|space| snapshots.erase(*space))) {
                Ok(()) => self.wipe_blobs(round),
                Err(error) => self.end(&round, Err(error)),
            }
        }));
    }

    fn wipe_blobs(self: Arc<Self>, round: Round) {
        let eraser = Arc::clone(&self);
        let spaces = round.spaces();
        self.parts.blobs.wipe(spaces, move |wiped| match wiped {
            Ok(()) => {
                let worker = Arc::clone(&eraser.parts.worker);
                worker.submit_waiting(Box::new(move |may_run| {
                    let result = may_run.and_then(|()| eraser.overwrite(&round));
                    eraser.end(&round, result);
                }));
            }
            Err(error) => eraser.end(&round, Err(error)),
        });
    }

    /// Overwrites the segments, and notes that nothing is left. No compaction runs meanwhile.
    fn overwrite(&self, round: &Round) -> Result<(), StoreError> {
        let EraserParts { shared, reclaimer, .. } = &self.parts;
        shared.writable()?;
        shared.meta.forget(&round.spaces()).map_err(|error| match &error {
            redb::Error::Io(error) if vfs::is_full(error) => StoreError::DiskFull,
            _ => {
                shared.poison();
                StoreError::Poisoned
            }
        })?;
        reclaimer.alone(|reclaimer| {
            for tombstone in &round.gone {
                shared.spaces.remove(tombstone.space);
            }
            let overwritten = self.scrub(round).and_then(|()| self.finish_files(round));
            overwritten.map_err(|error| self.spend_reserve(&error))?;
            // The one before was removed: it names trailers and states that are gone.
            reclaimer.write_checkpoint(shared);
            Ok(())
        })
    }

    fn scrub(&self, round: &Round) -> io::Result<()> {
        let Shared { vfs, data_dir, owner, sealed, .. } = &*self.parts.shared;
        let mut targets: Targets = round.purges.iter().map(|purge| (purge.space, Extent::Below(purge.floor))).collect();
        targets.extend(round.spaces().into_iter().map(|space| (space, Extent::All)));
        checkpoint::remove(&**vfs, data_dir)?;
        // A compaction that was given up may have left a copy under another name.
        wipe_unfinished(&**vfs, data_dir)?;
        let numbers = recovery::segment_numbers(&**vfs, data_dir).map_err(io::Error::other)?;
        for number in numbers.into_iter().filter(|number| *number < round.open_segment) {
            if let Some(scrubbed) = scrub::segment(&**vfs, data_dir, &owner.store_id, number, &targets)? {
                sealed.scrubbed(number, scrubbed.trailer, scrubbed.blank_rows);
            }
        }
        Ok(())
    }

    fn finish_files(&self, round: &Round) -> io::Result<()> {
        let Shared { vfs, data_dir, owner, tombstones, .. } = &*self.parts.shared;
        for tombstone in &round.gone {
            let done = done(tombstone);
            files::remove_purge(&**vfs, data_dir, done.space)?;
            tombstones::write(&**vfs, data_dir, &owner.store_id, &done)?;
            tombstones.note(done);
        }
        for purge in &round.purges {
            files::remove_purge(&**vfs, data_dir, purge.space)?;
        }
        files::sync(&**vfs, data_dir)
    }

    /// Answers what the round was about. What failed stays ordered: its intent may be durable.
    fn end(self: Arc<Self>, round: &Round, result: Result<(), StoreError>) {
        let mut waiting = Vec::new();
        {
            let mut orders = self.lock();
            orders.running = false;
            let is_over = |order: &super::Order| result.is_err() || order.aim.is_in(round);
            for order in orders.open.values_mut().filter(|order| is_over(order)) {
                waiting.append(&mut order.waiting);
            }
            match &result {
                Ok(()) => orders.open.retain(|_, order| !order.aim.is_in(round)),
                Err(_) => {
                    orders.pause = LOOKS_AFTER_FAILURE;
                    // Nobody waits for what was never begun.
                    orders.open.retain(|_, order| order.durable);
                }
            }
        }
        waiting.into_iter().for_each(|done| done(result.clone()));
    }
}

impl Aim {
    /// Whether the round does this very thing.
    fn is_in(&self, round: &Round) -> bool {
        match self {
            Self::Erase(tombstone) => round.gone.iter().any(|gone| gone.space == tombstone.space),
            Self::Purge(purge) => round.purges.contains(purge),
        }
    }
}
