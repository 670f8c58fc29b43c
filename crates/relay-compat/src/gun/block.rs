//! Write blocks of certificates: a list in the owner's graph of those who may no longer write, whoever else gave them leave. It is
//! read in the turn in which the write is stored, so what stands in it then counts.

use super::json::{self, Json};
use super::message::link_of;
use super::record::{property_key, value_of};
use super::sea;
use relay_core::documents::{DocumentError, Documents};

/// Where a list is, and who is looked for in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    list: List,
    writer: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum List {
    /// At a soul.
    At(String),
    /// Behind a link of the owner.
    Linked { owner: String, key: String },
}

impl Block {
    /// As a certificate of `owner` names it; `None` for what names no list.
    pub(super) fn read(named: &Json, owner: &str, writer: &str) -> Option<Self> {
        let list = match named {
            Json::Text(soul) if soul.starts_with('~') => List::At(soul.clone()),
            Json::Text(key) => List::Linked { owner: format!("~{owner}"), key: key.clone() },
            named => List::At(named.get("#")?.text()?.to_owned()),
        };
        Some(Self { list, writer: writer.to_owned() })
    }

    /// Whether the writer is in the list.
    pub(super) fn holds(&self, documents: &dyn Documents) -> Result<bool, DocumentError> {
        let soul = match &self.list {
            List::At(soul) => Some(soul.clone()),
            List::Linked { owner, key } => said(documents, owner, key)?.as_ref().and_then(link_of),
        };
        let Some(soul) = soul else { return Ok(false) };
        Ok(
            matches!(said(documents, &soul, &self.writer)?, Some(value) if value == Json::Bool(true) || value.number() == Some(1.0)),
        )
    }
}

/// What stands in a property, without its signature.
fn said(documents: &dyn Documents, soul: &str, key: &str) -> Result<Option<Json>, DocumentError> {
    let stored = documents.get(&property_key(soul, key))?;
    let Some((_, text)) = stored.as_ref().and_then(value_of) else { return Ok(None) };
    Ok(sea::signed(text).map(|signed| signed.value).or_else(|| json::read(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_soul_or_behind_a_link_of_the_owner() {
        let read = |named: &str| Block::read(&json::read(named).unwrap(), "owner", "w").map(|block| block.list);
        assert_eq!(read(r#""~x/list""#), Some(List::At("~x/list".into())));
        assert_eq!(read(r##"{"#":"room"}"##), Some(List::At("room".into())));
        assert_eq!(read(r#""blocked""#), Some(List::Linked { owner: "~owner".into(), key: "blocked".into() }));
        assert_eq!((read("1"), read("{}"), read("null")), (None, None, None));
    }
}
