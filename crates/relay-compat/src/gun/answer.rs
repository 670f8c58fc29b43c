//! The answer to a get, or to a change that was missed: read page by page, each sent when there is room.

use super::QUERY_ITEMS_MAX;
use super::hub::place_of;
use super::lex::{Lex, Query};
use super::mailbox::Place;
use super::message::{Node, Property};
use super::record::{names_of, value_of};
use super::{ANSWER_BYTES_MAX, ANSWER_ITEMS_MAX};
use bytes::Bytes;
use relay_core::documents::{DocumentRange, Page};

/// Characters that a value counts as that is no text.
const PLAIN_VALUE_CHARACTERS: f64 = 9.0;

pub(super) struct Answer {
    /// The get; `None`: nobody asked, a subscription lacks it.
    pub(super) get: Option<String>,
    query: Query,
    range: DocumentRange,
    looked_at: usize,
    characters: f64,
    /// Whether some of it was said already.
    pub(super) has_said: bool,
    /// The id promised for the next part.
    pub(super) id: Option<String>,
    /// Whether its links are followed.
    pub(super) is_followed: bool,
    /// What other relays were asked, which is waited for when nothing is here.
    pub(super) ask: Option<String>,
    /// Whether other clients were asked for it.
    pub(super) clients_asked: bool,
}

/// What comes after a page.
pub(super) enum Then {
    More,
    End,
    /// The query looked at too much.
    TooMuch,
}

impl Answer {
    pub(super) fn new(get: Option<String>, query: Query) -> Self {
        let range = query.range();
        Self::over(get, query, range)
    }

    /// Everything in a range, as changes.
    pub(super) fn of_range(range: DocumentRange) -> Self {
        Self::over(None, Query { soul: Lex::All, key: Lex::All, limit: None }, range)
    }

    fn over(get: Option<String>, query: Query, range: DocumentRange) -> Self {
        Self {
            get,
            query,
            range,
            looked_at: 0,
            characters: 0.0,
            has_said: false,
            id: None,
            is_followed: false,
            ask: None,
            clients_asked: false,
        }
    }

    /// The same, after other relays were asked.
    pub(super) fn asking(self, ask: Option<String>) -> Self {
        Self { ask, ..self }
    }

    /// The same, with its links.
    pub(super) fn followed(self, is_followed: bool) -> Self {
        Self { is_followed, ..self }
    }

    /// What others can be asked for it; a query by a range is no such thing.
    pub(super) fn asked_place(&self) -> Option<Place> {
        let is_plain = matches!(self.query.key, Lex::All | Lex::Exactly(_));
        place_of(&self.query).filter(|_| is_plain && self.get.is_some())
    }

    /// What to read next.
    pub(super) fn next_page(&self) -> DocumentRange {
        self.range.clone().limited(ANSWER_ITEMS_MAX, ANSWER_BYTES_MAX)
    }

    /// The nodes of a page that belong to the answer, and what comes after it.
    pub(super) fn take(&mut self, page: &Page) -> (Vec<Node>, Then) {
        let mut nodes: Vec<Node> = Vec::new();
        for (key, value) in &page.items {
            if self.is_full() {
                return (nodes, Then::End);
            }
            self.looked_at += 1;
            if self.query.matches(key) {
                self.add(key, value, &mut nodes);
            }
        }
        match page.items.last().filter(|_| page.more && !self.is_full()) {
            None => (nodes, Then::End),
            Some(_) if self.get.is_some() && self.looked_at >= QUERY_ITEMS_MAX => (nodes, Then::TooMuch),
            Some((last, _)) => {
                self.range = self.range.after(last);
                (nodes, Then::More)
            }
        }
    }

    fn is_full(&self) -> bool {
        self.query.limit.is_some_and(|limit| self.characters >= limit)
    }

    fn add(&mut self, key: &[u8], value: &Bytes, nodes: &mut Vec<Node>) {
        let (Some((soul, name)), Some((state, value))) = (names_of(key), value_of(value)) else { return };
        let text = value.strip_prefix('"');
        self.characters += text.map_or(PLAIN_VALUE_CHARACTERS, |text| text.chars().count().saturating_sub(1) as f64);
        let property = Property { name: name.to_owned(), state, value: value.to_owned() };
        match nodes.last_mut().filter(|node| *node.soul == *soul) {
            Some(node) => node.properties.push(property),
            None => nodes.push(Node { soul: soul.into(), properties: vec![property] }),
        }
    }
}
