//! `GET /sync/export` and `POST /sync/import`: the file in which a tenant moves from one relay to another.

use super::accept::{Rules, Verdict, accept};
use super::ack::declared;
use super::answer::Refused;
use super::message::{change, cursor_text, object};
use super::notify::SOURCES_MAX;
use super::record::{CHANGES, Stored, change_key, received_of, stored};
use super::{PROTOCOL_VERSION, PUSH_CHANGES_MAX};
use bytes::Bytes;
use relay_core::documents::{DocumentError, DocumentRange, Documents};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Bytes of changes in one export; what is beyond comes after its cursor.
const EXPORT_BYTES_MAX: usize = 8 * 1024 * 1024;
const LOOK_AT_ONCE: usize = 500;

/// One part of the export.
pub(super) struct Export {
    changes: Vec<Bytes>,
    devices: BTreeSet<String>,
    last: u64,
    has_more: bool,
}

pub(super) fn run(documents: &mut dyn Documents, after: u64) -> Result<Export, DocumentError> {
    let from = change_key(after.saturating_add(1));
    let mut range =
        DocumentRange::between(from, DocumentRange::prefix(vec![CHANGES]).to).limited(LOOK_AT_ONCE, EXPORT_BYTES_MAX);
    let devices = declared(documents)?.into_iter().collect();
    let mut export = Export { changes: Vec::new(), devices, last: after, has_more: false };
    let mut bytes = 0_usize;
    loop {
        let page = documents.scan(&range)?;
        for (key, value) in &page.items {
            export.last = received_of(key).unwrap_or(export.last);
            if let Some(Stored::Live { device_id, json }) = stored(value) {
                bytes = bytes.saturating_add(json.len());
                export.devices.insert(device_id);
                export.changes.push(json);
            }
        }
        let Some((key, _)) = page.items.last().filter(|_| page.more) else { return Ok(export) };
        if bytes >= EXPORT_BYTES_MAX || export.changes.len() >= PUSH_CHANGES_MAX {
            export.has_more = true;
            return Ok(export);
        }
        range = range.after(key);
    }
}

impl Export {
    pub(super) fn body(&self, user_id: &str, now_ms: u64) -> Vec<u8> {
        let head = json!({
            "version": PROTOCOL_VERSION,
            "export_date": now_ms,
            "user_id": user_id,
            "devices": self.devices,
            "has_more": self.has_more,
            "cursor": cursor_text(self.last),
        });
        let mut body = head.to_string().into_bytes();
        body.pop();
        body.extend_from_slice(br#","changes":["#);
        body.extend_from_slice(&self.changes.join(&b','));
        body.extend_from_slice(b"]}");
        body
    }
}

/// Changes of a file, each with its device; every one must be whole.
pub(super) fn read(body: &[u8]) -> Result<Vec<(String, super::record::Change)>, Refused> {
    let mut file = object(body)?;
    let Some(Value::Array(changes)) = file.remove("changes").filter(|_| file.contains_key("version")) else {
        return Err(Refused::invalid("This is not an export file", &["version", "changes"]));
    };
    if changes.len() > PUSH_CHANGES_MAX {
        return Err(Refused::invalid("Too many changes in one import; split the file", &[]));
    }
    let whole = |value: Value| {
        let device_id = value.get("device_id").and_then(Value::as_str).filter(|id| !id.is_empty())?.to_owned();
        change(value).ok().map(|change| (device_id, change))
    };
    let read: Option<Vec<_>> = changes.into_iter().map(whole).collect();
    read.ok_or_else(|| Refused::invalid("A change in the file is not whole", &["device_id", "id"]))
}

/// What an import came to.
#[derive(Debug, Default)]
pub(super) struct Imported {
    imported: u64,
    held: u64,
    rejected: u64,
    /// Devices that changes are of which were not here: the others have something new to pull. So many of them that every device
    /// hears of one that it is not, and of as many as wait for a socket.
    pub(super) sources: BTreeSet<String>,
}

/// Stores what is not held yet.
pub(super) fn import(
    documents: &mut dyn Documents,
    changes: &[(String, super::record::Change)],
    rules: Rules,
) -> Result<Imported, DocumentError> {
    let mut came = Imported::default();
    for (device_id, change) in changes {
        match accept(documents, change, device_id, Rules { strict: false, ..rules })? {
            Verdict::Stored => {
                came.imported += 1;
                if came.sources.len() <= SOURCES_MAX {
                    came.sources.insert(device_id.clone());
                }
            }
            Verdict::Held => came.held += 1,
            Verdict::Rejected(_) => came.rejected += 1,
        }
    }
    Ok(came)
}

impl Imported {
    pub(super) fn body(&self, now_ms: u64) -> Value {
        json!({
            "protocol_version": PROTOCOL_VERSION,
            "success": self.rejected == 0,
            "imported": self.imported,
            "held": self.held,
            "rejected": self.rejected,
            "timestamp": now_ms,
        })
    }
}
