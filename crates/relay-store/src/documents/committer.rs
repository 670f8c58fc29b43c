//! The turns: works run one after the other over what is durable and over each other, their changes are written as one group,
//! and only then anything is visible or answered.

use super::codec::encode_group;
use super::journal::{AppendError, Journal};
use super::queue::Waiting;
use super::shared::Shared;
use super::{mover, poisoned};
use relay_core::documents::{DocumentError, DocumentWork, Overlay, Stacked, Transaction, Usage};
use relay_core::store::StoreError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// While the disk has no room for a new file, the last bytes of the present one are for works that only delete.
const ROOM_FOR_DELETES_BYTES: u64 = 1024 * 1024;

/// See the module.
pub(super) struct Committer {
    shared: Arc<Shared>,
    journal: Journal,
    last_group: u64,
    #[cfg(feature = "testing")]
    pub(super) answer_before_write: bool,
}

type Ended = (Box<dyn DocumentWork>, Result<Usage, DocumentError>);

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, journal: Journal, last_group: u64) -> Self {
        Self {
            shared,
            journal,
            last_group,
            #[cfg(feature = "testing")]
            answer_before_write: false,
        }
    }

    /// Commits until the queue ends.
    pub(super) fn run(mut self) {
        while let Some(works) = self.shared.queue.take() {
            self.commit(works);
        }
    }

    /// One group: all of it is durable, or nothing.
    pub(super) fn commit(&mut self, works: Vec<Waiting>) {
        if works.is_empty() {
            return;
        }
        if let Err(error) = self.shared.writable().and_then(|()| self.shared.mover.wait_for_room(&self.shared)) {
            return works.into_iter().for_each(|waiting| answer(waiting.work, Err(error.clone().into())));
        }
        self.begin_wanted_file();
        let only_deletes = !self.has_room();
        let (changes, mut ended) = self.turns(works, only_deletes);
        #[cfg(feature = "testing")]
        if self.answer_before_write {
            std::mem::take(&mut ended).into_iter().for_each(|(work, result)| answer(work, result));
        }
        let written = if changes.is_empty() { Ok(()) } else { self.write(&changes) };
        match written {
            Ok(()) => self.publish(changes, &ended),
            // What a work was told may rest on what came before it in the group: all of them are told the same.
            Err(error) => ended.iter_mut().for_each(|(_, result)| *result = Err(error.clone())),
        }
        ended.into_iter().for_each(|(work, result)| answer(work, result));
        mover::begin_if_due(&self.shared);
    }

    /// Begins a new file when one is wanted; without room for it that stays wanted.
    pub(super) fn begin_wanted_file(&mut self) {
        if !self.shared.wants_new_file.load(Ordering::Acquire) {
            return;
        }
        if let Ok(bytes) = self.journal.roll(self.last_group + 1, 0) {
            self.rolled(bytes);
            self.shared.wants_new_file.store(false, Ordering::Release);
        }
    }

    fn turns(&self, works: Vec<Waiting>, only_deletes: bool) -> (Overlay, Vec<Ended>) {
        let layers = self.shared.layers();
        let mut group = Overlay::default();
        let mut ended = Vec::with_capacity(works.len());
        for Waiting { keyspace, mut work } in works {
            let under = Stacked { over: &group, under: &*layers };
            let result = Transaction::run(keyspace, work.as_mut(), &under).and_then(|(changes, usage)| {
                let puts = changes.changes().any(|(_, _, value)| value.is_some());
                if only_deletes && puts {
                    return Err(DocumentError::Store(StoreError::DiskFull));
                }
                group.absorb(changes);
                Ok(usage)
            });
            ended.push((work, result));
        }
        (group, ended)
    }

    /// Whether works that put something may run.
    fn has_room(&mut self) -> bool {
        let needed = ROOM_FOR_DELETES_BYTES.min(self.shared.limits.journal_bytes / 4);
        if self.journal.room_bytes() > needed {
            return true;
        }
        match self.journal.roll(self.last_group + 1, 0) {
            Ok(bytes) => {
                self.rolled(bytes);
                true
            }
            Err(AppendError::Full) => {
                self.shared.full.store(true, Ordering::Relaxed);
                false
            }
            // The write that follows meets the same, and says so.
            Err(AppendError::Failed) => true,
        }
    }

    fn rolled(&self, bytes: u64) {
        self.shared.full.store(false, Ordering::Relaxed);
        self.shared.counters.journal_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.shared.journal_number.store(self.journal.number(), Ordering::Release);
    }

    fn write(&mut self, changes: &Overlay) -> Result<(), DocumentError> {
        let group = self.last_group + 1;
        let mut bytes = encode_group(changes).ok_or(DocumentError::TooLarge)?;
        match self.journal.append(group, &mut bytes) {
            Ok(appended) => {
                if appended.file_bytes_added > 0 {
                    self.rolled(appended.file_bytes_added);
                }
                self.last_group = group;
                self.shared.counters.groups.fetch_add(1, Ordering::Relaxed);
                self.shared.counters.written_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Ok(())
            }
            Err(AppendError::Full) => {
                self.shared.full.store(true, Ordering::Relaxed);
                Err(DocumentError::Store(StoreError::DiskFull))
            }
            Err(AppendError::Failed) => {
                self.shared.poison();
                Err(poisoned())
            }
        }
    }

    fn publish(&self, changes: Overlay, ended: &[Ended]) {
        let counters = &self.shared.counters;
        let works = ended.iter().filter(|(_, result)| result.is_ok()).count();
        counters.works.fetch_add(works as u64, Ordering::Relaxed);
        if changes.is_empty() {
            return;
        }
        counters.changes.fetch_add(changes.changes().count() as u64, Ordering::Relaxed);
        counters.changed_bytes.fetch_add(changes.bytes() as u64, Ordering::Relaxed);
        let mut layers = self.shared.layers_mut();
        layers.active.absorb(changes);
        layers.last_group = self.last_group;
    }
}

/// A completion that panics is a defect of its owner and ends nothing else.
fn answer(work: Box<dyn DocumentWork>, result: Result<Usage, DocumentError>) {
    let _panicked = catch_unwind(AssertUnwindSafe(|| work.done(result)));
}
