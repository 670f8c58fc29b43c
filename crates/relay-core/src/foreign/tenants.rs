//! The tenants of all foreign systems: who may open one, what they may keep together, how often they may write, and their end.
//!
//! A document store between the services and the store: whatever a service writes goes through it, so no system can forget a cap. A
//! tenant is a keyspace that holds something, or that was let in; it is opened by the first work that stores something.

mod account;
mod asking;
mod book;
mod erase;
mod recognition;
mod work;

pub use account::{SystemTotal, TenantFacts};
pub use book::TENANT_BOOK_SYSTEM;
pub use erase::Erased;
pub use recognition::Recognised;

use crate::documents::{
    Credential, DocumentCompletion, DocumentError, DocumentRange, DocumentStats, DocumentStore, DocumentWork, Keyspace,
    Page, Tenant, Usage,
};
use crate::endpoint::Moment;
use crate::environment::WallClock;
use crate::founding::Gatekeeper;
use crate::gcra::{Rate, Table};
use crate::store::StoreError;
use crate::tenants::TenantAccounts;
use account::{Account, Caps};
use asking::Asking;
use bytes::Bytes;
use erase::Waiters;
use recognition::Recognitions;
use std::collections::VecDeque;
use std::fmt;
use std::hash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use work::Governed;

/// Tenants whose rates are told apart; those beyond are judged with the one whose place they take.
const RATED_TENANTS_MAX: usize = 16_384;
/// Openings that wait to be told one by one.
const OPENED_MAX: usize = 1024;
const HOUR_MS: u64 = 3_600_000;

/// What an operator decides; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantRules {
    /// Tenants of all systems.
    pub tenants_max: u64,
    /// Bytes of the tenants of one system that nobody let in.
    pub open_bytes_max: u64,
    /// Works in a second that store something, of one tenant.
    pub writes_per_second_max: u32,
}

/// Monotonic time, for rates.
pub type Moments = Arc<dyn Fn() -> Moment + Send + Sync>;

/// What they are made of.
pub struct TenantParts {
    /// Where documents are kept.
    pub documents: Arc<dyn DocumentStore>,
    /// The wall clock.
    pub clock: Arc<dyn WallClock>,
    /// Monotonic time.
    pub moments: Moments,
    /// Who is asked before a tenant is opened; everybody may without one.
    pub gatekeeper: Option<Arc<dyn Gatekeeper>>,
    /// Whether it is asked whom tokens name; otherwise each token names itself.
    pub by_owner: bool,
    /// What tenants have accounts; what those keep that are let in on one is on it.
    pub accounts: Option<Arc<dyn TenantAccounts>>,
    /// The operator's decisions.
    pub rules: TenantRules,
}

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantCounts {
    /// Tenants opened.
    pub opened: u64,
    /// Works refused because there are as many tenants as there may be.
    pub refused_tenants: u64,
    /// Works refused because a system's tenants keep as much as they may.
    pub refused_bytes: u64,
    /// Works refused because the account of their tenant keeps as much as it may.
    pub refused_account: u64,
    /// Works refused because their tenant writes too often.
    pub refused_rate: u64,
    /// Works refused because nobody let their tenant in.
    pub refused_admission: u64,
    /// Works refused because their tenant was erased.
    pub refused_erased: u64,
}

#[derive(Debug, Default)]
struct Counters {
    opened: AtomicU64,
    tenants: AtomicU64,
    bytes: AtomicU64,
    account: AtomicU64,
    rate: AtomicU64,
    admission: AtomicU64,
    erased: AtomicU64,
}

#[derive(Default)]
struct State {
    account: Account,
    asking: Asking,
    erasing: Waiters,
    opened: VecDeque<Keyspace>,
}

