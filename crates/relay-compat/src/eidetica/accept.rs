//! Storing one entry: once, behind its parents, within the tenant's quota.

use super::entry::Entry;
use super::place::{Parents, Placing, known_of, parents_of, place, tree_of};
use super::record::{TreeName, entry_key, tree_key, waiting_since, waiting_value, waits_key};
use super::{ORPHAN_BYTES_MAX, ORPHANS_MAX};
use relay_core::documents::limits::ITEM_OVERHEAD_BYTES;
use relay_core::documents::{DocumentError, Documents};

/// Keys beside the entry's own.
const KEYS_PER_ENTRY: usize = 5;

/// How entries are judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Bytes a tenant may hold.
    pub(super) tenant_bytes_max: u64,
    /// Takes entries that are signed by a key they name, and no others.
    pub(super) signed_only: bool,
    pub(super) now_ms: u64,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has its place, and so do as many that waited for it, itself included; others that did were refused.
    Placed {
        count: u64,
        refused: u64,
    },
    /// It waits for a parent.
    Waits,
    /// It was there already.
    Held,
    Refused(&'static str),
}

pub(super) fn accept(documents: &mut dyn Documents, entry: Entry, rules: Rules) -> Result<Verdict, DocumentError> {
    if known_of(documents, &entry.id)?.is_some() {
        return Ok(Verdict::Held);
    }
    if rules.signed_only && entry.signer.is_none() {
        return Ok(Verdict::Refused("it is not signed by a key that it names, which this relay asks for"));
    }
    let bytes = (entry.bytes.len() + KEYS_PER_ENTRY * (ITEM_OVERHEAD_BYTES + entry.id.len())) as u64;
    if documents.usage()?.bytes.saturating_add(bytes) > rules.tenant_bytes_max {
        return Ok(Verdict::Refused("the storage quota is exceeded"));
    }
    let name = TreeName::of(&entry.tree);
    let mut tree = tree_of(documents, &entry.tree)?;
    tree.changed_ms = rules.now_ms;
    let verdict = match parents_of(documents, &entry)? {
        Parents::Elsewhere => return Ok(Verdict::Refused("a parent of it is in another tree")),
        Parents::Placed(numbers) => match place(documents, entry, &numbers, &mut tree)? {
            Placing::Placed { count, refused } => Verdict::Placed { count, refused },
            Placing::Refused(why) => return Ok(Verdict::Refused(why)),
        },
        Parents::Missing(missing) => {
            let waiting_bytes = tree.waiting_bytes.saturating_add(entry.bytes.len() as u64);
            if tree.waiting >= ORPHANS_MAX || waiting_bytes > ORPHAN_BYTES_MAX {
                return Ok(Verdict::Refused("too many entries of its tree wait for a parent"));
            }
            for parent in &missing {
                documents.put(waits_key(parent, &entry.id), waiting_since(rules.now_ms))?;
            }
            documents.put(entry_key(&entry.id), waiting_value(&entry))?;
            tree.waiting += 1;
            tree.waiting_bytes = waiting_bytes;
            Verdict::Waits
        }
    };
    documents.put(tree_key(name), tree.value())?;
    Ok(verdict)
}
