//! Tenants as TypeScript names them: an id is 32 hexadecimal digits, made of the name by the control plane.

use crate::config::{RelayConfig, RelayTenantLimits, count};
use crate::failure::Failure;
use crate::native::Native;
use crate::stats::number;
use napi_derive::napi;
use relay_core::tenants::{TENANT_ID_BYTES, TenantId, TenantLimits, TenantPlan, TenantRecords, TenantView};
use relay_store::data_dir::DirError;
use relay_store::open::OpenError;
use relay_store::tenant_book::TenantBook;
use relay_store::vfs::RealVfs;
use std::path::Path;
use std::sync::Arc;

/// Most tenants of one answer.
const PAGE_MAX: usize = 1000;

/// A page of tenants.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelayTenantPage {
    /// Ascending by id.
    pub tenants: Vec<RelayTenantRow>,
    /// Where the next page starts; null for none.
    pub next: Option<String>,
}

/// One tenant: what it takes, and what it may.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelayTenantRow {
    /// Its id: 32 hexadecimal digits.
    pub tenant: String,
    /// Spaces on its account.
    pub spaces: i64,
    /// Open sessions.
    pub connections: i64,
    /// Sessions it may have; 0 is no limit, as for every limit here.
    pub connections_max: i64,
    /// Entries held; null when they are not counted, or not counted yet.
    pub entries: Option<i64>,
    /// Entries it may hold.
    pub entries_max: i64,
    /// Sealed bytes held; null as for entries.
    pub bytes: Option<i64>,
    /// Sealed bytes it may hold.
    pub bytes_max: i64,
    /// Pushes in a second.
    pub pushes_per_second_max: i64,
}

/// Reads an id.
pub(crate) fn id(text: &str) -> Result<TenantId, Failure> {
    let invalid = || Failure::config(format!("tenant: {text:?} is not 32 hexadecimal digits, or all of them are zero"));
    let mut id = [0; TENANT_ID_BYTES];
    hex::decode_to_slice(text, &mut id).map_err(|_| invalid())?;
    if id == [0; TENANT_ID_BYTES] { Err(invalid()) } else { Ok(TenantId(id)) }
}

fn limits(limits: &RelayTenantLimits) -> Result<TenantLimits, Failure> {
    Ok(TenantLimits {
        entries_max: count("tenantEntriesMax", limits.entries_max)?,
        bytes_max: count("tenantBytesMax", limits.bytes_max)?,
        sessions_max: count("tenantConnectionsMax", limits.connections_max)?,
        pushes_per_second_max: count("tenantPushesPerSecondMax", limits.pushes_per_second_max)?,
    })
}

/// What the rules are told of tenants.
pub(crate) fn with_plan(
    config: &RelayConfig,
    book: Arc<TenantBook>,
) -> Result<(TenantPlan, Arc<dyn TenantRecords>), Failure> {
    Ok((plan(config)?, book))
}

fn plan(config: &RelayConfig) -> Result<TenantPlan, Failure> {
    let own = config.tenants.own.iter().map(|own| Ok((id(&own.tenant)?, limits(&own.limits)?)));
    Ok(TenantPlan { general: limits(&config.tenants.general)?, own: own.collect::<Result<_, Failure>>()? })
}

/// The book of a data directory; none where no space is on anybody's account and none can come to be.
pub(crate) fn open(config: &RelayConfig, data_dir: &Path) -> Result<Option<Arc<TenantBook>>, Failure> {
    let failure = |error: DirError| Failure::from(OpenError::Dir(error));
    if !config.asks_to_found && !TenantBook::exists(&RealVfs, data_dir).map_err(failure)? {
        return Ok(None);
    }
    let book = TenantBook::open(Arc::new(RealVfs), data_dir).map_err(failure)?;
    Ok(Some(Arc::new(book)))
}

/// A page of tenants behind the one with the id `after`.
pub(crate) fn page(native: &Native, after: Option<&str>, count: u32) -> Result<RelayTenantPage, Failure> {
    let after = after.map(id).transpose()?;
    let count = usize::try_from(count).unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let found = native.relay().tenants(after, count);
    let next = found.last().filter(|_| found.len() == count).map(|view| hex::encode(view.tenant.0));
    Ok(RelayTenantPage { tenants: found.iter().map(row).collect(), next })
}

fn row(view: &TenantView) -> RelayTenantRow {
    RelayTenantRow {
        tenant: hex::encode(view.tenant.0),
        spaces: number(view.spaces),
        connections: number(view.sessions),
        connections_max: number(view.limits.sessions_max),
        entries: view.held.map(|(entries, _)| number(entries)),
        entries_max: number(view.limits.entries_max),
        bytes: view.held.map(|(_, bytes)| number(bytes)),
        bytes_max: number(view.limits.bytes_max),
        pushes_per_second_max: i64::from(view.limits.pushes_per_second_max),
    }
}
