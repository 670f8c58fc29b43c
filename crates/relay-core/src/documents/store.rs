//! `trait DocumentStore`: the contract.
//!
//! **Shape.** Submit and complete, as [`crate::store::Store`]: calls return at once and never block on a disk; completions
//! are short and may run on any thread, also inside the call.
//!
//! **Works.** A change is a [`DocumentWork`]: it reads and writes in one turn, alone, on the state that all works before it
//! left, whether that is durable already or not. So "read, decide, write" needs no lock. Works of one store take their turns
//! in the order they were submitted, across all keyspaces.
//!
//! **Durability.** `done(Ok)` means: this work, and every work before it, survives a power cut. All works of one group share
//! one sync. After a failed write or sync the store is poisoned and nothing later is called durable.
//!
//! **Visibility.** Reads outside of works see what is durable and nothing else, and see it no later than the completion.

use super::error::DocumentError;
use super::range::{DocumentRange, Page};
use bytes::Bytes;
use std::fmt;

/// What a completion receives.
pub type DocumentCompletion<T> = Box<dyn FnOnce(Result<T, DocumentError>) + Send>;

/// Whose documents of a system they are: a name that the system derives, never a secret itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(pub [u8; Self::BYTES]);

impl Tenant {
    /// Length in bytes.
    pub const BYTES: usize = 16;
    /// The one tenant of a relay that tells none apart.
    pub const ONLY: Self = Self([0; Self::BYTES]);
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// A set of documents, apart from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Keyspace {
    /// The foreign system; numbers are fixed where the systems are.
    pub system: u8,
    /// Its tenant.
    pub tenant: Tenant,
}

/// What a keyspace holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// Who vouches for a tenant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// Whoever shows this token.
    Token(&'a [u8]),
    /// The operator, in the configuration.
    Operator,
}

/// A work's view of its keyspace, during its turn.
pub trait Documents {
    /// The value of a key.
    ///
    /// # Errors
    /// What the store says; a work that cannot read gives up.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, DocumentError>;
    /// Items of a range.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn scan(&self, range: &DocumentRange) -> Result<Page, DocumentError>;
    /// What the keyspace holds, this work's changes included.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn usage(&self) -> Result<Usage, DocumentError>;
    /// Sets a value.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`] over a limit, else as [`Self::get`].
    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), DocumentError>;
    /// Removes a key; whether it was there.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn delete(&mut self, key: &[u8]) -> Result<bool, DocumentError>;
    /// Removes at most `keys_max` keys of a range, in its order; how many. Fewer than asked for: the range is empty now.
    ///
    /// # Errors
    /// As [`Self::put`]; over [`super::limits::RANGE_DELETES_MAX`] in one work it is [`DocumentError::TooLarge`].
    fn delete_range(&mut self, range: &DocumentRange, keys_max: usize) -> Result<usize, DocumentError>;
}

/// A change that reads, decides and writes in one turn, and is told when that is durable.
pub trait DocumentWork: Send {
    /// Bytes it holds while it waits, for the limit of what may wait.
    fn waiting_bytes(&self) -> usize;
    /// The turn, on a thread of the store: no waiting, no calls to the store itself. An error undoes all of its changes.
    ///
    /// # Errors
    /// Whatever made it give up; [`DocumentError::Withdrawn`] for reasons of its own.
    fn run(&mut self, documents: &mut dyn Documents) -> Result<(), DocumentError>;
    /// The end: durable with what the keyspace holds then, or nothing of it is stored. Called exactly once.
    fn done(self: Box<Self>, result: Result<Usage, DocumentError>);
}

/// Counters (since the start) and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DocumentStats {
    /// Works that became durable.
    pub works: u64,
    /// Keys they changed.
    pub changes: u64,
    /// Bytes of keys and values they changed.
    pub changed_bytes: u64,
    /// Groups written; `works / groups` share one sync.
    pub groups: u64,
    /// Bytes written for them.
    pub written_bytes: u64,
    /// Works refused because too much waited.
    pub overloaded: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Times that changes moved from the journal into the tables failed; it is tried again.
    pub move_failures: u64,
    /// Whether the disk is full as far as is known (0 or 1).
    pub disk_full: u64,
    /// Whether a write or sync failed (0 or 1).
    pub poisoned: u64,
}

/// What can be read without a turn; overlays and stores alike.
pub trait DocumentReader {
    /// The value of a key.
    ///
    /// # Errors
    /// What the store says.
    fn read(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, DocumentError>;
    /// Items of a range.
    ///
    /// # Errors
    /// What the store says.
    fn read_range(&self, keyspace: Keyspace, range: &DocumentRange) -> Result<Page, DocumentError>;
    /// What a keyspace holds.
    ///
    /// # Errors
    /// What the store says.
    fn read_usage(&self, keyspace: Keyspace) -> Result<Usage, DocumentError>;
    /// Keyspaces that hold something, in order, after one of them.
    ///
    /// # Errors
    /// What the store says.
    fn read_keyspaces(&self, after: Option<Keyspace>, keyspaces_max: usize) -> Result<Vec<Keyspace>, DocumentError>;
}

/// Keeps documents. See the module's contract.
pub trait DocumentStore: Send + Sync {
    /// *Durable.* Lets a work take its turn.
    fn document_commit(&self, keyspace: Keyspace, work: Box<dyn DocumentWork>);
    /// The values of at most [`super::limits::READ_ITEMS_MAX`] keys, of one moment, in the order asked for.
    fn document_get(&self, keyspace: Keyspace, keys: Vec<Bytes>, done: DocumentCompletion<Vec<Option<Bytes>>>);
    /// Items of a range, of one moment.
    fn document_scan(&self, keyspace: Keyspace, range: DocumentRange, done: DocumentCompletion<Page>);
    /// What a keyspace holds.
    fn document_usage(&self, keyspace: Keyspace, done: DocumentCompletion<Usage>);
    /// Keyspaces that hold something, in order, after one of them.
    fn document_keyspaces(
        &self,
        after: Option<Keyspace>,
        keyspaces_max: usize,
        done: DocumentCompletion<Vec<Keyspace>>,
    );
    /// *Durable.* Makes sure that of all that was deleted before nothing is left in the store's files.
    fn document_scrub(&self, done: DocumentCompletion<()>);
    /// Says who vouches for a tenant that is asked for; for a store that asks before it lets one in.
    fn document_present(&self, keyspace: Keyspace, credential: Credential<'_>) {
        let _ = (keyspace, credential);
    }
    /// Learns whom a token names, for a store in which tokens of one user are not all the same; `known` is called once
    /// [`Self::document_tenant`] can say. `named` is the keyspace that is named after the token.
    fn document_recognise(&self, named: Keyspace, token: &[u8], known: Box<dyn FnOnce() + Send>) {
        let _ = (named, token);
        known();
    }
    /// Whose documents a token opens; `named` is the keyspace that is named after it.
    ///
    /// # Errors
    /// [`DocumentError::NotAdmitted`] when it opens none, anything else when that cannot be said now.
    fn document_tenant(&self, named: Keyspace) -> Result<Tenant, DocumentError> {
        Ok(named.tenant)
    }
    /// Counters.
    fn document_stats(&self) -> DocumentStats;
}

/// So that a token is in no log, whatever is printed.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Operator => "Operator",
        })
    }
}
