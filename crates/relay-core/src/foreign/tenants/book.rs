//! What is kept of a tenant beside its documents: one small document each, in a keyspace that no system has.
//!
//! ```text
//! <system u8> <tenant 16> → 1 · flags u8 (1: let in, 2: being erased) · opened u32 · used u32 · erased u32, in hours since 1970
//!                          · account 16, of those that are on one
//! ```

use super::account::TenantFacts;
use crate::documents::{Change, DocumentError, DocumentRange, DocumentStore, Keyspace, Page, Tenant, Usage, write};
use crate::tenants::TenantId;
use bytes::Bytes;
use std::sync::mpsc::channel;

/// The number of no foreign system.
pub const TENANT_BOOK_SYSTEM: u8 = 0;
const BOOK: Keyspace = Keyspace { system: TENANT_BOOK_SYSTEM, tenant: Tenant::ONLY };
const FORMAT: u8 = 1;
const ADMITTED: u8 = 1;
const ERASING: u8 = 2;
/// Rows, or keyspaces, read at once.
const PAGE_ITEMS: usize = 1000;

fn key(keyspace: Keyspace) -> Bytes {
    [&[keyspace.system][..], &keyspace.tenant.0].concat().into()
}

fn keyspace_of(key: &[u8]) -> Option<Keyspace> {
    let (system, tenant) = key.split_first()?;
    Some(Keyspace { system: *system, tenant: Tenant(tenant.try_into().ok()?) })
}

fn value(facts: &TenantFacts) -> Bytes {
    let flags = if facts.is_admitted { ADMITTED } else { 0 } | if facts.is_erasing { ERASING } else { 0 };
    let hours = [facts.opened_h, facts.used_h, facts.erased_h].map(u32::to_be_bytes);
    let account = facts.account.map(|account| account.0);
    let account = account.as_ref().map(|account| &account[..]).unwrap_or_default();
    [&[FORMAT, flags][..], hours.as_flattened(), account].concat().into()
}

fn facts_of(value: &[u8]) -> Option<TenantFacts> {
    let (head, rest) = value.split_first_chunk::<2>()?;
    let (hours, account) = rest.split_first_chunk::<12>()?;
    let account = if account.is_empty() { None } else { Some(TenantId(account.try_into().ok()?)) };
    let [FORMAT, flags] = *head else { return None };
    let hour = |at: usize| hours.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
    Some(TenantFacts {
        usage: Usage::default(),
        opened_h: hour(0),
        used_h: hour(4),
        erased_h: hour(8),
        is_admitted: flags & ADMITTED != 0,
        is_erasing: flags & ERASING != 0,
        account,
    })
}

/// Keeps a tenant's row; removes it when there is nothing to keep.
pub(super) fn keep(
    documents: &dyn DocumentStore,
    keyspace: Keyspace,
    facts: Option<&TenantFacts>,
    done: impl FnOnce(Result<(), DocumentError>) + Send + 'static,
) {
    let change = match facts {
        Some(facts) => Change::Put(key(keyspace), value(facts)),
        None => Change::Delete(key(keyspace)),
    };
    write(documents, BOOK, vec![change], Box::new(move |kept| done(kept.map(|_| ()))));
}

/// Waits for a read; a store that lets its completions go is closed.
fn waited<T: Send + 'static>(
    ask: impl FnOnce(Box<dyn FnOnce(Result<T, DocumentError>) + Send>),
) -> Result<T, DocumentError> {
    let (send, receive) = channel();
    ask(Box::new(move |found| drop(send.send(found))));
    receive.recv().unwrap_or(Err(DocumentError::Store(crate::store::StoreError::Closed)))
}

/// All tenants that keep something or have a row. Blocks.
pub(super) fn read_all(documents: &dyn DocumentStore) -> Result<Vec<(Keyspace, TenantFacts)>, DocumentError> {
    let mut rows = std::collections::BTreeMap::new();
    let mut range = DocumentRange::all().limited(PAGE_ITEMS, usize::MAX);
    loop {
        let page: Page = waited(|done| documents.document_scan(BOOK, range.clone(), done))?;
        rows.extend(page.items.iter().filter_map(|(key, value)| Some((keyspace_of(key)?, facts_of(value)?))));
        let Some((last, _)) = page.items.last().filter(|_| page.more) else { break };
        range = range.after(last);
    }
    let mut after = Some(BOOK);
    loop {
        let found = waited(|done| documents.document_keyspaces(after, PAGE_ITEMS, done))?;
        for keyspace in &found {
            let usage = waited(|done| documents.document_usage(*keyspace, done))?;
            rows.entry(*keyspace).or_default().usage = usage;
        }
        after = found.last().copied();
        if found.len() < PAGE_ITEMS {
            return Ok(rows.into_iter().collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{facts_of, keep, key, keyspace_of, read_all, value};
    use crate::documents::{Change, Keyspace, MemoryDocuments, Tenant, Usage, write};
    use crate::foreign::TenantFacts;
    use crate::tenants::TenantId;

    const ONE: Keyspace = Keyspace { system: 2, tenant: Tenant([7; 16]) };

    #[test]
    fn rows_come_back() {
        for is_erasing in [false, true] {
            let facts = TenantFacts {
                opened_h: 1,
                used_h: 2,
                erased_h: 3,
                is_admitted: !is_erasing,
                is_erasing,
                account: is_erasing.then_some(TenantId([9; 16])),
                ..TenantFacts::default()
            };
            assert_eq!(facts_of(&value(&facts)), Some(facts));
        }
        assert_eq!(keyspace_of(&key(ONE)), Some(ONE));
        assert_eq!((facts_of(b"\x02"), keyspace_of(b"\x02")), (None, None));
    }

    #[test]
    fn tenants_are_those_with_documents_or_a_row() {
        let documents = MemoryDocuments::new();
        let other = Keyspace { system: 1, tenant: Tenant::ONLY };
        write(&documents, other, vec![Change::Put("k".into(), "v".into())], Box::new(|_| {}));
        keep(&documents, ONE, Some(&TenantFacts { is_admitted: true, ..TenantFacts::default() }), |_| {});
        let rows = read_all(&documents).unwrap();
        assert_eq!(rows.iter().map(|(keyspace, _)| *keyspace).collect::<Vec<_>>(), [other, ONE]);
        assert_eq!((rows[0].1.usage, rows[1].1.is_admitted), (Usage { keys: 1, bytes: 2 }, true));
        keep(&documents, ONE, None, |_| {});
        assert_eq!(read_all(&documents).unwrap().len(), 1);
    }
}
