//! Calls that wait for their completion.

use super::DocumentHarness;
use crate::documents::{
    Change, DocumentCompletion, DocumentError, DocumentRange, DocumentStore, DocumentWork, Documents, Keyspace, Page,
    Usage,
};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn key(n: u8) -> Bytes {
    Bytes::from(vec![n])
}

pub(super) fn bytes(n: u8, length: usize) -> Bytes {
    Bytes::from(vec![n; length])
}

type Answer = Result<Usage, DocumentError>;
type Body = Box<dyn FnMut(&mut dyn Documents) -> Result<(), DocumentError> + Send>;

/// A work made of a closure.
pub(super) struct Work {
    body: Body,
    done: Option<Sender<Answer>>,
}

impl Work {
    pub(super) fn new(body: impl FnMut(&mut dyn Documents) -> Result<(), DocumentError> + Send + 'static) -> Self {
        Self { body: Box::new(body), done: None }
    }
}

impl DocumentWork for Work {
    fn waiting_bytes(&self) -> usize {
        64
    }
    fn run(&mut self, documents: &mut dyn Documents) -> Result<(), DocumentError> {
        (self.body)(documents)
    }
    fn done(self: Box<Self>, result: Answer) {
        self.done.unwrap().send(result).unwrap();
    }
}

pub(super) struct Calls {
    pub(super) harness: Box<dyn DocumentHarness>,
}

impl Calls {
    pub(super) fn new(harness: Box<dyn DocumentHarness>) -> Self {
        Self { harness }
    }

    pub(super) fn begin(&self, at: Keyspace, mut work: Work) -> Receiver<Answer> {
        let (send, receive) = channel();
        work.done = Some(send);
        self.harness.store().document_commit(at, Box::new(work));
        receive
    }

    pub(super) fn end(&self, work: Receiver<Answer>) -> Answer {
        self.harness.after_call();
        work.recv_timeout(PATIENCE).expect("a work ends")
    }

    pub(super) fn work(
        &self,
        at: Keyspace,
        body: impl FnMut(&mut dyn Documents) -> Result<(), DocumentError> + Send + 'static,
    ) -> Answer {
        self.end(self.begin(at, Work::new(body)))
    }

    pub(super) fn write(&self, at: Keyspace, changes: Vec<Change>) -> Answer {
        self.ask(|store, done| crate::documents::write(store, at, changes, done))
    }

    fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn DocumentStore, DocumentCompletion<T>),
    ) -> Result<T, DocumentError> {
        let (send, receive) = channel();
        let store: Arc<dyn DocumentStore> = self.harness.store();
        call(&*store, Box::new(move |result| send.send(result).unwrap()));
        self.harness.after_call();
        receive.recv_timeout(PATIENCE).expect("a call completes")
    }

    pub(super) fn get(&self, at: Keyspace, keys: Vec<Bytes>) -> Vec<Option<Bytes>> {
        self.ask(|store, done| store.document_get(at, keys, done)).unwrap()
    }

    pub(super) fn scan(&self, at: Keyspace, range: DocumentRange) -> Page {
        self.ask(|store, done| store.document_scan(at, range, done)).unwrap()
    }

    pub(super) fn usage(&self, at: Keyspace) -> Usage {
        self.ask(|store, done| store.document_usage(at, done)).unwrap()
    }

    pub(super) fn keyspaces(&self, after: Option<Keyspace>, keyspaces_max: usize) -> Vec<Keyspace> {
        self.ask(|store, done| store.document_keyspaces(after, keyspaces_max, done)).unwrap()
    }

    /// All items of a range, page by page.
    pub(super) fn items_of(&self, at: Keyspace, range: DocumentRange) -> Vec<(Bytes, Bytes)> {
        let mut items = Vec::new();
        let mut rest = range;
        loop {
            let page = self.scan(at, rest.clone());
            assert!(page.items.len() <= rest.items_max, "no more than asked for");
            let last = page.items.last().map(|(key, _)| key.clone());
            items.extend(page.items);
            match last.filter(|_| page.more) {
                Some(last) => rest = rest.after(&last),
                None => return items,
            }
        }
    }

    /// The same, of keys of one byte.
    pub(super) fn keys_of(&self, at: Keyspace, range: DocumentRange) -> Vec<u8> {
        self.items_of(at, range).iter().map(|(key, _)| key[0]).collect()
    }
}