struct Shared {
    documents: Arc<dyn DocumentStore>,
    clock: Arc<dyn WallClock>,
    moments: Moments,
    gatekeeper: Option<Arc<dyn Gatekeeper>>,
    accounts: Option<Arc<dyn TenantAccounts>>,
    caps: Caps,
    /// None where each token names itself.
    recognitions: Option<Recognitions>,
    rates: Option<Table<Keyspace, RandomState>>,
    state: Mutex<State>,
    counters: Counters,
}

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct ForeignTenants {
    shared: Arc<Shared>,
}

impl Shared {
    /// Every change of it is whole when the lock is let go.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_h(&self) -> u32 {
        u32::try_from(self.clock.now_ms() / HOUR_MS).unwrap_or(u32::MAX)
    }

    /// Counts a refusal by its reason.
    fn count(&self, error: &DocumentError) {
        use crate::documents::Cap;
        let counter = match error {
            DocumentError::Full(Cap::Tenants) => &self.counters.tenants,
            DocumentError::Full(Cap::SystemBytes) => &self.counters.bytes,
            DocumentError::Account(_) => &self.counters.account,
            DocumentError::TooFast { .. } => &self.counters.rate,
            DocumentError::NotAdmitted => &self.counters.admission,
            DocumentError::Erased => &self.counters.erased,
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A tenant that is erased takes nothing; the one of those without a token is free again after that.
    fn why_closed(keyspace: Keyspace, facts: &TenantFacts) -> Option<DocumentError> {
        if !facts.is_erased() {
            return None;
        }
        let is_shared = keyspace.tenant == Tenant::ONLY;
        Some(if is_shared { StoreError::Overloaded.into() } else { DocumentError::Erased })
    }

    fn refuse(&self, work: Box<dyn DocumentWork>, error: DocumentError) {
        self.count(&error);
        work.done(Err(error));
    }

    fn submit(self: &Arc<Self>, keyspace: Keyspace, work: Box<dyn DocumentWork>) {
        let governed = Box::new(Governed::new(Arc::clone(self), keyspace, work));
        let account = self.lock().account.get(keyspace).and_then(|facts| facts.account);
        let Some((accounts, account)) = self.accounts.as_ref().zip(account) else {
            return self.documents.document_commit(keyspace, governed);
        };
        let documents = Arc::clone(&self.documents);
        let counted = move |counted: Result<(), StoreError>| match counted {
            Ok(()) => documents.document_commit(keyspace, governed),
            Err(error) => governed.done(Err(error.into())),
        };
        accounts.counted(account, Box::new(counted));
    }
}

impl ForeignTenants {
    /// Reads which tenants there are, and goes on erasing those whose end was begun. Blocks.
    ///
    /// # Errors
    /// What the store says.
    pub fn open(parts: TenantParts) -> Result<Self, DocumentError> {
        let TenantParts { documents, clock, moments, gatekeeper, by_owner, accounts, rules } = parts;
        let mut state = State { account: Account::on(accounts.clone()), ..State::default() };
        for (keyspace, facts) in book::read_all(&*documents)? {
            state.account.update(keyspace, |known| *known = facts);
        }
        let rate = Rate::per_second(rules.writes_per_second_max);
        let shared = Arc::new(Shared {
            documents,
            clock,
            moments,
            recognitions: gatekeeper.as_ref().filter(|_| by_owner).map(|_| Recognitions::default()),
            gatekeeper,
            accounts,
            caps: Caps { tenants_max: rules.tenants_max, open_bytes_max: rules.open_bytes_max },
            rates: rate.map(|rate| Table::new(rate, RATED_TENANTS_MAX, RandomState::new())),
            state: Mutex::new(state),
            counters: Counters::default(),
        });
        let tenants = Self { shared };
        tenants.resume_erasures();
        Ok(tenants)
    }

    /// Tenants behind one, in an order that stays.
    #[must_use]
    pub fn after(&self, after: Option<Keyspace>, tenants_max: usize) -> Vec<(Keyspace, TenantFacts)> {
        self.shared.lock().account.rows_after(after).take(tenants_max).collect()
    }

    /// One tenant.
    #[must_use]
    pub fn get(&self, keyspace: Keyspace) -> Option<TenantFacts> {
        self.shared.lock().account.get(keyspace)
    }

    /// What the tenants of a system keep together.
    #[must_use]
    pub fn total(&self, system: u8) -> SystemTotal {
        self.shared.lock().account.total(system)
    }

    /// Tenants that were opened since this was asked last, at most 1,024 of them.
    #[must_use]
    pub fn take_opened(&self) -> Vec<Keyspace> {
        self.shared.lock().opened.drain(..).collect()
    }

    /// Counters.
    #[must_use]
    pub fn counts(&self) -> TenantCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { opened, tenants, bytes, account, rate, admission, erased } = &self.shared.counters;
        TenantCounts {
            opened: read(opened),
            refused_tenants: read(tenants),
            refused_bytes: read(bytes),
            refused_account: read(account),
            refused_rate: read(rate),
            refused_admission: read(admission),
            refused_erased: read(erased),
        }
    }
}

