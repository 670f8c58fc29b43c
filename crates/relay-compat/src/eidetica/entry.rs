//! One entry: its dialect, its id, its place, and whether it was signed by whom it names.

use super::ID_BYTES_MAX;
use super::canonical::{self, Malformed, write_json};
use super::cid;
use super::key::{PublicKey, signature_of};
use super::wire::{Request, WireEntry, WireKey};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The subtree that only the first entry of a tree has.
const ROOT: &str = "_root";

/// How ids are written, and what is hashed for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    A,
    B,
    C,
}

/// The form of an entry as it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Json,
    DagCbor,
}

/// An entry that may be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    /// The id of its tree; its own when it begins one.
    pub(super) tree: String,
    /// Each once.
    pub(super) parents: Vec<String>,
    pub(super) form: Form,
    /// The canonical bytes.
    pub(super) bytes: Bytes,
    /// Who signed, where that could be checked.
    pub(super) signer: Option<PublicKey>,
}

/// What ids an entry names tells of its dialect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    Dialect(Dialect),
    /// It names none, as the first entry of a tree does: A or B.
    Nothing,
    /// Ids of both A and B.
    Both,
}

fn is_prefixed(id: &str) -> bool {
    id.starts_with("sha256:") || id.starts_with("blake3:")
}

/// The dialect of an id.
pub(super) fn dialect_of_id(id: &str) -> Dialect {
    if is_prefixed(id) {
        Dialect::B
    } else if cid::bytes_of(id).is_some() {
        Dialect::C
    } else {
        Dialect::A
    }
}

/// What the ids of an entry tell.
pub(super) fn told(entry: &WireEntry) -> Told {
    if matches!(entry.sig.key, WireKey::Hint { .. }) {
        return Told::Dialect(Dialect::C);
    }
    let ids = entry.tree.root.iter().chain(&entry.tree.parents);
    let ids = ids.chain(entry.subtrees.iter().flat_map(|subtree| &subtree.parents));
    let (mut is_a, mut is_b) = (false, false);
    for id in ids.filter(|id| !id.is_empty()) {
        if is_prefixed(id) { is_b = true } else { is_a = true }
    }
    match (is_a, is_b) {
        (true, true) => Told::Both,
        (true, false) => Told::Dialect(Dialect::A),
        (false, true) => Told::Dialect(Dialect::B),
        (false, false) => Told::Nothing,
    }
}

/// Whether a text can be an id in a dialect.
pub(super) fn is_id(id: &str, dialect: Dialect) -> bool {
    let is_hex =
        |digits: &str| digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match dialect {
        // Opaque: apps of this dialect choose some themselves.
        Dialect::A => !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.chars().any(char::is_control),
        Dialect::B => id.split_once(':').is_some_and(|(_, digits)| is_prefixed(id) && is_hex(digits)),
        Dialect::C => id.len() <= ID_BYTES_MAX && cid::bytes_of(id).is_some(),
    }
}

fn id_of(canonical: &[u8], dialect: Dialect) -> String {
    let hex = || hex::encode(Sha256::digest(canonical));
    match dialect {
        Dialect::A => hex(),
        Dialect::B => format!("sha256:{}", hex()),
        Dialect::C => cid::of_entry(canonical),
    }
}

impl Entry {
    /// Judges an entry of a dialect.
    pub(super) fn judge(wire: &WireEntry, dialect: Dialect) -> Result<Self, Malformed> {
        let root = wire.tree.root.as_deref().filter(|root| dialect == Dialect::C || !root.is_empty());
        let is_root_marked = wire.subtrees.iter().any(|subtree| subtree.name == ROOT);
        let ids = wire.tree.parents.iter().chain(wire.subtrees.iter().flat_map(|subtree| &subtree.parents));
        if ids.chain(wire.tree.root.iter().filter(|_| root.is_some())).any(|id| !is_id(id, dialect)) {
            return Err("an id in it is not one of its dialect");
        }
        if wire.subtrees.iter().any(|subtree| subtree.name.is_empty()) {
            return Err("a subtree without a name");
        }
        if is_root_marked && !wire.tree.parents.is_empty() {
            return Err("it is marked as a root and has parents");
        }
        let begins_tree = wire.tree.parents.is_empty() && root.is_none() && (is_root_marked || dialect == Dialect::A);
        if !begins_tree && (root.is_none() || (dialect != Dialect::A && wire.tree.parents.is_empty())) {
            return Err("it is no root, and has no parents or no tree");
        }
        let canonical = |sig| match dialect {
            Dialect::A | Dialect::B => canonical::json(wire, sig),
            Dialect::C => canonical::dag_cbor(wire, sig),
        };
        let bytes = canonical(wire.sig.sig.as_deref())?;
        let signer = match (&wire.sig.sig, named_key(wire)) {
            (Some(sig), Some(key)) => {
                let signature = signature_of(sig).ok_or("its signature is malformed")?;
                let is_signed = key.has_signed(&canonical(None)?, &signature);
                Some(is_signed.then_some(key).ok_or("its signature is not by the key it names")?)
            }
            _ => None,
        };
        let id = id_of(&bytes, dialect);
        let mut parents = wire.tree.parents.clone();
        parents.sort_unstable();
        parents.dedup();
        let form = if dialect == Dialect::C { Form::DagCbor } else { Form::Json };
        Ok(Self {
            tree: root.map_or_else(|| id.clone(), str::to_owned),
            id,
            parents,
            form,
            bytes: bytes.into(),
            signer,
        })
    }
}

