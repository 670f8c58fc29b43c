//! The end of a tenant: first it is durable that it ends, then its documents go, and last what is left of them in the files.

use super::{ForeignTenants, Shared, TenantFacts, book};
use crate::documents::{DocumentError, DocumentRange, Documents, Keyspace, Tenant, turn};
use crate::store::StoreError;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// Keys that go in one work; other tenants wait for it.
const PIECE_KEYS: usize = 500;
/// Bytes of keys and values that are read for it; one document may overshoot.
const PIECE_BYTES: usize = 1024 * 1024;
/// How long an erased tenant takes nothing, in hours: devices that were away would bring everything back.
const ERASED_H: u32 = 180 * 24;
/// Erased tenants that are remembered; those beyond may be opened again at once.
const ERASED_MAX: usize = 100_000;

/// Told once, when nothing is left or it cannot go on.
pub type Erased = Box<dyn FnOnce(Result<(), DocumentError>) + Send>;

/// Who waits for the ends that are under way, by tenant.
pub(super) type Waiters = HashMap<Keyspace, Vec<Erased>>;

impl ForeignTenants {
    /// Erases a tenant; `done` once nothing of it is left in the files of the store. What fails is tried again by
    /// [`Self::resume_erasures`], and by the next start.
    pub fn erase(&self, keyspace: Keyspace, done: Erased) {
        let now_h = self.shared.now_h();
        let facts = {
            let mut state = self.shared.lock();
            if state.account.get(keyspace).is_none() {
                drop(state);
                return done(Err(StoreError::UnknownSpace.into()));
            }
            if let Some(waiters) = state.erasing.get_mut(&keyspace) {
                return waiters.push(done);
            }
            state.erasing.insert(keyspace, vec![done]);
            let is_remembered = keyspace.tenant != Tenant::ONLY && state.account.erased() < ERASED_MAX;
            state.account.update(keyspace, |facts| {
                facts.is_erasing = true;
                facts.erased_h = if is_remembered { now_h.max(1) } else { 0 };
            })
        };
        let shared = Arc::clone(&self.shared);
        book::keep(&*self.shared.documents, keyspace, Some(&facts), move |kept| match kept {
            Ok(()) => piece(shared, keyspace, DocumentRange::all()),
            Err(error) => end(&shared, keyspace, Err(error)),
        });
    }

    /// Goes on with ends that were begun and failed.
    pub fn resume_erasures(&self) {
        let begun: Vec<_> = {
            let state = self.shared.lock();
            let rows = state.account.rows_after(None).filter(|(_, facts)| facts.is_erasing);
            rows.map(|(keyspace, _)| keyspace).filter(|keyspace| !state.erasing.contains_key(keyspace)).collect()
        };
        begun.into_iter().for_each(|keyspace| self.erase(keyspace, Box::new(|_| {})));
    }

    /// Forgets erased tenants whose time is over.
    pub fn forget_erased(&self) {
        let now_h = self.shared.now_h();
        let is_over = |erased_h: u32| erased_h > 0 && now_h.saturating_sub(erased_h) >= ERASED_H;
        let over: Vec<_> = {
            let state = self.shared.lock();
            let rows = state.account.rows_after(None);
            rows.filter(|(_, facts)| is_over(facts.erased_h) && !facts.is_erasing)
                .map(|(keyspace, _)| keyspace)
                .collect()
        };
        for keyspace in over {
            self.shared.lock().account.update(keyspace, |facts| *facts = TenantFacts::default());
            book::keep(&*self.shared.documents, keyspace, None, |_| {});
        }
    }
}

/// Deletes what is left of a tenant, which takes nothing any more, from the lowest key on.
fn piece(shared: Arc<Shared>, keyspace: Keyspace, left: DocumentRange) {
    let documents = Arc::clone(&shared.documents);
    let next = left.clone().limited(PIECE_KEYS, PIECE_BYTES);
    let run = move |documents: &mut dyn Documents| delete_page(documents, &next);
    turn(&*documents, keyspace, 0, run, move |gone| match gone {
        Ok(Some(last)) => piece(shared, keyspace, left.after(&last)),
        Ok(None) => {
            let documents = Arc::clone(&shared.documents);
            documents.document_scrub(Box::new(move |scrubbed| match scrubbed {
                Ok(()) => forget(shared, keyspace),
                Err(error) => end(&shared, keyspace, Err(error)),
            }));
        }
        Err(error) => end(&shared, keyspace, Err(error)),
    });
}

/// The last key that went; `None`: there was none.
fn delete_page(documents: &mut dyn Documents, range: &DocumentRange) -> Result<Option<Bytes>, DocumentError> {
    let page = documents.scan(range)?;
    for (key, _) in &page.items {
        documents.delete(key)?;
    }
    Ok(page.items.last().map(|(key, _)| key.clone()))
}

/// Nothing is left; the row says so, or goes.
fn forget(shared: Arc<Shared>, keyspace: Keyspace) {
    let facts = shared.lock().account.update(keyspace, |facts| {
        let erased_h = facts.erased_h;
        *facts = TenantFacts { erased_h, ..TenantFacts::default() };
    });
    let documents = Arc::clone(&shared.documents);
    let row = (facts.erased_h > 0).then_some(&facts);
    book::keep(&*documents, keyspace, row, move |kept| end(&shared, keyspace, kept));
}

fn end(shared: &Arc<Shared>, keyspace: Keyspace, result: Result<(), DocumentError>) {
    let waiters = shared.lock().erasing.remove(&keyspace).unwrap_or_default();
    waiters.into_iter().for_each(|done| done(result.clone()));
}
