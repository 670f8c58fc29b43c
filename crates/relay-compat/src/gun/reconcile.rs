//! Two relays that meet compare their graphs, page by page: each offers the hash of what it has, and sends the page when the other has
//! something else there. A few offers are under way at a time; what is the same costs its hash.

use super::{ANSWER_BYTES_MAX, ANSWER_ITEMS_MAX, OFFERS_MAX};
use relay_core::documents::{DocumentRange, Page};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};

/// A page as its hash.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offer {
    pub(super) id: String,
    pub(super) range: DocumentRange,
    pub(super) hash: String,
}

/// What a page is read for.
pub(super) enum Comparing {
    /// To be offered.
    Own,
    /// To be compared.
    Theirs(Offer),
}

/// See the module.
#[derive(Default)]
pub(super) struct Reconciler {
    /// What is left to offer.
    left: Option<DocumentRange>,
    is_reading: bool,
    offered: HashMap<String, DocumentRange>,
    theirs: VecDeque<Offer>,
}

impl Reconciler {
    /// Offers everything, from the start.
    pub(super) fn begin(&mut self) {
        self.left = Some(DocumentRange::all());
    }

    /// What to read next.
    pub(super) fn next_read(&mut self) -> Option<(Comparing, DocumentRange)> {
        if let Some(offer) = self.theirs.pop_front() {
            // One more than it can have is enough to differ.
            let range = offer.range.clone().limited(ANSWER_ITEMS_MAX + 1, 2 * ANSWER_BYTES_MAX);
            return Some((Comparing::Theirs(offer), range));
        }
        let left = self.left.as_ref().filter(|_| !self.is_reading && self.offered.len() < OFFERS_MAX)?;
        self.is_reading = true;
        Some((Comparing::Own, left.clone().limited(ANSWER_ITEMS_MAX, ANSWER_BYTES_MAX)))
    }

    /// A page of our own was read: the offer of it, unless it is empty.
    pub(super) fn offer(&mut self, page: &Page, id: String) -> Option<Offer> {
        self.is_reading = false;
        let left = self.left.take()?;
        let (last, _) = page.items.last()?;
        let rest = left.after(last);
        let range = DocumentRange::between(left.from, Some(rest.from.clone()));
        self.left = page.more.then_some(rest);
        self.offered.insert(id.clone(), range.clone());
        Some(Offer { id, range, hash: hash_of(page) })
    }

    /// A page of our own could not be read: what is left is not offered.
    pub(super) fn failed(&mut self) {
        (self.is_reading, self.left) = (false, None);
    }

    /// An offer of the other; `false` when it has too many under way.
    pub(super) fn heard(&mut self, offer: Offer) -> bool {
        let has_room = self.theirs.len() < OFFERS_MAX;
        if has_room {
            self.theirs.push_back(offer);
        }
        has_room
    }

    /// The other compared: the page to be sent, when it has something else.
    pub(super) fn answered(&mut self, id: &str, is_same: bool) -> Option<DocumentRange> {
        self.offered.remove(id).filter(|_| !is_same)
    }
}

impl Offer {
    pub(super) fn is_same(&self, page: &Page) -> bool {
        !page.more && hash_of(page) == self.hash
    }
}

fn hash_of(page: &Page) -> String {
    let mut hash = Sha256::new();
    for part in page.items.iter().flat_map(|(key, value)| [key, value]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn page(keys: &[&'static str], more: bool) -> Page {
        let item = |key: &&'static str| (Bytes::from_static(key.as_bytes()), Bytes::from_static(b"v"));
        Page { items: keys.iter().map(item).collect(), more }
    }

    #[test]
    fn pages_are_offered_one_after_the_other_until_the_end() {
        let mut own = Reconciler::default();
        assert!(own.next_read().is_none());
        own.begin();
        assert!(
            matches!(own.next_read(), Some((Comparing::Own, range)) if range.from.is_empty() && range.to.is_none())
        );
        assert!(own.next_read().is_none(), "one page is read at a time");
        let offer = own.offer(&page(&["a", "b"], true), "1".into()).unwrap();
        assert_eq!(offer.range.to.as_deref(), Some(&b"b\0"[..]));
        assert!(matches!(own.next_read(), Some((Comparing::Own, range)) if range.from == b"b\0"[..]));
        assert!(own.offer(&page(&[], false), "2".into()).is_none());
        assert!(own.next_read().is_none());
        assert_eq!(own.answered("1", false), Some(offer.range));
        assert_eq!(own.answered("1", false), None, "it is sent once");
    }

    #[test]
    fn a_few_offers_are_under_way_at_a_time() {
        let mut own = Reconciler::default();
        own.begin();
        for n in 0..OFFERS_MAX {
            assert!(own.next_read().is_some());
            own.offer(&page(&["a"], true), n.to_string());
        }
        assert!(own.next_read().is_none());
        assert_eq!(own.answered("0", true), None);
        assert!(own.next_read().is_some());
        let theirs = Offer { id: "x".into(), range: DocumentRange::all(), hash: String::new() };
        assert!((0..OFFERS_MAX).all(|_| own.heard(theirs.clone())));
        assert!(!own.heard(theirs));
    }

    #[test]
    fn what_differs_in_a_key_a_value_or_its_length_is_not_the_same() {
        let mut own = Reconciler::default();
        own.begin();
        own.next_read();
        let offer = own.offer(&page(&["a", "b"], false), "1".into()).unwrap();
        assert!(offer.is_same(&page(&["a", "b"], false)));
        for other in [page(&["a"], false), page(&["a", "c"], false), page(&["a", "b"], true), page(&["ab"], false)] {
            assert!(!offer.is_same(&other));
        }
    }
}
