//! Keys and values of a tenant. `T` is the SHA-256 of a tree's id, numbers are u64 in big-endian order.
//!
//! ```text
//! t <T>              → entries · waiting · their bytes · last change in ms · signed (u8) · id of the tree
//! e <id>             → 0 · T · number; or 1 · a waiting entry
//! d <T> <number>     → form (u8) · canonical bytes
//! i <T> <number>     → bytes of the entry · count of parents u16 · numbers of parents · id
//! p <T> <number>     → id of an entry without children: a tip
//! w <parent id> 0 <id> → time in ms since which this entry waits for that parent; nothing where that is not known
//! s <T> <public key> → from before trees had rules; not read any more
//! k <public key> <T> → nothing: this key signed an entry of the tree
//! a <T> …            → who may write and read: see `authority/table.rs`
//! n <time in ms> <SHA-256 of key and nonce> → nothing: this proof was used
//! ```

use super::entry::{Entry, Form};
use super::key::{PUBLIC_BYTES, PublicKey};
use bytes::{BufMut, Bytes, BytesMut};
use relay_core::documents::DocumentRange;
use sha2::{Digest, Sha256};

/// The name of a tree in keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct TreeName(pub(super) [u8; 32]);

impl TreeName {
    pub(super) fn of(id: &str) -> Self {
        Self(Sha256::digest(id).into())
    }
}

fn key(prefix: u8, parts: &[&[u8]]) -> Bytes {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(prefix);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key.into()
}

/// Prefix of trees.
pub(super) const TREES: &[u8] = b"t";
/// Prefix of who waits for whom.
pub(super) const WAITS: &[u8] = b"w";
/// Prefix of used proofs.
pub(super) const PROOFS: &[u8] = b"n";

/// Where the trees of a tenant are, one document each.
#[must_use]
pub fn tree_range() -> DocumentRange {
    DocumentRange::prefix(TREES)
}

pub(super) fn tree_key(tree: TreeName) -> Bytes {
    key(b't', &[&tree.0])
}

pub(super) fn entry_key(id: &str) -> Bytes {
    key(b'e', &[id.as_bytes()])
}

pub(super) fn data_prefix(tree: TreeName) -> Bytes {
    key(b'd', &[&tree.0])
}

pub(super) fn data_key(tree: TreeName, number: u64) -> Bytes {
    key(b'd', &[&tree.0, &number.to_be_bytes()])
}

pub(super) fn link_key(tree: TreeName, number: u64) -> Bytes {
    key(b'i', &[&tree.0, &number.to_be_bytes()])
}

pub(super) fn tips_prefix(tree: TreeName) -> Bytes {
    key(b'p', &[&tree.0])
}

pub(super) fn tip_key(tree: TreeName, number: u64) -> Bytes {
    key(b'p', &[&tree.0, &number.to_be_bytes()])
}

/// Ids have no control characters, so that none begins with another and a zero.
pub(super) fn waits_prefix(parent: &str) -> Bytes {
    key(b'w', &[parent.as_bytes(), &[0]])
}

pub(super) fn waits_key(parent: &str, id: &str) -> Bytes {
    key(b'w', &[parent.as_bytes(), &[0], id.as_bytes()])
}

/// The id of who waits, in a key of [`waits_key`] under its prefix.
pub(super) fn waiting_id<'a>(key: &'a [u8], prefix: &[u8]) -> Option<&'a str> {
    std::str::from_utf8(key.strip_prefix(prefix)?).ok()
}

/// The id of who waits, in any key of [`waits_key`].
pub(super) fn waiting_child(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.rsplit(|byte| *byte == 0).next()?).ok()
}

pub(super) fn waiting_since(now_ms: u64) -> Bytes {
    Bytes::copy_from_slice(&now_ms.to_be_bytes())
}

/// Since when somebody waits, in a value of [`waiting_since`].
pub(super) fn waited_since(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(value.try_into().ok()?))
}

