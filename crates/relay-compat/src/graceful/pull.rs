//! `POST /sync/pull`: changes of the other devices in receive order, after a cursor or a time.
//!
//! After a time means: received after it, or made after it by the maker's own clock. A page ends with a cursor, and its timestamp is
//! such that whoever asks again with it loses nothing: it runs in a turn, so whatever is stored later is received later.

use super::message::{Pull, Since, cursor_text};
use super::record::{
    CHANGES, FUTURE, Stored, change_key, future_key, received_of, received_of_future, stored, whole_ms,
};
use super::{PROTOCOL_VERSION, PULL_BYTES_MAX, PULL_CHANGES_MAX, PULL_LOOKS_MAX};
use bytes::Bytes;
use relay_core::documents::{DocumentError, DocumentRange, Documents};

/// Changes read at once.
const LOOK_AT_ONCE: usize = 200;
/// Changes of a page that are there only because of their own clock; they come again until that time has come.
const FUTURE_MAX: usize = 50;

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    changes: Vec<Bytes>,
    has_more: bool,
    cursor: u64,
    timestamp_ms: u64,
}

pub(super) fn run(documents: &mut dyn Documents, pull: &Pull, now_ms: u64) -> Result<Page, DocumentError> {
    let (after, mut changes) = match pull.since {
        Since::Cursor(cursor) => (cursor, Vec::new()),
        Since::Timestamp(since_ms) => (whole_ms(since_ms), future(documents, pull, since_ms)?),
    };
    let from = after.checked_add(1).map(change_key);
    let Some(from) = from else {
        return Ok(Page { changes, has_more: false, cursor: after, timestamp_ms: now_ms });
    };
    let mut range =
        DocumentRange::between(from, DocumentRange::prefix(vec![CHANGES]).to).limited(LOOK_AT_ONCE, PULL_BYTES_MAX);
    let (mut looked_at, mut bytes, mut last) = (0, 0_usize, after);
    let mut has_more = false;
    'pages: loop {
        let page = documents.scan(&range)?;
        for (key, value) in &page.items {
            let is_full = changes.len() >= PULL_CHANGES_MAX || bytes >= PULL_BYTES_MAX || looked_at >= PULL_LOOKS_MAX;
            if is_full {
                has_more = true;
                break 'pages;
            }
            looked_at += 1;
            last = received_of(key).unwrap_or(last);
            if let Some(json) = of_others(value, &pull.device_id) {
                bytes = bytes.saturating_add(json.len());
                changes.push(json);
            }
        }
        match page.items.last().filter(|_| page.more) {
            Some((key, _)) => range = range.after(key),
            None => break,
        }
    }
    // What was received in this very millisecond may get company.
    let timestamp_ms = if has_more { last } else { last.max(now_ms.saturating_sub(1)) };
    Ok(Page { changes, has_more, cursor: last, timestamp_ms })
}

/// The JSON of a change of another device; those that went are not there.
fn of_others(value: &Bytes, device_id: &str) -> Option<Bytes> {
    match stored(value)? {
        Stored::Live { device_id: origin, json } if origin != device_id => Some(json),
        _ => None,
    }
}

/// Changes that were received up to a time and made after it.
fn future(documents: &dyn Documents, pull: &Pull, since_ms: f64) -> Result<Vec<Bytes>, DocumentError> {
    let from = future_key(since_ms + 1.0, 0);
    let range = DocumentRange::between(from, DocumentRange::prefix(vec![FUTURE]).to).limited(FUTURE_MAX, usize::MAX);
    let mut changes = Vec::new();
    for (key, _) in documents.scan(&range)?.items {
        let received_ms = received_of_future(&key).filter(|received_ms| *received_ms <= whole_ms(since_ms));
        let Some(received_ms) = received_ms else { continue };
        let value = documents.get(&change_key(received_ms))?;
        changes.extend(value.and_then(|value| of_others(&value, &pull.device_id)));
    }
    Ok(changes)
}

impl Page {
    /// The body: changes are put in as they were stored.
    pub(super) fn body(&self) -> Vec<u8> {
        let Self { changes, has_more, cursor, timestamp_ms } = self;
        let mut body = format!(r#"{{"protocol_version":"{PROTOCOL_VERSION}","changes":["#).into_bytes();
        body.extend_from_slice(&changes.join(&b','));
        let cursor = cursor_text(*cursor);
        body.extend_from_slice(
            format!(r#"],"has_more":{has_more},"cursor":"{cursor}","timestamp":{timestamp_ms}}}"#).as_bytes(),
        );
        body
    }
}
