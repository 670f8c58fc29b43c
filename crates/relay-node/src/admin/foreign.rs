//! Tenants of the foreign systems for the operator: pseudonyms, amounts and hours, and their end.

use crate::compat::{Compat, name_of};
use crate::erasure;
use crate::events::EventQueue;
use crate::failure::Failure;
use crate::native::Native;
use crate::stats::number;
use napi_derive::napi;
use relay_compat::eidetica::tree_range;
use relay_compat::systems::EIDETICA;
use relay_core::documents::{DocumentError, DocumentStore, Keyspace, Tenant};
use relay_core::foreign::{ForeignTenants, TenantFacts};
use relay_core::store::StoreError;
use sha2::{Digest, Sha256};
use std::sync::mpsc::sync_channel;

/// Most tenants of one answer.
const PAGE_MAX: usize = 100;
/// Trees of one tenant that are counted.
const TREES_COUNTED_MAX: usize = 1000;
const HOUR_MS: u64 = 3_600_000;
/// What stands for a tenant where pseudonyms are made of ids.
const ID_DOMAIN: &[u8] = b"sealrelay/v1/foreign tenant";

/// A page of foreign tenants.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelayForeignPage {
    /// In an order of their own, which stays: by system.
    pub tenants: Vec<RelayForeignRow>,
    /// Where the next page starts; null for none.
    pub next: Option<String>,
    /// Topics of PluresDB that somebody is in; null while it is off.
    pub topics: Option<i64>,
    /// Peers in them.
    pub topic_peers: Option<i64>,
}

/// One foreign tenant.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelayForeignRow {
    /// Its pseudonym.
    pub pseudonym: String,
    /// `graceful`, `gun` or `eidetica`.
    pub system: String,
    /// Whether it is that of those who show no token.
    pub shared: bool,
    /// Whether somebody let it in, or the operator named it.
    pub admitted: bool,
    /// Records that it keeps.
    pub records: i64,
    /// Bytes of them.
    pub bytes: i64,
    /// Trees among them; null where its protocol has none, and with more than 1,000.
    pub trees: Option<i64>,
    /// Open WebSockets.
    pub connections: i64,
    /// When it was opened, to the hour, Unix ms; null where that is not known.
    pub opened_ms: Option<i64>,
    /// When something was written last, to the hour, Unix ms; null where that is not known.
    pub last_write_ms: Option<i64>,
    /// When the operator erased it, to the hour, Unix ms; null: it was not. Until half a year later it takes nothing.
    pub erased_ms: Option<i64>,
    /// It is being erased.
    pub erasing: bool,
}

fn pseudonym(native: &Native, keyspace: Keyspace) -> String {
    let digest = Sha256::new().chain_update(ID_DOMAIN).chain_update([keyspace.system]).chain_update(keyspace.tenant.0);
    native.pseudonyms().of(&digest.finalize().into())
}

fn unknown() -> Failure {
    Failure::new("tenant_unknown", "no foreign tenant has this pseudonym")
}

/// The tenant with a pseudonym; looks at all of them.
fn find(native: &Native, tenants: &ForeignTenants, wanted: &str) -> Result<Keyspace, Failure> {
    let mut after = None;
    loop {
        let page = tenants.after(after, PAGE_MAX);
        if let Some((keyspace, _)) = page.iter().find(|(keyspace, _)| pseudonym(native, *keyspace) == wanted) {
            return Ok(*keyspace);
        }
        after = page.last().map(|(keyspace, _)| *keyspace);
        if after.is_none() {
            return Err(unknown());
        }
    }
}

/// Counts the trees of a tenant, if they are not too many to be counted for a list.
fn trees(compat: &Compat, keyspace: Keyspace) -> Option<i64> {
    let (send, receive) = sync_channel(1);
    let range = tree_range().limited(TREES_COUNTED_MAX, usize::MAX);
    // A closed store lets the question go.
    compat.tenants()?.document_scan(keyspace, range, Box::new(move |page| drop(send.send(page))));
    let page = receive.recv().ok()?.ok()?;
    (!page.more).then(|| number(u64::try_from(page.items.len()).unwrap_or(u64::MAX)))
}

fn row(native: &Native, compat: &Compat, keyspace: Keyspace, facts: &TenantFacts) -> RelayForeignRow {
    let hour = |hour: u32| (hour > 0).then(|| number(u64::from(hour).saturating_mul(HOUR_MS)));
    RelayForeignRow {
        pseudonym: pseudonym(native, keyspace),
        system: name_of(keyspace.system).to_owned(),
        shared: keyspace.tenant == Tenant::ONLY,
        admitted: facts.is_admitted,
        records: number(facts.usage.keys),
        bytes: number(facts.usage.bytes),
        trees: if keyspace.system == EIDETICA { trees(compat, keyspace) } else { None },
        connections: number(compat.connections(keyspace)),
        opened_ms: hour(facts.opened_h),
        last_write_ms: hour(facts.used_h),
        erased_ms: hour(facts.erased_h),
        erasing: facts.is_erasing,
    }
}

/// A page of tenants behind the one with the pseudonym `after`.
pub(crate) fn page(
    native: &Native,
    compat: &Compat,
    after: Option<&str>,
    count: u32,
) -> Result<RelayForeignPage, Failure> {
    let count = usize::try_from(count).unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let found = match compat.tenants() {
        Some(tenants) => {
            let after = after.map(|after| find(native, tenants, after)).transpose()?;
            tenants.after(after, count)
        }
        None => Vec::new(),
    };
    let last = found.last().filter(|_| found.len() == count);
    let plures = compat.plures_stats();
    Ok(RelayForeignPage {
        next: last.map(|(keyspace, _)| pseudonym(native, *keyspace)),
        tenants: found.iter().map(|(keyspace, facts)| row(native, compat, *keyspace, facts)).collect(),
        topics: plures.map(|plures| number(plures.topics)),
        topic_peers: plures.map(|plures| number(plures.peers)),
    })
}

/// Erases a tenant; returns once nothing of it is left in the files, or says that it goes on.
pub(crate) fn erase(native: &Native, compat: &Compat, pseudonym: &str) -> Result<(), Failure> {
    let tenants = compat.tenants().ok_or_else(unknown)?;
    let keyspace = find(native, tenants, pseudonym)?;
    let (send, receive) = sync_channel(1);
    let done = move |erased: Result<(), DocumentError>| {
        let erased = erased.map_err(|error| match error {
            DocumentError::Store(error) => error,
            _ => StoreError::Overloaded,
        });
        // Nobody waits when the relay is stopped meanwhile.
        drop(send.send(erased));
    };
    tenants.erase(keyspace, Box::new(done));
    erasure::wait(&receive)
}

/// Tells of tenants that were opened since the last look, by pseudonym.
pub(crate) fn report_opened(native: &Native, compat: &Compat, events: &EventQueue) {
    let opened = compat.tenants().map(ForeignTenants::take_opened).unwrap_or_default();
    for keyspace in opened {
        let message = format!("a tenant of {} was opened", name_of(keyspace.system));
        events.push_about(Some(pseudonym(native, keyspace)), "info", "foreign_tenant_opened", message);
    }
}
