//! Gives entries their number in the tree, and those that waited for them.

use super::authority::{Admitted, admit};
use super::entry::Entry;
use super::record::{
    Known, Tree, TreeName, data_key, data_value, entry_key, known, link_key, link_value, placed_value, signed_key,
    tip_key, tree_key, waiting_id, waits_key, waits_prefix,
};
use bytes::Bytes;
use relay_core::documents::{DocumentError, DocumentRange, Documents};

/// Where the parents of an entry are.
pub(super) enum Parents {
    /// All have a number.
    Placed(Vec<u64>),
    /// These have none yet.
    Missing(Vec<String>),
    /// One is in another tree.
    Elsewhere,
}

pub(super) fn tree_of(documents: &dyn Documents, id: &str) -> Result<Tree, DocumentError> {
    let stored = documents.get(&tree_key(TreeName::of(id)))?;
    Ok(stored.and_then(|value| Tree::read(&value)).unwrap_or_else(|| Tree { id: id.to_owned(), ..Tree::default() }))
}

pub(super) fn known_of(documents: &dyn Documents, id: &str) -> Result<Option<Known>, DocumentError> {
    Ok(documents.get(&entry_key(id))?.and_then(|value| known(id, &value)))
}

pub(super) fn parents_of(documents: &dyn Documents, entry: &Entry) -> Result<Parents, DocumentError> {
    let own = TreeName::of(&entry.tree);
    let (mut placed, mut missing) = (Vec::with_capacity(entry.parents.len()), Vec::new());
    for parent in &entry.parents {
        match known_of(documents, parent)? {
            Some(Known::Placed { tree, .. }) if tree != own => return Ok(Parents::Elsewhere),
            Some(Known::Placed { number, .. }) => placed.push(number),
            Some(Known::Waiting(_)) | None => missing.push(parent.clone()),
        }
    }
    Ok(if missing.is_empty() { Parents::Placed(placed) } else { Parents::Missing(missing) })
}

/// Stores an entry behind its parents.
fn put(
    documents: &mut dyn Documents,
    entry: &Entry,
    parents: &[u64],
    tree: &mut Tree,
    admitted: Admitted,
) -> Result<(), DocumentError> {
    let (name, number) = (TreeName::of(&entry.tree), tree.entries);
    documents.put(data_key(name, number), data_value(entry.form, &entry.bytes))?;
    documents.put(link_key(name, number), link_value(&entry.id, parents, entry.bytes.len()))?;
    documents.put(entry_key(&entry.id), placed_value(name, number))?;
    for parent in parents {
        documents.delete(&tip_key(name, *parent))?;
    }
    documents.put(tip_key(name, number), Bytes::copy_from_slice(entry.id.as_bytes()))?;
    let is_listed = matches!(admitted, Admitted::Openly | Admitted::ByItsKey { reads: true });
    if let Some(signer) = entry.signer.filter(|_| is_listed) {
        documents.put(signed_key(signer, name), Bytes::new())?;
    }
    tree.is_signed |= entry.signer.is_some();
    tree.entries += 1;
    Ok(())
}

/// What came of placing an entry.
pub(super) enum Placing {
    /// So many got their place, itself included; so many that waited for it were refused.
    Placed {
        count: u64,
        refused: u64,
    },
    Refused(&'static str),
}

/// Places an entry, and all that waited for nothing else.
pub(super) fn place(
    documents: &mut dyn Documents,
    entry: Entry,
    parents: &[u64],
    tree: &mut Tree,
) -> Result<Placing, DocumentError> {
    let (mut count, mut refused) = (1, 0);
    match admit(documents, &entry, tree)? {
        Ok(admitted) => put(documents, &entry, parents, tree, admitted)?,
        Err(why) => return Ok(Placing::Refused(why)),
    }
    let mut placed = vec![entry.id];
    while let Some(id) = placed.pop() {
        for child in take_waiting(documents, &id)? {
            let Some(Known::Waiting(child)) = known_of(documents, &child)? else { continue };
            let is_own = child.tree == tree.id;
            let parents = parents_of(documents, &child)?;
            if is_own && matches!(parents, Parents::Missing(_)) {
                continue;
            }
            if is_own {
                tree.no_longer_waits(&child);
            }
            let parents = if let Parents::Placed(numbers) = parents { Some(numbers) } else { None };
            let parents = parents.filter(|_| is_own);
            let admitted = if parents.is_some() { admit(documents, &child, tree)?.ok() } else { None };
            if let Some((parents, admitted)) = parents.zip(admitted) {
                put(documents, &child, &parents, tree, admitted)?;
                placed.push(child.id);
                count += 1;
            } else {
                forget(documents, &child, is_own)?;
                refused += 1;
            }
        }
    }
    Ok(Placing::Placed { count, refused })
}

/// Takes the list of those that wait for an id.
fn take_waiting(documents: &mut dyn Documents, id: &str) -> Result<Vec<String>, DocumentError> {
    let range = DocumentRange::prefix(waits_prefix(id));
    let mut waiting = Vec::new();
    loop {
        let page = documents.scan(&range)?;
        for (key, _) in &page.items {
            waiting.extend(waiting_id(key, &range.from).map(str::to_owned));
            documents.delete(key)?;
        }
        if !page.more {
            return Ok(waiting);
        }
    }
}

/// Lets an entry go that waited for too long, turned out to have a parent in another tree, or may not be in its own.
pub(super) fn forget(documents: &mut dyn Documents, entry: &Entry, is_counted: bool) -> Result<(), DocumentError> {
    for parent in &entry.parents {
        documents.delete(&waits_key(parent, &entry.id))?;
    }
    documents.delete(&entry_key(&entry.id))?;
    if is_counted {
        return Ok(());
    }
    let mut tree = tree_of(documents, &entry.tree)?;
    tree.no_longer_waits(entry);
    documents.put(tree_key(TreeName::of(&entry.tree)), tree.value())
}