/// The public key an entry names; a name that is only one in the settings of its tree is opaque to the relay.
fn named_key(wire: &WireEntry) -> Option<PublicKey> {
    let text = match &wire.sig.key {
        WireKey::Hint { hint, .. } => hint.pubkey.as_deref(),
        WireKey::Name(name) => wire.sig.pubkey.as_deref().or(Some(name)),
        WireKey::Path(_) => wire.sig.pubkey.as_deref(),
    };
    PublicKey::read(text?)
}

/// An entry as it is sent.
pub(super) fn write_entry(form: Form, canonical: &[u8], out: &mut Vec<u8>) -> bool {
    match form {
        Form::Json => out.extend_from_slice(canonical),
        Form::DagCbor => return write_json(canonical, out),
    }
    true
}

/// Entry point of the fuzz target: no body may do more than be refused; what is taken is sent so that others compute the same.
#[must_use]
pub fn fuzz_request(bytes: &[u8]) -> bool {
    let Ok(Request::SendEntries(entries)) = serde_json::from_slice(bytes) else { return true };
    let dialects = [Dialect::A, Dialect::B, Dialect::C];
    let pairs = entries.iter().flat_map(|entry| dialects.map(|dialect| (entry, dialect)));
    pairs.filter_map(|(entry, dialect)| Some((Entry::judge(entry, dialect).ok()?, dialect))).all(|(taken, dialect)| {
        let mut sent = Vec::new();
        let read = write_entry(taken.form, &taken.bytes, &mut sent).then(|| serde_json::from_slice::<WireEntry>(&sent));
        let has_claims = taken.form != Form::DagCbor || super::authority::can_be_read(&taken);
        has_claims && matches!(read, Some(Ok(again)) if Entry::judge(&again, dialect).as_ref() == Ok(&taken))
    })
}

#[cfg(test)]
mod tests {
    use super::super::key::RelayKey;
    use super::*;
    use base64ct::{Base64, Encoding};
    use serde_json::{Value, json};

    fn judged(value: &Value, dialect: Dialect) -> Result<Entry, Malformed> {
        Entry::judge(&serde_json::from_value(value.clone()).unwrap(), dialect)
    }

    fn root() -> Value {
        json!({"tree": {"root": "", "parents": [], "metadata": "{\"entropy\":42}"},
            "subtrees": [{"name": "_root", "parents": [], "data": ""}], "sig": {"sig": null, "key": ""}})
    }

    #[test]
    fn ids_are_those_of_the_dialect() {
        let hex = "9ae5822d6639856013d0a836101b100620b6e3167e97efc231a8dc0e4a3abe3d";
        assert_eq!(judged(&root(), Dialect::A).unwrap().id, hex);
        assert_eq!(judged(&root(), Dialect::B).unwrap().id, format!("sha256:{hex}"));
        let metadata: Vec<u8> = b"{\"entropy\":42}".to_vec();
        let root = json!({"tree": {"parents": [], "metadata": metadata},
            "subtrees": [{"name": "_root", "parents": [], "data": []}], "sig": {"key": {"Direct": {"hint": {}}}}});
        let id = "bafyr4iftarck3leisxjtgttxjp45ijvps7sqlephnu45fjzwhqqraw3cqu";
        assert_eq!(judged(&root, Dialect::C).unwrap().id, id);
    }

    #[test]
    fn what_no_receiver_would_take_is_refused() {
        let parent = format!("sha256:{}", "0".repeat(64));
        let child = json!({"tree": {"root": parent, "parents": [parent], "metadata": null},
            "subtrees": [{"name": "data", "parents": [], "data": "{}"}], "sig": {"sig": null, "key": "K"}});
        assert!(judged(&child, Dialect::B).is_ok());
        for (path, value) in [
            ("/tree/parents", json!([])),
            ("/tree/parents", json!([""])),
            ("/tree/parents", json!(["sha256:short"])),
            ("/tree/parents", json!(["bafy"])),
            ("/tree/root", json!("")),
            ("/subtrees/0/name", json!("")),
            ("/subtrees/0/name", json!("_root")),
            ("/subtrees/0/data", json!(null)),
            ("/subtrees/0/data", json!([1, 2])),
            ("/subtrees/0/parents", json!(["x"])),
            ("/sig/key", json!({"Direct": {"hint": {}}})),
        ] {
            let mut broken = child.clone();
            *broken.pointer_mut(path).unwrap() = value;
            assert!(judged(&broken, Dialect::B).is_err(), "{path}");
        }
    }

    #[test]
    fn fields_that_would_change_the_id_are_not_read_over() {
        for path in ["", "/tree", "/subtrees/0", "/sig"] {
            let mut newer = root();
            newer.pointer_mut(path).unwrap().as_object_mut().unwrap().insert("later".to_owned(), json!(1));
            assert!(serde_json::from_value::<WireEntry>(newer).is_err(), "{path}");
        }
    }

    #[test]
    fn a_name_that_is_a_public_key_is_checked_like_one() {
        let key = RelayKey::new(&[7; 32]).unwrap();
        let mut entry = root();
        entry["sig"]["key"] = json!(key.text());
        let unsigned = canonical::json(&serde_json::from_value(entry.clone()).unwrap(), None).unwrap();
        let signed = |message: &[u8]| json!(Base64::encode_string(&key.sign(message)));
        entry["sig"]["sig"] = signed(&unsigned);
        assert_eq!(judged(&entry, Dialect::B).unwrap().signer, PublicKey::read(key.text()));
        entry["sig"]["sig"] = signed(b"something else");
        assert_eq!(judged(&entry, Dialect::B), Err("its signature is not by the key it names"));
        entry["sig"]["key"] = json!("laptop");
        assert_eq!(judged(&entry, Dialect::B).unwrap().signer, None);
    }
}