pub(super) fn signed_key(signer: PublicKey, tree: TreeName) -> Bytes {
    key(b'k', &[&signer.0, &tree.0])
}

pub(super) fn signed_prefix(signer: PublicKey) -> Bytes {
    key(b'k', &[&signer.0])
}

/// The tree in a key of [`signed_key`].
pub(super) fn signed_tree(key: &[u8]) -> Option<TreeName> {
    key.last_chunk().copied().map(TreeName)
}

pub(super) fn proof_key(timestamp_ms: u64, signer: PublicKey, nonce: &[u8]) -> Bytes {
    let digest = Sha256::new().chain_update(signer.0).chain_update(nonce).finalize();
    key(b'n', &[&timestamp_ms.to_be_bytes(), &digest])
}

/// The first key of a proof made at that time or later.
pub(super) fn proofs_from(timestamp_ms: u64) -> Bytes {
    key(b'n', &[&timestamp_ms.to_be_bytes()])
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_be_bytes(*bytes))
}

fn take_u16(rest: &mut &[u8]) -> Option<u16> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u16::from_be_bytes(*bytes))
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let length = usize::from(take_u16(rest)?);
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(std::str::from_utf8(text).ok()?.to_owned())
}

/// Texts and lists are limited far below.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn put_text(out: &mut BytesMut, text: &str) {
    out.put_u16(short(text.len()));
    out.put_slice(text.as_bytes());
}

/// A tree.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tree {
    pub(super) id: String,
    /// Entries with a number: the next one.
    pub(super) entries: u64,
    pub(super) waiting: u64,
    pub(super) waiting_bytes: u64,
    pub(super) changed_ms: u64,
    /// Whether an entry was signed by a key that it names.
    pub(super) is_signed: bool,
}

impl Tree {
    /// Counts a waiting entry that has got its place, or went.
    pub(super) fn no_longer_waits(&mut self, entry: &Entry) {
        self.waiting = self.waiting.saturating_sub(1);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(entry.bytes.len() as u64);
    }

    pub(super) fn value(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(33 + self.id.len());
        [self.entries, self.waiting, self.waiting_bytes, self.changed_ms]
            .into_iter()
            .for_each(|number| out.put_u64(number));
        out.put_u8(u8::from(self.is_signed));
        out.put_slice(self.id.as_bytes());
        out.freeze()
    }

    pub(super) fn read(mut value: &[u8]) -> Option<Self> {
        let rest = &mut value;
        let (entries, waiting, waiting_bytes, changed_ms) =
            (take_u64(rest)?, take_u64(rest)?, take_u64(rest)?, take_u64(rest)?);
        let (is_signed, id) = rest.split_first()?;
        let id = std::str::from_utf8(id).ok()?.to_owned();
        Some(Self { id, entries, waiting, waiting_bytes, changed_ms, is_signed: *is_signed == 1 })
    }
}

/// What is kept under an id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    Placed { tree: TreeName, number: u64 },
    Waiting(Entry),
}

pub(super) fn placed_value(tree: TreeName, number: u64) -> Bytes {
    [&[0][..], &tree.0, &number.to_be_bytes()].concat().into()
}

pub(super) fn waiting_value(entry: &Entry) -> Bytes {
    let mut out = BytesMut::with_capacity(entry.bytes.len() + 512);
    out.put_u8(1);
    put_text(&mut out, &entry.tree);
    out.put_u16(short(entry.parents.len()));
    entry.parents.iter().for_each(|parent| put_text(&mut out, parent));
    out.put_u8(u8::from(entry.signer.is_some()));
    if let Some(signer) = entry.signer {
        out.put_slice(&signer.0);
    }
    out.put_u8(form_byte(entry.form));
    out.put_slice(&entry.bytes);
    out.freeze()
}

