//! `POST /sync/ack` and `POST /sync/devices`: a tenant that declares its devices lets changes go that all of them hold. Without a
//! declared set nothing goes before its time: a device nobody knows of may still want it. Nor does anything of the tenant of those
//! who show no token: strangers share it, and their word for who they are must not take what others still want.

use super::PROTOCOL_VERSION;
use super::accept::QUOTA;
use super::message::{Ack, Rejected};
use super::record::{DEVICES, Named, Stored, change_key, gone_value, held_key, id_key, number_of, stored};
use bytes::Bytes;
use relay_core::documents::{DocumentError, Documents, Tenant};
use serde_json::{Value, json};

/// What an ack came to.
#[derive(Debug, Default)]
pub(super) struct Acked {
    acknowledged: Vec<String>,
    unknown: Vec<String>,
    rejected: Vec<Rejected>,
    deleted: u64,
}

/// What became of the word that a device holds a change.
#[derive(PartialEq, Eq)]
enum Noted {
    Kept,
    /// All hold it: the change went.
    Deleted,
    /// The tenant holds as much as it may.
    NoRoom,
}

/// Whether a tenant's devices may be declared, and changes go by their acks.
pub(super) fn may_declare(tenant: Tenant) -> bool {
    tenant != Tenant::ONLY
}

pub(super) fn run(
    documents: &mut dyn Documents,
    ack: Ack,
    tenant: Tenant,
    tenant_bytes_max: u64,
) -> Result<Acked, DocumentError> {
    // A set that is there all the same was declared before it was refused.
    let devices = if may_declare(tenant) { declared(documents)? } else { Vec::new() };
    let mut acked = Acked::default();
    for id in ack.ids {
        let known = documents.get(&id_key(&id))?.and_then(|value| number_of(&value));
        let Some(received_ms) = known else {
            acked.unknown.push(id);
            continue;
        };
        if devices.contains(&ack.device_id) {
            match note(documents, &devices, &ack.device_id, (received_ms, &id), tenant_bytes_max)? {
                Noted::Kept => {}
                Noted::Deleted => acked.deleted += 1,
                Noted::NoRoom => {
                    acked.rejected.push(Rejected { id, reason: QUOTA });
                    continue;
                }
            }
        }
        acked.acknowledged.push(id);
    }
    Ok(acked)
}

/// Notes that a device holds a change, or lets the change go when that was the last declared device but its maker. So a tenant
/// that is full gets room by acks.
fn note(
    documents: &mut dyn Documents,
    devices: &[String],
    device_id: &str,
    (received_ms, id): (u64, &str),
    tenant_bytes_max: u64,
) -> Result<Noted, DocumentError> {
    let mark = held_key(received_ms, device_id);
    let value = documents.get(&change_key(received_ms))?;
    let Some(Stored::Live { device_id: origin, json }) = value.as_ref().and_then(stored) else {
        return Ok(Noted::Kept);
    };
    let mut others = devices.iter().filter(|device| **device != origin && **device != device_id);
    if others.try_fold(true, |all, device| {
        Ok::<_, DocumentError>(all && documents.get(&held_key(received_ms, device))?.is_some())
    })? {
        let entity = Named::of(&json).map(|named| named.entity_key());
        let entity = entity.map(|key| Ok::<_, DocumentError>(documents.get(&key)?.map(|_| key))).transpose()?.flatten();
        // Its id is remembered, so that a late retry does not bring it back.
        documents.put(change_key(received_ms), gone_value(id, entity.as_deref()))?;
        for device in devices {
            documents.delete(&held_key(received_ms, device))?;
        }
        return Ok(Noted::Deleted);
    }
    if documents.get(&mark)?.is_none() {
        if documents.usage()?.bytes.saturating_add(mark.len() as u64) > tenant_bytes_max {
            return Ok(Noted::NoRoom);
        }
        documents.put(mark, Bytes::new())?;
    }
    Ok(Noted::Kept)
}

/// The declared devices; none when no set is declared.
pub(super) fn declared(documents: &dyn Documents) -> Result<Vec<String>, DocumentError> {
    let stored = documents.get(DEVICES)?;
    Ok(stored.and_then(|value| serde_json::from_slice(&value).ok()).unwrap_or_default())
}

/// Declares the set anew; an empty one is none. A tenant that would hold too much withdraws it.
pub(super) fn declare(
    documents: &mut dyn Documents,
    devices: &[String],
    tenant_bytes_max: u64,
) -> Result<(), DocumentError> {
    let before = documents.usage()?.bytes;
    documents.delete(DEVICES)?;
    if devices.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_vec(devices).map_err(|_| DocumentError::Withdrawn)?;
    documents.put(Bytes::from_static(DEVICES), json.into())?;
    let after = documents.usage()?.bytes;
    if after > before && after > tenant_bytes_max {
        return Err(DocumentError::Withdrawn);
    }
    Ok(())
}

impl Acked {
    pub(super) fn body(&self, now_ms: u64) -> Value {
        let rejected: Vec<_> = self.rejected.iter().map(Rejected::body).collect();
        json!({
            "protocol_version": PROTOCOL_VERSION,
            "success": self.rejected.is_empty(),
            "acknowledged": self.acknowledged,
            "unknown": self.unknown,
            "rejected": rejected,
            "deleted": self.deleted,
            "timestamp": now_ms,
        })
    }
}
