//! The bytes that are hashed and signed: compact JSON with the fields in their order (A and B), or DAG-CBOR (C).

use super::cbor::Node;
use super::cid;
use super::wire::{KeyHint, NameStep, Payload, TreeStep, WireEntry, WireKey, WireSubtree};
use serde::Serialize;
use serde::ser::Serializer;

/// Why an entry has no canonical bytes.
pub(super) type Malformed = &'static str;

const MIXED: Malformed = "it mixes the forms of two dialects";

#[derive(Serialize)]
struct TextEntry<'a> {
    tree: TextTree<'a>,
    subtrees: Vec<TextSubtree<'a>>,
    sig: TextSig<'a>,
}

#[derive(Serialize)]
struct TextTree<'a> {
    root: &'a str,
    parents: &'a [String],
    metadata: Option<&'a str>,
}

#[derive(Serialize)]
struct TextSubtree<'a> {
    name: &'a str,
    parents: &'a [String],
    data: &'a str,
}

#[derive(Serialize)]
struct TextSig<'a> {
    sig: Option<&'a str>,
    key: TextKey<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pubkey: Option<&'a str>,
}

enum TextKey<'a> {
    Name(&'a str),
    Path(&'a [NameStep]),
}

#[derive(Serialize)]
struct TextStep<'a> {
    key: &'a str,
    tips: Option<&'a [String]>,
}

impl Serialize for TextKey<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => to.serialize_str(name),
            Self::Path(path) => {
                to.collect_seq(path.iter().map(|step| TextStep { key: &step.key, tips: step.tips.as_deref() }))
            }
        }
    }
}

fn text(payload: &Payload) -> Result<&str, Malformed> {
    match payload {
        Payload::Text(text) => Ok(text),
        Payload::Bytes(_) => Err(MIXED),
    }
}

/// A and B, with another signature than its own where that is what is wanted.
pub(super) fn json(entry: &WireEntry, sig: Option<&str>) -> Result<Vec<u8>, Malformed> {
    let key = match &entry.sig.key {
        WireKey::Name(name) => TextKey::Name(name),
        WireKey::Path(path) => TextKey::Path(path),
        WireKey::Hint { .. } => return Err(MIXED),
    };
    if entry.version != 0 || entry.tree.height != 0 || entry.subtrees.iter().any(|subtree| subtree.height.is_some()) {
        return Err(MIXED);
    }
    let subtree = |subtree: &'_ WireSubtree| -> Result<(), Malformed> {
        subtree.data.as_ref().map_or(Err("a subtree without data"), |data| text(data).map(|_| ()))
    };
    entry.subtrees.iter().try_for_each(subtree)?;
    let subtrees = entry.subtrees.iter().map(|WireSubtree { name, parents, data, .. }| TextSubtree {
        name,
        parents,
        data: data.as_ref().and_then(|data| text(data).ok()).unwrap_or_default(),
    });
    let canonical = TextEntry {
        tree: TextTree {
            root: entry.tree.root.as_deref().unwrap_or_default(),
            parents: &entry.tree.parents,
            metadata: entry.tree.metadata.as_ref().map(text).transpose()?,
        },
        subtrees: subtrees.collect(),
        sig: TextSig { sig, key, pubkey: entry.sig.pubkey.as_deref() },
    };
    serde_json::to_vec(&canonical).map_err(|_| "it cannot be written as JSON")
}

fn link(id: &str) -> Result<Node, Malformed> {
    cid::bytes_of(id).map(Node::Link).ok_or("an id in it is not a CID")
}

fn links(ids: &[String]) -> Result<Node, Malformed> {
    ids.iter().map(|id| link(id)).collect::<Result<_, _>>().map(Node::List)
}

fn bytes(payload: &Payload) -> Node {
    Node::Bytes(match payload {
        Payload::Text(text) => text.as_bytes().to_vec(),
        Payload::Bytes(bytes) => bytes.clone(),
    })
}

fn hint_node(hint: &KeyHint) -> Node {
    let text = |text: &Option<String>| text.clone().map(Node::Text);
    Node::map([
        ("pubkey", text(&hint.pubkey)),
        ("name", text(&hint.name)),
        ("is_global", hint.is_global.then_some(Node::Flag(true))),
    ])
}

fn step_node(step: &TreeStep) -> Result<Node, Malformed> {
    Ok(Node::map([("tree", Some(link(&step.tree)?)), ("tips", Some(links(&step.tips)?))]))
}

fn key_node(path: Option<&[TreeStep]>, hint: &KeyHint) -> Result<Node, Malformed> {
    let hint = hint_node(hint);
    let Some(path) = path else {
        return Ok(Node::map([("Direct", Some(Node::map([("hint", Some(hint))])))]));
    };
    let path = Node::List(path.iter().map(step_node).collect::<Result<_, _>>()?);
    Ok(Node::map([("Delegation", Some(Node::map([("path", Some(path)), ("hint", Some(hint))])))]))
}

fn subtree_node(subtree: &WireSubtree) -> Result<Node, Malformed> {
    Ok(Node::map([
        ("name", Some(Node::Text(subtree.name.clone()))),
        ("parents", Some(links(&subtree.parents)?)),
        ("data", subtree.data.as_ref().map(bytes)),
        ("h", subtree.height.map(Node::Number)),
    ]))
}

/// C, with another signature than its own where that is what is wanted.
pub(super) fn dag_cbor(entry: &WireEntry, sig: Option<&str>) -> Result<Vec<u8>, Malformed> {
    let WireKey::Hint { path, hint } = &entry.sig.key else { return Err(MIXED) };
    if entry.sig.pubkey.is_some() {
        return Err(MIXED);
    }
    if entry.version != 0 {
        return Err("its version is not spoken here");
    }
    let tree = &entry.tree;
    let tree = Node::map([
        ("root", tree.root.as_ref().map(|root| link(root)).transpose()?),
        ("parents", Some(links(&tree.parents)?)),
        ("metadata", tree.metadata.as_ref().map(bytes)),
        ("h", (tree.height != 0).then_some(Node::Number(tree.height))),
    ]);
    let subtrees = Node::List(entry.subtrees.iter().map(subtree_node).collect::<Result<_, _>>()?);
    let sig = Node::map([
        ("sig", sig.map(|sig| Node::Text(sig.to_owned()))),
        ("key", Some(key_node(path.as_deref(), hint)?)),
    ]);
    Ok(Node::map([("tree", Some(tree)), ("subtrees", Some(subtrees)), ("sig", Some(sig))]).encode())
}

/// Writes canonical DAG-CBOR as the JSON of its dialect: bytes are lists of numbers, links are texts.
pub(super) fn write_json(canonical: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(node) = Node::decode(canonical) else { return false };
    write_node(&node, out);
    true
}

fn write_node(node: &Node, out: &mut Vec<u8>) {
    match node {
        Node::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Node::Text(text) => write_text(text, out),
        Node::Link(bytes) => write_text(&cid::text_of(bytes), out),
        Node::Flag(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Node::Bytes(bytes) => write_bytes(bytes, out),
        Node::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_node(item, out);
            }
            out.push(b']');
        }
        Node::Map(pairs) => {
            out.push(b'{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write_node(value, out);
            }
            out.push(b'}');
        }
    }
}

/// A list of numbers.
pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if *byte >= 100 {
            out.push(b'0' + byte / 100);
        }
        if *byte >= 10 {
            out.push(b'0' + byte / 10 % 10);
        }
        out.push(b'0' + byte % 10);
    }
    out.push(b']');
}

/// A JSON string.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing a string to a vector does not fail.
    let _written = serde_json::to_writer(out, text);
}
