//! Entries that waited for a parent for too long go, tenant by tenant, page by page.

use super::ORPHAN_MS;
use super::place::{forget, known_of};
use super::record::{Known, WAITS, waited_since, waiting_child, waiting_since};
use super::service::Shared;
use crate::systems::EIDETICA;
use relay_core::documents::{DocumentError, DocumentRange, Documents, Keyspace, Tenant, turn};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Waiting entries that one turn looks at.
const PAGE_ENTRIES: usize = 500;

/// What a turn came to.
struct Swept {
    expired: u64,
    /// What comes after the page.
    rest: Option<DocumentRange>,
}

/// Begins: looks at every tenant. The first one is looked at whether it is there or not.
pub(super) fn begin(shared: &Arc<Shared>) {
    let keyspace = Keyspace { system: EIDETICA, tenant: Tenant::ONLY };
    page(Arc::clone(shared), keyspace, DocumentRange::prefix(WAITS));
}

fn page(shared: Arc<Shared>, keyspace: Keyspace, range: DocumentRange) {
    let (documents, now_ms) = (Arc::clone(&shared.documents), shared.clock.now_ms());
    let run = move |documents: &mut dyn Documents| let_go(documents, &range, now_ms);
    turn(&*documents, keyspace, 0, run, move |swept| {
        // A store that refuses now is asked again by the next sweep.
        let Ok(Swept { expired, rest }) = swept else { return };
        shared.counters.expired.fetch_add(expired, Ordering::Relaxed);
        match rest {
            Some(rest) => page(shared, keyspace, rest),
            None => next_tenant(shared, keyspace),
        }
    });
}

fn next_tenant(shared: Arc<Shared>, after: Keyspace) {
    let documents = Arc::clone(&shared.documents);
    let done = Box::new(move |found: Result<Vec<Keyspace>, DocumentError>| {
        let found = found.unwrap_or_default().into_iter().next();
        if let Some(found) = found.filter(|found| found.system == EIDETICA) {
            page(shared, found, DocumentRange::prefix(WAITS));
        }
    });
    documents.document_keyspaces(Some(after), 1, done);
}

/// Looks at one page. What has no time yet has one from now on.
fn let_go(documents: &mut dyn Documents, range: &DocumentRange, now_ms: u64) -> Result<Swept, DocumentError> {
    let found = documents.scan(&range.clone().limited(PAGE_ENTRIES, usize::MAX))?;
    let mut expired = 0;
    for (key, value) in &found.items {
        match waited_since(value) {
            None => documents.put(key.clone(), waiting_since(now_ms))?,
            Some(since_ms) if since_ms.saturating_add(ORPHAN_MS) <= now_ms => {
                let known = waiting_child(key).map(|id| known_of(documents, id)).transpose()?.flatten();
                if let Some(Known::Waiting(entry)) = known {
                    forget(documents, &entry, false)?;
                    expired += 1;
                }
                documents.delete(key)?;
            }
            Some(_) => {}
        }
    }
    let last = found.items.last().filter(|_| found.more);
    Ok(Swept { expired, rest: last.map(|(last, _)| range.after(last)) })
}
