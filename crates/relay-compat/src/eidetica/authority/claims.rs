//! What an entry of dialect C says of keys, in its canonical bytes: who it is by, and what its settings are.

use super::super::cbor::Node;
use super::super::cid;
use super::super::key::PublicKey;
use super::settings::{self, Rulings};

/// The store of a tree's settings.
const SETTINGS: &str = "_settings";

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// The key that it names, when it has a signature; that was checked when it came.
    pub(super) signer: Option<PublicKey>,
    /// Trees through whose settings its key is let in.
    pub(super) path: Vec<String>,
    /// Whether it goes by what everybody may do.
    pub(super) is_by_everybody: bool,
    pub(super) has_settings: bool,
    pub(super) settings_height: u64,
    pub(super) rulings: Rulings,
}

fn field<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Node::Map(pairs) = node else { return None };
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn text(node: &Node) -> Option<&str> {
    if let Node::Text(text) = node { Some(text) } else { None }
}

fn list(node: &Node) -> &[Node] {
    if let Node::List(items) = node { items } else { &[] }
}

impl Claims {
    /// Of the canonical bytes of an entry; `None` when they are none.
    pub(super) fn of(canonical: &[u8]) -> Option<Self> {
        let entry = Node::decode(canonical)?;
        let mut claims = Self::default();
        claims.read_key(field(&entry, "sig")?)?;
        for store in list(field(&entry, "subtrees")?) {
            if field(store, "name").and_then(text) == Some(SETTINGS) {
                claims.has_settings = true;
                if let Some(Node::Number(height)) = field(store, "h") {
                    claims.settings_height = *height;
                }
                if let Some(Node::Bytes(data)) = field(store, "data") {
                    claims.rulings = settings::read(data).unwrap_or_default();
                }
            }
        }
        Some(claims)
    }

    fn read_key(&mut self, sig: &Node) -> Option<()> {
        let key = field(sig, "key")?;
        let direct = field(key, "Direct");
        let delegation = field(key, "Delegation");
        let hint = field(direct.or(delegation)?, "hint")?;
        if let Some(path) = delegation.and_then(|delegation| field(delegation, "path")) {
            let trees = list(path).iter().map(|step| match field(step, "tree")? {
                Node::Link(bytes) => Some(cid::text_of(bytes)),
                _ => None,
            });
            self.path = trees.collect::<Option<_>>()?;
        }
        self.is_by_everybody = field(hint, "is_global") == Some(&Node::Flag(true));
        let is_signed = field(sig, "sig").is_some();
        self.signer = field(hint, "pubkey").and_then(text).and_then(PublicKey::read).filter(|_| is_signed);
        Some(())
    }
}
