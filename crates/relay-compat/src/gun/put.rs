//! A put's turn: property by property, what wins is stored.

use super::block::Block;
use super::ham::wins;
use super::message::Node;
use super::record::{property_key, property_value, value_of};
use crate::account_words::sentence;
use relay_core::documents::{DocumentError, Documents};
use std::borrow::Cow;

/// The changed properties; or why a put may not be stored.
pub(super) type Outcome = Result<Vec<Node>, &'static str>;

/// Stores what wins, unless a writer is blocked. A tenant that would hold too much withdraws the whole put.
pub(super) fn run(
    documents: &mut dyn Documents,
    nodes: Vec<Node>,
    blocks: &[Block],
    tenant_bytes_max: u64,
) -> Result<Outcome, DocumentError> {
    for block in blocks {
        if block.holds(documents)? {
            return Ok(Err("Certificant blocked."));
        }
    }
    let mut changed = Vec::new();
    for Node { soul, properties } in nodes {
        let mut won = Vec::new();
        for property in properties {
            let key = property_key(&soul, &property.name);
            let stored = documents.get(&key)?;
            if wins(property.state, &property.value, stored.as_ref().and_then(value_of)) {
                documents.put(key, property_value(property.state, &property.value))?;
                won.push(property);
            }
        }
        if !won.is_empty() {
            changed.push(Node { soul, properties: won });
        }
    }
    if !changed.is_empty() && documents.usage()?.bytes > tenant_bytes_max {
        return Err(DocumentError::Withdrawn);
    }
    Ok(Ok(changed))
}

/// Of puts beyond a rate.
pub(super) const TOO_FAST: &str = "Too many puts, try again later!";

/// What a peer is told when its put came to nothing.
pub(super) fn why_not(error: &DocumentError) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        DocumentError::Withdrawn => "This relay keeps no more of this space!",
        DocumentError::Full(_) => "This relay keeps no more!",
        DocumentError::Account(detail) => return sentence(*detail).into(),
        DocumentError::TooFast { .. } => TOO_FAST,
        DocumentError::NotAdmitted => "This relay keeps only what invited peers put!",
        DocumentError::Erased => "The operator of this relay erased this space!",
        DocumentError::TooLarge => "Too large to be stored!",
        _ => "Not stored, try again later!",
    })
}
