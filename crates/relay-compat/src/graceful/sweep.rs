//! Retention: changes that were received long ago go, tenant by tenant, in small works.

use super::DEVICES_MAX;
use super::record::{
    CHANGES, FUTURE, Named, Stored, held_prefix, id_key, received_of, received_of_entity, received_of_future, stored,
};
use crate::systems::GRACEFUL;
use relay_core::documents::limits::RANGE_DELETES_MAX;
use relay_core::documents::{DocumentError, DocumentRange, DocumentStore, Documents, Keyspace, Tenant, turn};
use std::sync::Arc;

/// Changes that go in one work.
const PIECE: usize = 32;
/// Bytes of changes looked at in one work.
const PIECE_BYTES: usize = 4 * 1024 * 1024;
/// Marks of devices that go with one change; all of a work fit into what one work may delete.
const HELD_MAX: usize = DEVICES_MAX;
const _: () = assert!(PIECE * HELD_MAX <= RANGE_DELETES_MAX);

/// Begins: lets go what was received before a time, of every tenant. The first one is looked at whether it is there or not.
pub(super) fn begin(store: &Arc<dyn DocumentStore>, before_ms: u64) {
    piece(Arc::clone(store), Keyspace { system: GRACEFUL, tenant: Tenant::ONLY }, before_ms);
}

fn piece(store: Arc<dyn DocumentStore>, keyspace: Keyspace, before_ms: u64) {
    let next = Arc::clone(&store);
    let run = move |documents: &mut dyn Documents| let_go(documents, before_ms);
    turn(&*store, keyspace, 0, run, move |gone| match gone {
        Ok(PIECE..) => piece(next, keyspace, before_ms),
        // A store that refuses now is asked again by the next sweep.
        Err(_) => {}
        Ok(_) => {
            let store = Arc::clone(&next);
            let done = Box::new(move |found: Result<Vec<Keyspace>, DocumentError>| {
                let found = found.unwrap_or_default().into_iter().next();
                if let Some(found) = found.filter(|found| found.system == GRACEFUL) {
                    piece(store, found, before_ms);
                }
            });
            next.document_keyspaces(Some(keyspace), 1, done);
        }
    });
}

/// Forgets an entity's greatest own time with the change that had it. Where only the time was kept nobody knows which that was: it
/// goes with the first one.
fn forget_entity(documents: &mut dyn Documents, key: &[u8], received_ms: u64) -> Result<(), DocumentError> {
    let Some(value) = documents.get(key)? else { return Ok(()) };
    if received_of_entity(&value).is_none_or(|of| of == received_ms) {
        documents.delete(key)?;
    }
    Ok(())
}

/// Removes the oldest changes that are old enough, with everything that belongs to them; how many.
fn let_go(documents: &mut dyn Documents, before_ms: u64) -> Result<usize, DocumentError> {
    let oldest = documents.scan(&DocumentRange::prefix(vec![CHANGES]).limited(PIECE, PIECE_BYTES))?;
    let mut gone = 0;
    for (key, value) in &oldest.items {
        let Some(received_ms) = received_of(key).filter(|received_ms| *received_ms < before_ms) else { break };
        let (id, entity) = match stored(value) {
            Some(Stored::Live { json, .. }) => {
                Named::of(&json).map_or((None, None), |named| (Some(named.id.clone()), Some(named.entity_key())))
            }
            Some(Stored::Gone { id, entity }) => (Some(id), entity),
            None => (None, None),
        };
        if let Some(id) = id {
            documents.delete(&id_key(&id))?;
        }
        if let Some(entity) = entity {
            forget_entity(documents, &entity, received_ms)?;
        }
        documents.delete_range(&DocumentRange::prefix(held_prefix(received_ms)), HELD_MAX)?;
        documents.delete(key)?;
        gone += 1;
    }
    let ahead = documents.scan(&DocumentRange::prefix(vec![FUTURE]).limited(PIECE, PIECE_BYTES))?;
    for (key, _) in &ahead.items {
        if received_of_future(key).is_none_or(|received_ms| received_ms < before_ms) {
            documents.delete(key)?;
        }
    }
    // By bytes a page may be shorter than what is left: then there is more, too.
    Ok(if gone > 0 && oldest.more && gone == oldest.items.len() { PIECE } else { gone.min(PIECE - 1) })
}
