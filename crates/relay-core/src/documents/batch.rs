//! A work without a decision: changes that are known beforehand.

use super::error::DocumentError;
use super::store::{DocumentCompletion, DocumentStore, DocumentWork, Documents, Keyspace, Usage};
use bytes::Bytes;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets a value.
    Put(Bytes, Bytes),
    /// Removes a key.
    Delete(Bytes),
}

impl Change {
    fn bytes(&self) -> usize {
        match self {
            Self::Put(key, value) => key.len() + value.len(),
            Self::Delete(key) => key.len(),
        }
    }
}

struct Batch {
    changes: Vec<Change>,
    done: DocumentCompletion<Usage>,
}

impl DocumentWork for Batch {
    fn waiting_bytes(&self) -> usize {
        self.changes.iter().map(Change::bytes).sum()
    }

    fn run(&mut self, documents: &mut dyn Documents) -> Result<(), DocumentError> {
        for change in std::mem::take(&mut self.changes) {
            match change {
                Change::Put(key, value) => documents.put(key, value)?,
                Change::Delete(key) => documents.delete(&key).map(|_| ())?,
            }
        }
        Ok(())
    }

    fn done(self: Box<Self>, result: Result<Usage, DocumentError>) {
        (self.done)(result);
    }
}

/// Makes all of these changes, or none; `done` when they are durable.
pub fn write(store: &dyn DocumentStore, keyspace: Keyspace, changes: Vec<Change>, done: DocumentCompletion<Usage>) {
    store.document_commit(keyspace, Box::new(Batch { changes, done }));
}
