//! Documents in memory: the reference implementation, and the double of tests and simulations.

use super::error::DocumentError;
use super::limits::READ_ITEMS_MAX;
use super::overlay::{Overlay, Stacked};
use super::range::{DocumentRange, Page};
use super::store::{DocumentCompletion, DocumentReader, DocumentStats, DocumentStore, DocumentWork, Keyspace, Usage};
use super::transaction::Transaction;
use crate::store::StoreError;
use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct State {
    documents: Overlay,
    stats: DocumentStats,
    refusal: Option<StoreError>,
}

/// See the module. Completions run inside the call.
#[derive(Default)]
pub struct MemoryDocuments {
    state: Mutex<State>,
}

/// Nothing lies under it.
struct Nothing;

impl DocumentReader for Nothing {
    fn read(&self, _: Keyspace, _: &[u8]) -> Result<Option<Bytes>, DocumentError> {
        Ok(None)
    }
    fn read_range(&self, _: Keyspace, _: &DocumentRange) -> Result<Page, DocumentError> {
        Ok(Page::default())
    }
    fn read_usage(&self, _: Keyspace) -> Result<Usage, DocumentError> {
        Ok(Usage::default())
    }
    fn read_keyspaces(&self, _: Option<Keyspace>, _: usize) -> Result<Vec<Keyspace>, DocumentError> {
        Ok(Vec::new())
    }
}

impl MemoryDocuments {
    /// Empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on refuses every work with this error; `None` takes works again.
    pub fn refuse(&self, refusal: Option<StoreError>) {
        self.lock().refusal = refusal;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, keyspace: Keyspace, work: &mut dyn DocumentWork) -> Result<Usage, DocumentError> {
        let mut state = self.lock();
        if let Some(refusal) = &state.refusal {
            return Err(refusal.clone().into());
        }
        let under = Stacked { over: &state.documents, under: &Nothing };
        let (changes, usage) = Transaction::run(keyspace, work, &under)?;
        state.stats.works += 1;
        state.stats.groups += 1;
        state.stats.changes += changes.changes().count() as u64;
        state.stats.changed_bytes += changes.bytes() as u64;
        state.documents.absorb(changes);
        state.documents.settle();
        Ok(usage)
    }

    fn read<T>(&self, read: impl FnOnce(&Stacked<'_>) -> Result<T, DocumentError>) -> Result<T, DocumentError> {
        read(&Stacked { over: &self.lock().documents, under: &Nothing })
    }
}

impl DocumentStore for MemoryDocuments {
    fn document_commit(&self, keyspace: Keyspace, mut work: Box<dyn DocumentWork>) {
        let result = self.turn(keyspace, work.as_mut());
        work.done(result);
    }

    fn document_get(&self, keyspace: Keyspace, keys: Vec<Bytes>, done: DocumentCompletion<Vec<Option<Bytes>>>) {
        if keys.len() > READ_ITEMS_MAX {
            return done(Err(DocumentError::TooLarge));
        }
        done(self.read(|documents| keys.iter().map(|key| documents.read(keyspace, key)).collect()));
    }

    fn document_scan(&self, keyspace: Keyspace, range: DocumentRange, done: DocumentCompletion<Page>) {
        let range = range.clone().limited(range.items_max.min(READ_ITEMS_MAX), range.bytes_max);
        done(self.read(|documents| documents.read_range(keyspace, &range)));
    }

    fn document_usage(&self, keyspace: Keyspace, done: DocumentCompletion<Usage>) {
        done(self.read(|documents| documents.read_usage(keyspace)));
    }

    fn document_keyspaces(
        &self,
        after: Option<Keyspace>,
        keyspaces_max: usize,
        done: DocumentCompletion<Vec<Keyspace>>,
    ) {
        done(self.read(|documents| documents.read_keyspaces(after, keyspaces_max)));
    }

    fn document_scrub(&self, done: DocumentCompletion<()>) {
        let refusal = self.lock().refusal.clone();
        done(refusal.map_or(Ok(()), |refusal| Err(refusal.into())));
    }

    fn document_stats(&self) -> DocumentStats {
        self.lock().stats
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryDocuments;
    use crate::conformance::{DocumentHarness, run_documents};
    use crate::documents::DocumentStore;
    use std::sync::Arc;

    struct Memory(Arc<MemoryDocuments>);

    impl DocumentHarness for Memory {
        fn store(&self) -> Arc<dyn DocumentStore> {
            Arc::clone(&self.0) as Arc<_>
        }
        fn break_disk(&self) -> bool {
            self.0.refuse(Some(crate::store::StoreError::Poisoned));
            true
        }
    }

    #[test]
    fn it_keeps_the_contract() {
        run_documents(&|| Box::new(Memory(Arc::default())));
    }
}