pub(super) fn known(id: &str, value: &Bytes) -> Option<Known> {
    let (kind, mut rest) = value.split_first()?;
    if *kind == 0 {
        let (tree, number) = rest.split_first_chunk()?;
        return Some(Known::Placed { tree: TreeName(*tree), number: u64::from_be_bytes(*number.first_chunk()?) });
    }
    let rest = &mut rest;
    let tree = take_text(rest)?;
    let parents = (0..take_u16(rest)?).map(|_| take_text(rest)).collect::<Option<_>>()?;
    let (is_signed, after) = rest.split_first()?;
    *rest = after;
    let mut signer = None;
    if *is_signed == 1 {
        let (public, after) = rest.split_first_chunk::<PUBLIC_BYTES>()?;
        *rest = after;
        signer = Some(PublicKey(*public));
    }
    let (form, bytes) = rest.split_first()?;
    let (form, bytes) = (form_of(*form)?, value.slice_ref(bytes));
    Some(Known::Waiting(Entry { id: id.to_owned(), tree, parents, form, bytes, signer }))
}

fn form_byte(form: Form) -> u8 {
    match form {
        Form::Json => 0,
        Form::DagCbor => 1,
    }
}

fn form_of(byte: u8) -> Option<Form> {
    match byte {
        0 => Some(Form::Json),
        1 => Some(Form::DagCbor),
        _ => None,
    }
}

pub(super) fn data_value(form: Form, canonical: &[u8]) -> Bytes {
    [&[form_byte(form)][..], canonical].concat().into()
}

pub(super) fn data_of(value: &Bytes) -> Option<(Form, Bytes)> {
    let (form, bytes) = value.split_first()?;
    Some((form_of(*form)?, value.slice_ref(bytes)))
}

/// An entry's place among the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) parents: Vec<u64>,
    /// Bytes of the entry as it is kept.
    pub(super) bytes: u64,
}

pub(super) fn link_value(id: &str, parents: &[u64], bytes: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(10 + 8 * parents.len() + id.len());
    out.put_u64(bytes as u64);
    out.put_u16(short(parents.len()));
    parents.iter().for_each(|parent| out.put_u64(*parent));
    out.put_slice(id.as_bytes());
    out.freeze()
}

/// The number at the end of a key.
pub(super) fn number_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.last_chunk()?))
}

pub(super) fn link_of(key: &[u8], mut value: &[u8]) -> Option<Link> {
    let rest = &mut value;
    let bytes = take_u64(rest)?;
    let parents = (0..take_u16(rest)?).map(|_| take_u64(rest)).collect::<Option<_>>()?;
    Some(Link { number: number_of(key)?, id: std::str::from_utf8(rest).ok()?.to_owned(), parents, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        let tree =
            Tree { id: "t".to_owned(), entries: 1, waiting: 2, waiting_bytes: 3, changed_ms: 4, is_signed: true };
        assert_eq!(Tree::read(&tree.value()), Some(tree));
        let name = TreeName::of("t");
        let placed = placed_value(name, 7);
        assert_eq!(known("x", &placed), Some(Known::Placed { tree: name, number: 7 }));
        for signer in [None, Some(PublicKey([9; PUBLIC_BYTES]))] {
            let entry = Entry {
                id: "x".to_owned(),
                tree: "é".to_owned(),
                parents: vec!["a".to_owned(), String::new()],
                form: Form::DagCbor,
                bytes: Bytes::from_static(b"body"),
                signer,
            };
            assert_eq!(known("x", &waiting_value(&entry)), Some(Known::Waiting(entry)));
        }
        let link = Link { number: 300, id: "x".to_owned(), parents: vec![1, 2], bytes: 5 };
        assert_eq!(link_of(&link_key(name, 300), &link_value("x", &[1, 2], 5)), Some(link));
        let data = data_value(Form::Json, b"{}");
        assert_eq!(data_of(&data), Some((Form::Json, Bytes::from_static(b"{}"))));
        assert_eq!(waiting_id(&waits_key("a", "b"), &waits_prefix("a")), Some("b"));
        assert_eq!(waiting_child(&waits_key("a", "b")), Some("b"));
        assert_eq!((waited_since(&waiting_since(7)), waited_since(b"")), (Some(7), None));
    }
}
