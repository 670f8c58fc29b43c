//! Bodies of answers with entries in them.

use super::canonical::write_text;
use super::entry::write_entry;
use super::record::{TreeName, data_key, data_of};
use bytes::Bytes;
use relay_core::documents::{DocumentError, DocumentStore, Keyspace};
use std::sync::Arc;

/// Entries read at once.
const PAGE_ENTRIES: usize = 1000;

/// Stored entries of a tree, in the order of their numbers.
pub(super) type Bodies = Vec<Bytes>;
pub(super) type BodiesDone = Box<dyn FnOnce(Result<Bodies, DocumentError>) + Send>;

struct Fetch {
    documents: Arc<dyn DocumentStore>,
    keyspace: Keyspace,
    tree: TreeName,
    numbers: Vec<u64>,
    bodies: Bodies,
    done: BodiesDone,
}

/// Reads the entries with these numbers.
pub(super) fn fetch(
    documents: Arc<dyn DocumentStore>,
    keyspace: Keyspace,
    tree: TreeName,
    numbers: Vec<u64>,
    done: BodiesDone,
) {
    Fetch { documents, keyspace, tree, numbers, bodies: Vec::new(), done }.step();
}

impl Fetch {
    fn step(mut self) {
        let rest = self.numbers.get(self.bodies.len()..).unwrap_or_default();
        if rest.is_empty() {
            return (self.done)(Ok(self.bodies));
        }
        let keys = rest.iter().take(PAGE_ENTRIES).map(|number| data_key(self.tree, *number)).collect();
        let documents = Arc::clone(&self.documents);
        documents.document_get(
            self.keyspace,
            keys,
            Box::new(move |values| match values {
                Ok(values) => {
                    self.bodies.extend(values.into_iter().map(Option::unwrap_or_default));
                    self.step();
                }
                Err(error) => (self.done)(Err(error)),
            }),
        );
    }
}

/// A list of entries; what cannot be read of what was stored is damage, and `None`.
pub(super) fn write_entries(bodies: &[Bytes], out: &mut Vec<u8>) -> Option<()> {
    out.push(b'[');
    for (index, body) in bodies.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_stored(body, out)?;
    }
    out.push(b']');
    Some(())
}

fn write_stored(body: &Bytes, out: &mut Vec<u8>) -> Option<()> {
    let (form, canonical) = data_of(body)?;
    write_entry(form, &canonical, out).then_some(())
}

fn write_ids(ids: &[String], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, id) in ids.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(id, out);
    }
    out.push(b']');
}

/// The whole of a tree, or as much of it as an answer takes.
pub(super) fn bootstrap(tree_id: &str, bodies: &[Bytes]) -> Option<Vec<u8>> {
    let (root, others) = bodies.split_first()?;
    let mut out = b"{\"Bootstrap\":{\"tree_id\":".to_vec();
    write_text(tree_id, &mut out);
    out.extend_from_slice(b",\"root_entry\":");
    write_stored(root, &mut out)?;
    out.extend_from_slice(b",\"all_entries\":");
    write_entries(others, &mut out)?;
    out.extend_from_slice(b",\"key_approved\":false,\"granted_permission\":null}}");
    Some(out)
}

/// What somebody lacks who has something.
pub(super) fn incremental(tree_id: &str, their_tips: &[String], bodies: &[Bytes]) -> Option<Vec<u8>> {
    let mut out = b"{\"Incremental\":{\"tree_id\":".to_vec();
    write_text(tree_id, &mut out);
    out.extend_from_slice(b",\"their_tips\":");
    write_ids(their_tips, &mut out);
    out.extend_from_slice(b",\"missing_entries\":");
    write_entries(bodies, &mut out)?;
    out.extend_from_slice(b"}}");
    Some(out)
}

/// Dialect A: tips.
pub(super) fn tips(tree_id: &str, tips: &[String]) -> Vec<u8> {
    let mut out = b"{\"Tips\":{\"tree_id\":".to_vec();
    write_text(tree_id, &mut out);
    out.extend_from_slice(b",\"tips\":");
    write_ids(tips, &mut out);
    out.extend_from_slice(b"}}");
    out
}

/// Dialect A: entries.
pub(super) fn entries(bodies: &[Bytes]) -> Option<Vec<u8>> {
    let mut out = b"{\"Entries\":{\"entries\":".to_vec();
    write_entries(bodies, &mut out)?;
    out.extend_from_slice(b"}}");
    Some(out)
}