impl DocumentStore for ForeignTenants {
    fn document_commit(&self, keyspace: Keyspace, work: Box<dyn DocumentWork>) {
        let shared = &self.shared;
        let known = shared.lock().account.get(keyspace);
        match known {
            Some(facts) => match Shared::why_closed(keyspace, &facts) {
                Some(error) => shared.refuse(work, error),
                None => shared.submit(keyspace, work),
            },
            None => match &shared.gatekeeper {
                Some(gatekeeper) => asking::ask(shared, gatekeeper, keyspace, work),
                None => shared.submit(keyspace, work),
            },
        }
    }

    fn document_get(&self, keyspace: Keyspace, keys: Vec<Bytes>, done: DocumentCompletion<Vec<Option<Bytes>>>) {
        self.shared.documents.document_get(keyspace, keys, done);
    }

    fn document_scan(&self, keyspace: Keyspace, range: DocumentRange, done: DocumentCompletion<Page>) {
        self.shared.documents.document_scan(keyspace, range, done);
    }

    fn document_usage(&self, keyspace: Keyspace, done: DocumentCompletion<Usage>) {
        self.shared.documents.document_usage(keyspace, done);
    }

    fn document_keyspaces(
        &self,
        after: Option<Keyspace>,
        keyspaces_max: usize,
        done: DocumentCompletion<Vec<Keyspace>>,
    ) {
        self.shared.documents.document_keyspaces(after, keyspaces_max, done);
    }

    fn document_scrub(&self, done: DocumentCompletion<()>) {
        self.shared.documents.document_scrub(done);
    }

    fn document_present(&self, keyspace: Keyspace, credential: Credential<'_>) {
        if self.shared.gatekeeper.is_none() {
            return;
        }
        match credential {
            Credential::Token(token) => {
                let mut state = self.shared.lock();
                if state.account.get(keyspace).is_none() {
                    state.asking.present(keyspace, token);
                }
            }
            Credential::Operator => {
                if let Some(recognitions) = &self.shared.recognitions {
                    recognitions.name(keyspace);
                }
                asking::admit(&self.shared, keyspace, None, |_| {});
            }
        }
    }

    fn document_recognise(&self, named: Keyspace, token: &[u8], known: Recognised) {
        match (&self.shared.recognitions, &self.shared.gatekeeper) {
            (Some(recognitions), Some(gatekeeper)) => {
                recognition::recognise(&self.shared, recognitions, &**gatekeeper, (named, token), known);
            }
            _ => known(),
        }
    }

    fn document_tenant(&self, named: Keyspace) -> Result<Tenant, DocumentError> {
        let Some(recognitions) = &self.shared.recognitions else { return Ok(named.tenant) };
        recognitions.tenant(named, (self.shared.moments)()).inspect_err(|error| self.shared.count(error))
    }

    fn document_stats(&self) -> DocumentStats {
        self.shared.documents.document_stats()
    }
}

impl fmt::Debug for ForeignTenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignTenants").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
