//! What the settings of a tree say about keys: JSON of a document that is merged field by field, the last one counts.

use serde::Deserialize;
use std::collections::BTreeMap;

/// What somebody may do; each includes what stands before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(in crate::eidetica) enum Level {
    #[default]
    Nothing,
    Read,
    Write,
    Admin,
}

impl Level {
    pub(super) fn of_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Read,
            2 => Self::Write,
            3 => Self::Admin,
            _ => Self::Nothing,
        }
    }

    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 3,
        }
    }
}

/// Whom a grant is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Grantee {
    /// The text of a public key.
    Key(String),
    Everybody,
    /// The keys of another tree.
    Tree(String),
}

/// What one part of the settings says of one of them; `None` is what it leaves as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Said {
    pub(super) level: Option<Level>,
    pub(super) is_active: Option<bool>,
}

impl Said {
    const REMOVED: Self = Self { level: Some(Level::Nothing), is_active: Some(false) };
}

/// What one part of the settings says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rulings {
    pub(super) grants: BTreeMap<Grantee, Said>,
    /// Every grant from before is gone.
    pub(super) is_cleared: bool,
}

#[derive(Deserialize)]
struct Doc {
    #[serde(rename = "_a", default)]
    atomic: bool,
    children: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
enum Value {
    Doc(Doc),
    Text(String),
    Deleted,
    #[serde(untagged)]
    Other(serde::de::IgnoredAny),
}

impl Doc {
    fn doc(&self, name: &str) -> Option<&Self> {
        match self.children.get(name)? {
            Value::Doc(doc) => Some(doc),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.children.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The level of a permission.
fn level_of(permission: &Doc) -> Level {
    match permission.text("type") {
        Some("Admin") => Level::Admin,
        Some("Write") => Level::Write,
        Some("Read") => Level::Read,
        _ => Level::Nothing,
    }
}

/// What is said of a key, or of everybody.
fn of_key(value: &Value) -> Said {
    let Value::Doc(key) = value else { return Said::REMOVED };
    let status = key.text("status").map(|status| status == "Active");
    let level = key.doc("permissions").map(level_of);
    // What takes the whole place of a key and says no more of it grants nothing.
    if key.atomic {
        Said { level: level.or(Some(Level::Nothing)), is_active: status.or(Some(false)) }
    } else {
        Said { level, is_active: status }
    }
}

/// What is said of a tree whose keys are let in.
fn of_tree(value: &Value) -> Said {
    let Value::Doc(delegated) = value else { return Said::REMOVED };
    let bounds = delegated.doc("permission_bounds");
    let level = bounds.map(|bounds| bounds.doc("max").map_or(Level::Nothing, level_of));
    Said { level, is_active: Some(true) }
}

/// Reads the data of a store of settings; `None` for what is no document.
pub(super) fn read(data: &[u8]) -> Option<Rulings> {
    let settings: Doc = serde_json::from_slice(data).ok()?;
    let mut rulings = Rulings { is_cleared: settings.atomic, ..Rulings::default() };
    let Some(auth) = settings.children.get("auth") else { return Some(rulings) };
    let Value::Doc(auth) = auth else { return Some(Rulings { is_cleared: true, ..rulings }) };
    rulings.is_cleared |= auth.atomic;
    let mut say = |grantee, said| {
        rulings.grants.insert(grantee, said);
    };
    if let Some(global) = auth.children.get("global") {
        say(Grantee::Everybody, of_key(global));
    }
    let mut is_cleared = false;
    for (name, value) in &auth.children {
        let Value::Doc(group) = value else {
            is_cleared |= name == "keys" || name == "delegations";
            continue;
        };
        match name.as_str() {
            "keys" => group.children.iter().for_each(|(key, value)| say(Grantee::Key(key.clone()), of_key(value))),
            "delegations" => {
                group.children.iter().for_each(|(tree, value)| say(Grantee::Tree(tree.clone()), of_tree(value)));
            }
            _ => {}
        }
    }
    rulings.is_cleared |= is_cleared;
    Some(rulings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(data: &str) -> Rulings {
        read(data.as_bytes()).unwrap()
    }

    #[test]
    fn keys_everybody_and_other_trees_are_granted_what_the_settings_say() {
        let permission =
            |kind: &str| format!(r#"{{"Doc":{{"children":{{"type":{{"Text":"{kind}"}},"priority":{{"Int":0}}}}}}}}"#);
        let key = |kind: &str, status: &str| {
            let permission = permission(kind);
            format!(
                r#"{{"Doc":{{"_a":true,"children":{{"permissions":{permission},"status":{{"Text":"{status}"}}}}}}}}"#
            )
        };
        let bounds = format!(r#"{{"Doc":{{"children":{{"max":{}}}}}}}"#, permission("Write"));
        let rulings = said(&format!(
            r#"{{"children":{{"name":{{"Text":"x"}},"auth":{{"Doc":{{"children":{{
                "keys":{{"Doc":{{"children":{{"ed25519:a":{},"ed25519:b":{},"ed25519:c":"Deleted"}}}}}},
                "global":{},"delegations":{{"Doc":{{"children":{{"bafy":{{"Doc":{{"children":{{"permission_bounds":{bounds}}}}}}}}}}}}}}}}}}}}}}}"#,
            key("Admin", "Active"),
            key("Write", "Revoked"),
            key("Read", "Active"),
        ));
        let active = |level| Said { level: Some(level), is_active: Some(true) };
        let expected = [
            (Grantee::Key("ed25519:a".into()), active(Level::Admin)),
            (Grantee::Key("ed25519:b".into()), Said { level: Some(Level::Write), is_active: Some(false) }),
            (Grantee::Key("ed25519:c".into()), Said::REMOVED),
            (Grantee::Everybody, active(Level::Read)),
            (Grantee::Tree("bafy".into()), active(Level::Write)),
        ];
        assert_eq!(rulings, Rulings { grants: expected.into(), is_cleared: false });
    }

    #[test]
    fn part_of_a_grant_leaves_the_rest_as_it_was_and_what_is_replaced_is_gone() {
        let keys =
            |keys: &str| said(&format!(r#"{{"children":{{"auth":{{"Doc":{{"children":{{"keys":{keys}}}}}}}}}}}"#));
        let revoked = keys(r#"{"Doc":{"children":{"k":{"Doc":{"children":{"status":{"Text":"Revoked"}}}}}}}"#);
        assert_eq!(revoked.grants[&Grantee::Key("k".into())], Said { level: None, is_active: Some(false) });
        let bare = keys(r#"{"Doc":{"children":{"k":{"Doc":{"_a":true,"children":{}}}}}}"#);
        assert_eq!(bare.grants[&Grantee::Key("k".into())], Said::REMOVED);
        assert!(keys(r#""Deleted""#).is_cleared && said(r#"{"children":{"auth":"Deleted"}}"#).is_cleared);
        assert!(said(r#"{"_a":true,"children":{}}"#).is_cleared && !revoked.is_cleared);
        assert_eq!(
            said(r#"{"children":{"name":{"Text":"x"},"n":{"Int":1},"l":{"List":{}},"z":"Null"}}"#),
            Rulings::default()
        );
        assert_eq!(read(b"\"\""), None);
    }
}
