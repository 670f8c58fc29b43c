//! `POST /sync/ack` and `POST /sync/devices`: a tenant that declares its devices lets changes go that all of them hold. Without a
//! declared set nothing goes before its time: a device nobody knows of may still want it. Nor does anything of the tenant of those
//! who show no token: strangers share it, and their word for who they are must not take what others still want.

use super::PROTOCOL_VERSION;
use super::message::Ack;
use super::record::{DEVICES, Stored, change_key, gone_value, held_key, id_key, number_of, stored};
use bytes::Bytes;
use relay_core::documents::{DocumentError, Documents, Tenant};
use serde_json::{Value, json};

/// What an ack came to.
#[derive(Debug, Default)]
pub(super) struct Acked {
    acknowledged: Vec<String>,
    unknown: Vec<String>,
    deleted: u64,
}

/// Whether a tenant's devices may be declared, and changes go by their acks.
pub(super) fn may_declare(tenant: Tenant) -> bool {
    tenant != Tenant::ONLY
}

pub(super) fn run(documents: &mut dyn Documents, ack: Ack, tenant: Tenant) -> Result<Acked, DocumentError> {
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
            documents.put(held_key(received_ms, &ack.device_id), Bytes::new())?;
            acked.deleted += u64::from(let_go(documents, &devices, received_ms, &id)?);
        }
        acked.acknowledged.push(id);
    }
    Ok(acked)
}

/// Lets a change go when every declared device but its maker holds it; whether it went.
fn let_go(
    documents: &mut dyn Documents,
    devices: &[String],
    received_ms: u64,
    id: &str,
) -> Result<bool, DocumentError> {
    let value = documents.get(&change_key(received_ms))?;
    let Some(Stored::Live { device_id: origin, .. }) = value.as_ref().and_then(stored) else { return Ok(false) };
    for device in devices.iter().filter(|device| **device != origin) {
        if documents.get(&held_key(received_ms, device))?.is_none() {
            return Ok(false);
        }
    }
    // Its id is remembered, so that a late retry does not bring it back.
    documents.put(change_key(received_ms), gone_value(id))?;
    for device in devices {
        documents.delete(&held_key(received_ms, device))?;
    }
    Ok(true)
}

/// The declared devices; none when no set is declared.
pub(super) fn declared(documents: &dyn Documents) -> Result<Vec<String>, DocumentError> {
    let stored = documents.get(DEVICES)?;
    Ok(stored.and_then(|value| serde_json::from_slice(&value).ok()).unwrap_or_default())
}

/// Declares the set anew; an empty one is none.
pub(super) fn declare(documents: &mut dyn Documents, devices: &[String]) -> Result<(), DocumentError> {
    if devices.is_empty() {
        return documents.delete(DEVICES).map(|_| ());
    }
    let json = serde_json::to_vec(devices).map_err(|_| DocumentError::Withdrawn)?;
    documents.put(Bytes::from_static(DEVICES), json.into())
}

impl Acked {
    pub(super) fn body(&self, now_ms: u64) -> Value {
        json!({
            "protocol_version": PROTOCOL_VERSION,
            "success": true,
            "acknowledged": self.acknowledged,
            "unknown": self.unknown,
            "deleted": self.deleted,
            "timestamp": now_ms,
        })
    }
}
