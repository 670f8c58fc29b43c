//! A work of a tenant under the caps: what it changes is on the account from its turn on, and off it again when it came to nothing.

use super::account::Change;
use super::{OPENED_MAX, Shared, book};
use crate::documents::{DocumentError, DocumentRange, DocumentWork, Documents, Keyspace, Page, Usage};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) struct Governed {
    shared: Arc<Shared>,
    keyspace: Keyspace,
    inner: Box<dyn DocumentWork>,
    change: Option<Change>,
    has_put: bool,
}

impl Governed {
    pub(super) fn new(shared: Arc<Shared>, keyspace: Keyspace, inner: Box<dyn DocumentWork>) -> Self {
        Self { shared, keyspace, inner, change: None, has_put: false }
    }

    /// What is known of a tenant besides its documents, once something of it is durable.
    fn note(&self, opens: bool) {
        let now_h = self.shared.now_h();
        let facts = {
            let mut state = self.shared.lock();
            let Some(known) = state.account.get(self.keyspace) else { return };
            if known.used_h == now_h && !opens {
                return;
            }
            if opens {
                self.shared.counters.opened.fetch_add(1, Ordering::Relaxed);
                if state.opened.len() < OPENED_MAX {
                    state.opened.push_back(self.keyspace);
                }
            }
            state.account.update(self.keyspace, |facts| {
                facts.used_h = now_h;
                facts.opened_h = if opens { now_h } else { facts.opened_h };
            })
        };
        // Lost with a crash, it is noted again by the next work of another hour.
        book::keep(&*self.shared.documents, self.keyspace, Some(&facts), |_| {});
    }
}

impl DocumentWork for Governed {
    fn waiting_bytes(&self) -> usize {
        self.inner.waiting_bytes()
    }

    fn run(&mut self, documents: &mut dyn Documents) -> Result<(), DocumentError> {
        let before = documents.usage()?;
        let mut watched = Watched { documents, shared: &self.shared, keyspace: self.keyspace, has_put: false };
        self.inner.run(&mut watched)?;
        self.has_put = watched.has_put;
        let after = documents.usage()?;
        let mut state = self.shared.lock();
        // It may have been erased while this waited.
        let closed = state.account.get(self.keyspace).and_then(|facts| Shared::why_closed(self.keyspace, &facts));
        if let Some(error) = closed {
            return Err(error);
        }
        if before != after {
            self.change =
                Some(state.account.take(self.keyspace, before, after, self.shared.caps, (self.shared.moments)())?);
        }
        Ok(())
    }

    fn done(mut self: Box<Self>, result: Result<Usage, DocumentError>) {
        let change = self.change.take();
        match &result {
            Ok(_) if self.has_put => self.note(change.is_some_and(|change| change.opens)),
            Ok(_) => {}
            Err(error) => {
                if let Some(change) = change {
                    self.shared.lock().account.revert(self.keyspace, change);
                }
                self.shared.count(error);
            }
        }
        self.inner.done(result);
    }
}

/// Lets a work write as often as its tenant may: its first put counts.
struct Watched<'a> {
    documents: &'a mut dyn Documents,
    shared: &'a Shared,
    keyspace: Keyspace,
    has_put: bool,
}

impl Documents for Watched<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, DocumentError> {
        self.documents.get(key)
    }

    fn scan(&self, range: &DocumentRange) -> Result<Page, DocumentError> {
        self.documents.scan(range)
    }

    fn usage(&self) -> Result<Usage, DocumentError> {
        self.documents.usage()
    }

    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), DocumentError> {
        if !self.has_put {
            let verdict = self.shared.rates.as_ref().map(|rates| rates.admit(self.keyspace, (self.shared.moments)()));
            if let Some(verdict) = verdict.filter(|verdict| !verdict.is_admitted()) {
                return Err(DocumentError::TooFast { retry_after_ms: verdict.retry_after_ms() });
            }
            self.has_put = true;
        }
        self.documents.put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, DocumentError> {
        self.documents.delete(key)
    }

    fn delete_range(&mut self, range: &DocumentRange, keys_max: usize) -> Result<usize, DocumentError> {
        self.documents.delete_range(range, keys_max)
    }
}
