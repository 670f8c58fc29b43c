//! Requests as they are on the wire: read without trees of values, every list bounded, unknown fields of entries refused, because
//! an id would be computed without them.

use super::{ENTRIES_MAX, PARENTS_MAX, SUBTREES_MAX, TIPS_MAX};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A request of any dialect.
#[derive(Debug, Deserialize)]
pub(super) enum Request {
    Handshake(Handshake),
    SyncTree(SyncTree),
    #[serde(deserialize_with = "few::<_, _, ENTRIES_MAX>")]
    SendEntries(Vec<WireEntry>),
    GetTips(GetTips),
    GetEntries(GetEntries),
}

/// Further fields are read over: at least one description of the protocol has more.
#[derive(Debug, Deserialize)]
pub(super) struct Handshake {
    #[serde(default)]
    pub(super) device_id: String,
    pub(super) public_key: String,
    pub(super) protocol_version: u32,
    #[serde(deserialize_with = "few::<_, _, 1024>")]
    pub(super) challenge: Vec<u8>,
    /// Of a peer that proves its key too: the challenge it answers, and its signature of the transcript.
    #[serde(default)]
    pub(super) sealrelay: Option<Answered>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    #[serde(deserialize_with = "few::<_, _, 1024>")]
    pub(super) relay_challenge: Vec<u8>,
    #[serde(deserialize_with = "few::<_, _, 1024>")]
    pub(super) signature: Vec<u8>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SyncTree {
    pub(super) tree_id: String,
    #[serde(deserialize_with = "few::<_, _, TIPS_MAX>")]
    pub(super) our_tips: Vec<String>,
    #[serde(default)]
    pub(super) auth: Option<Proof>,
}

/// A proof that who asks has a key.
#[derive(Debug, Deserialize)]
pub(super) struct Proof {
    pub(super) key: String,
    pub(super) timestamp_ms: u64,
    #[serde(deserialize_with = "few::<_, _, 1024>")]
    pub(super) nonce: Vec<u8>,
    #[serde(deserialize_with = "few::<_, _, 1024>")]
    pub(super) signature: Vec<u8>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GetTips {
    pub(super) tree_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct GetEntries {
    #[serde(deserialize_with = "few::<_, _, TIPS_MAX>")]
    pub(super) entry_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireEntry {
    #[serde(rename = "_v", default)]
    pub(super) version: u8,
    pub(super) tree: WireTree,
    #[serde(deserialize_with = "few::<_, _, SUBTREES_MAX>")]
    pub(super) subtrees: Vec<WireSubtree>,
    pub(super) sig: WireSig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireTree {
    #[serde(default)]
    pub(super) root: Option<String>,
    #[serde(deserialize_with = "few::<_, _, PARENTS_MAX>")]
    pub(super) parents: Vec<String>,
    #[serde(default)]
    pub(super) metadata: Option<Payload>,
    #[serde(rename = "h", default)]
    pub(super) height: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSubtree {
    pub(super) name: String,
    #[serde(deserialize_with = "few::<_, _, PARENTS_MAX>")]
    pub(super) parents: Vec<String>,
    #[serde(default)]
    pub(super) data: Option<Payload>,
    #[serde(rename = "h", default)]
    pub(super) height: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSig {
    #[serde(default)]
    pub(super) sig: Option<String>,
    pub(super) key: WireKey,
    #[serde(default)]
    pub(super) pubkey: Option<String>,
}

/// What the app put into an entry; never looked into.
#[derive(Debug)]
pub(super) enum Payload {
    Text(String),
    Bytes(Vec<u8>),
}

/// Which key signed.
#[derive(Debug)]
pub(super) enum WireKey {
    /// A and B: a name in the tree's settings.
    Name(String),
    /// A and B: a way through other trees.
    Path(Vec<NameStep>),
    /// C.
    Hint { path: Option<Vec<TreeStep>>, hint: KeyHint },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameStep {
    pub(super) key: String,
    #[serde(default, deserialize_with = "few_or_none")]
    pub(super) tips: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeStep {
    pub(super) tree: String,
    #[serde(deserialize_with = "few::<_, _, PARENTS_MAX>")]
    pub(super) tips: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyHint {
    #[serde(default)]
    pub(super) pubkey: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) is_global: bool,
}

/// A list of at most `MAX` items.
fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MAX: usize>(from: D) -> Result<Vec<T>, D::Error> {
    struct Few<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Few<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} items")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                if list.len() == MAX {
                    return Err(A::Error::invalid_length(MAX + 1, &self));
                }
                list.push(item);
            }
            Ok(list)
        }
    }

    from.deserialize_seq(Few::<T, MAX>(PhantomData))
}

fn few_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    struct Names(#[serde(deserialize_with = "few::<_, _, PARENTS_MAX>")] Vec<String>);
    Ok(Option::<Names>::deserialize(from)?.map(|Names(names)| names))
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of bytes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Payload, E> {
                Ok(Payload::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Payload, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = items.next_element()? {
                    bytes.push(byte);
                }
                Ok(Payload::Bytes(bytes))
            }
        }

        from.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for WireKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Direct {
            hint: KeyHint,
        }

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Delegation {
            #[serde(deserialize_with = "few::<_, _, PARENTS_MAX>")]
            path: Vec<TreeStep>,
            hint: KeyHint,
        }

        impl<'de> Visitor<'de> for Either {
            type Value = WireKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, a path or a hint of a key")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<WireKey, E> {
                Ok(WireKey::Name(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<WireKey, A::Error> {
                let mut path = Vec::new();
                while let Some(step) = items.next_element()? {
                    if path.len() == PARENTS_MAX {
                        return Err(A::Error::invalid_length(PARENTS_MAX + 1, &"a short path"));
                    }
                    path.push(step);
                }
                Ok(WireKey::Path(path))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireKey, A::Error> {
                let kind: Option<String> = map.next_key()?;
                let key = match kind.as_deref() {
                    Some("Direct") => {
                        let Direct { hint } = map.next_value()?;
                        WireKey::Hint { path: None, hint }
                    }
                    Some("Delegation") => {
                        let Delegation { path, hint } = map.next_value()?;
                        WireKey::Hint { path: Some(path), hint }
                    }
                    Some(other) => return Err(A::Error::unknown_variant(other, &["Direct", "Delegation"])),
                    None => return Err(A::Error::missing_field("Direct")),
                };
                match map.next_key::<String>()? {
                    None => Ok(key),
                    Some(other) => Err(A::Error::custom(format_args!("one kind of key, not {other:?} beside it"))),
                }
            }
        }

        from.deserialize_any(Either)
    }
}
