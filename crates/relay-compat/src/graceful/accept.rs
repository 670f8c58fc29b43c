//! Storing one change: once, in receive order, within the tenant's quota.

use super::record::{
    Change, NEWEST, change_key, entity_key, entity_value, future_key, hash_of, id_key, id_value, live_value,
    newest_of_entity, number_of, whole_ms,
};
use bytes::Bytes;
use relay_core::documents::{DocumentError, Documents};

pub(super) const DUPLICATE: &str = "Duplicate or outdated change";
pub(super) const QUOTA: &str = "Storage quota exceeded";

/// How changes are judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Refuses ids that are known and changes that are not newer than their entity, as the original does.
    pub(super) strict: bool,
    /// Bytes a tenant may hold.
    pub(super) tenant_bytes_max: u64,
    pub(super) now_ms: u64,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Stored,
    /// The same change of the same device is there already: a retry.
    Held,
    Rejected(&'static str),
}

pub(super) fn accept(
    documents: &mut dyn Documents,
    change: &Change,
    device_id: &str,
    rules: Rules,
) -> Result<Verdict, DocumentError> {
    let json = change.json(device_id);
    let hash = hash_of(&json);
    let id_key = id_key(&change.id);
    if let Some(known) = documents.get(&id_key)? {
        let is_same = known.get(8..) == Some(&hash[..]);
        return Ok(if is_same && !rules.strict { Verdict::Held } else { Verdict::Rejected(DUPLICATE) });
    }
    let entity_key = entity_key(&change.entity_type, &change.entity_id);
    if rules.strict {
        let newest = documents.get(&entity_key)?.and_then(|value| newest_of_entity(&value));
        if newest.is_some_and(|newest| newest >= change.timestamp_ms()) {
            return Ok(Verdict::Rejected(DUPLICATE));
        }
    }
    if documents.usage()?.bytes.saturating_add(json.len() as u64) > rules.tenant_bytes_max {
        return Ok(Verdict::Rejected(QUOTA));
    }
    let newest = documents.get(NEWEST)?.and_then(|value| number_of(&value)).unwrap_or(0);
    let received_ms = rules.now_ms.max(newest.saturating_add(1));
    documents.put(Bytes::from_static(NEWEST), Bytes::copy_from_slice(&received_ms.to_be_bytes()))?;
    documents.put(change_key(received_ms), live_value(device_id, &json))?;
    documents.put(id_key, id_value(received_ms, &hash))?;
    if whole_ms(change.timestamp_ms()) > received_ms {
        documents.put(future_key(change.timestamp_ms(), received_ms), Bytes::new())?;
    }
    if rules.strict {
        documents.put(entity_key, entity_value(change.timestamp_ms(), received_ms))?;
    }
    Ok(Verdict::Stored)
}
