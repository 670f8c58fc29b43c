//! Who would open a tenant where that is not everybody's: works wait until the gatekeeper has judged the token that was shown.

use super::{Shared, book};
use crate::documents::{DocumentError, DocumentWork, Keyspace};
use crate::founding::{FoundingRequest, FoundingVerdict, Gatekeeper};
use crate::store::StoreError;
use crate::tenants::TenantId;
use bytes::Bytes;
use relay_proto::ids::SpaceId;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Tokens remembered for tenants that are not there; the oldest go first.
const PRESENTED_MAX: usize = 4096;
/// Works of one tenant that wait for the gatekeeper.
const TENANT_WORKS_MAX: usize = 64;
/// Bytes of all works that wait for it.
const WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What stands for a tenant where spaces are judged.
const CLAIM_DOMAIN: &[u8] = b"sealrelay/v1/foreign tenant";

/// See the module.
#[derive(Default)]
pub(super) struct Asking {
    presented: HashMap<Keyspace, Bytes>,
    order: VecDeque<Keyspace>,
    waiting: HashMap<Keyspace, Vec<Box<dyn DocumentWork>>>,
    waiting_bytes: usize,
}

impl Asking {
    pub(super) fn present(&mut self, keyspace: Keyspace, token: &[u8]) {
        if let Some(presented) = self.presented.get_mut(&keyspace) {
            // Where users have new tokens now and then, the one that was shown last holds the longest.
            if presented != token {
                *presented = Bytes::copy_from_slice(token);
            }
            return;
        }
        if self.order.len() >= PRESENTED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.presented.remove(&oldest);
        }
        self.presented.insert(keyspace, Bytes::copy_from_slice(token));
        self.order.push_back(keyspace);
    }

    /// Lets a work wait; whether it is the first of its tenant. Too many come back.
    fn wait(&mut self, keyspace: Keyspace, work: Box<dyn DocumentWork>) -> Result<bool, Box<dyn DocumentWork>> {
        let bytes = self.waiting_bytes.saturating_add(work.waiting_bytes());
        let works = self.waiting.get(&keyspace).map_or(0, Vec::len);
        if bytes > WAITING_BYTES_MAX || works >= TENANT_WORKS_MAX {
            return Err(work);
        }
        self.waiting_bytes = bytes;
        self.waiting.entry(keyspace).or_default().push(work);
        Ok(works == 0)
    }

    fn take(&mut self, keyspace: Keyspace) -> Vec<Box<dyn DocumentWork>> {
        let works = self.waiting.remove(&keyspace).unwrap_or_default();
        let bytes = works.iter().map(|work| work.waiting_bytes()).sum();
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        works
    }
}

fn request(keyspace: Keyspace, admission: Bytes) -> FoundingRequest {
    let digest =
        Sha256::new().chain_update(CLAIM_DOMAIN).chain_update([keyspace.system]).chain_update(keyspace.tenant.0);
    FoundingRequest { space: SpaceId(digest.finalize().into()), admission }
}

/// Asks whether the tenant of a work may be opened.
pub(super) fn ask(
    shared: &Arc<Shared>,
    gatekeeper: &Arc<dyn Gatekeeper>,
    keyspace: Keyspace,
    work: Box<dyn DocumentWork>,
) {
    let (token, first) = {
        let mut state = shared.lock();
        let Some(token) = state.asking.presented.get(&keyspace).cloned() else {
            drop(state);
            return shared.refuse(work, DocumentError::NotAdmitted);
        };
        (token, state.asking.wait(keyspace, work))
    };
    match first {
        Err(work) => shared.refuse(work, StoreError::Overloaded.into()),
        Ok(false) => {}
        Ok(true) => {
            let asked = Arc::clone(shared);
            gatekeeper.judge(request(keyspace, token), Box::new(move |verdict| judged(&asked, keyspace, &verdict)));
        }
    }
}

fn judged(shared: &Arc<Shared>, keyspace: Keyspace, verdict: &FoundingVerdict) {
    let refusal = match verdict {
        FoundingVerdict::Admitted(account) => {
            let admitted = Arc::clone(shared);
            return admit(shared, keyspace, *account, move |kept| match kept {
                Ok(()) => release(&admitted, keyspace, None),
                Err(error) => release(&admitted, keyspace, Some(&error)),
            });
        }
        FoundingVerdict::Unavailable => StoreError::Overloaded.into(),
        FoundingVerdict::Refused | FoundingVerdict::Exceeded(_) => DocumentError::NotAdmitted,
    };
    release(shared, keyspace, Some(&refusal));
}

fn release(shared: &Arc<Shared>, keyspace: Keyspace, refusal: Option<&DocumentError>) {
    let works = shared.lock().asking.take(keyspace);
    for work in works {
        match refusal {
            Some(error) => shared.refuse(work, error.clone()),
            None => shared.submit(keyspace, work),
        }
    }
}

/// Lets a tenant in, durably, and on an account if there is one.
pub(super) fn admit(
    shared: &Arc<Shared>,
    keyspace: Keyspace,
    account: Option<TenantId>,
    done: impl FnOnce(Result<(), DocumentError>) + Send + 'static,
) {
    let now_h = shared.now_h();
    let facts = {
        let mut state = shared.lock();
        let known = state.account.get(keyspace);
        if known.is_some_and(|facts| facts.is_admitted || facts.is_erased()) {
            drop(state);
            return done(Ok(()));
        }
        let is_full =
            known.is_none() && shared.caps.tenants_max > 0 && state.account.tenants() >= shared.caps.tenants_max;
        if is_full {
            drop(state);
            return done(Err(DocumentError::Full(crate::documents::Cap::Tenants)));
        }
        state.account.update(keyspace, |facts| {
            facts.is_admitted = true;
            facts.account = account;
            facts.opened_h = if facts.opened_h == 0 { now_h } else { facts.opened_h };
        })
    };
    book::keep(&*shared.documents, keyspace, Some(&facts), done);
}
