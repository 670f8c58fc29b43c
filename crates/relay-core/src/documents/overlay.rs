//! Changes that lie over something else: a work's over its group's, a group's over what is in memory, that over the disk.

use super::error::DocumentError;
use super::limits::ITEM_OVERHEAD_BYTES;
use super::range::{DocumentRange, Page};
use super::store::{DocumentReader, Keyspace, Usage};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Changed keys of one keyspace, and what it holds with them.
#[derive(Clone, Debug, Default)]
struct Changed {
    /// `None`: deleted.
    keys: BTreeMap<Bytes, Option<Bytes>>,
    usage: Usage,
}

/// Changes of any keyspaces.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    keyspaces: BTreeMap<Keyspace, Changed>,
    bytes: usize,
}

impl Overlay {
    /// Bytes it takes, bookkeeping included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keyspaces.is_empty()
    }

    /// All changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = (Keyspace, &Bytes, Option<&Bytes>)> {
        self.keyspaces
            .iter()
            .flat_map(|(keyspace, changed)| changed.keys.iter().map(|(key, value)| (*keyspace, key, value.as_ref())))
    }

    /// What the changed keyspaces hold.
    pub fn usages(&self) -> impl Iterator<Item = (Keyspace, Usage)> {
        self.keyspaces.iter().map(|(keyspace, changed)| (*keyspace, changed.usage))
    }

    /// The value of a key that is changed here.
    #[must_use]
    pub fn get(&self, keyspace: Keyspace, key: &[u8]) -> Option<Option<Bytes>> {
        self.keyspaces.get(&keyspace)?.keys.get(key).cloned()
    }

    /// Changes one key over what lies under it; whether it was there before.
    ///
    /// # Errors
    /// What reading says.
    pub fn set(
        &mut self,
        under: &dyn DocumentReader,
        keyspace: Keyspace,
        key: Bytes,
        value: Option<Bytes>,
    ) -> Result<bool, DocumentError> {
        let before = match self.get(keyspace, &key) {
            Some(own) => own,
            None => under.read(keyspace, &key)?,
        };
        if before.is_none() && value.is_none() {
            return Ok(false);
        }
        let usage = match self.keyspaces.get(&keyspace) {
            Some(changed) => changed.usage,
            None => under.read_usage(keyspace)?,
        };
        let usage = after_change(usage, &key, before.as_ref(), value.as_ref());
        self.insert(keyspace, key, value, usage);
        Ok(before.is_some())
    }

    fn insert(&mut self, keyspace: Keyspace, key: Bytes, value: Option<Bytes>, usage: Usage) {
        let changed = self.keyspaces.entry(keyspace).or_default();
        changed.usage = usage;
        let weight =
            |key: &Bytes, value: &Option<Bytes>| key.len() + value.as_ref().map_or(0, Bytes::len) + ITEM_OVERHEAD_BYTES;
        self.bytes += weight(&key, &value);
        if let Some(former) = changed.keys.insert(key.clone(), value) {
            self.bytes = self.bytes.saturating_sub(weight(&key, &former));
        }
    }

    /// Takes over newer changes.
    pub fn absorb(&mut self, newer: Self) {
        for (keyspace, changed) in newer.keyspaces {
            for (key, value) in changed.keys {
                self.insert(keyspace, key, value, changed.usage);
            }
        }
    }

    /// Forgets that deleted keys were there: for the lowest layer, under which nothing lies.
    pub(super) fn settle(&mut self) {
        for changed in self.keyspaces.values_mut() {
            changed.keys.retain(|_, value| value.is_some());
        }
        self.keyspaces.retain(|_, changed| changed.usage.keys > 0);
    }

    /// Changed keys of a range, in its order.
    fn changed<'a>(
        &'a self,
        keyspace: Keyspace,
        range: &DocumentRange,
    ) -> Box<dyn Iterator<Item = (&'a Bytes, &'a Option<Bytes>)> + 'a> {
        let Some(changed) = self.keyspaces.get(&keyspace).filter(|_| !range.is_empty()) else {
            return Box::new(std::iter::empty());
        };
        let to = range.to.as_ref().map_or(Bound::Unbounded, |to| Bound::Excluded(&to[..]));
        let keys = changed.keys.range::<[u8], _>((Bound::Included(&range.from[..]), to));
        if range.reverse { Box::new(keys.rev()) } else { Box::new(keys) }
    }
}

fn after_change(usage: Usage, key: &Bytes, before: Option<&Bytes>, value: Option<&Bytes>) -> Usage {
    let bytes_of = |value: Option<&Bytes>| value.map_or(0, |value| (key.len() + value.len()) as u64);
    let keys = usage.keys + u64::from(value.is_some());
    Usage {
        keys: keys.saturating_sub(u64::from(before.is_some())),
        bytes: usage.bytes.saturating_add(bytes_of(value)).saturating_sub(bytes_of(before)),
    }
}

/// An overlay and what lies under it, read as one.
#[derive(Clone, Copy)]
pub struct Stacked<'a> {
    /// What holds where it says something.
    pub over: &'a Overlay,
    /// What holds elsewhere.
    pub under: &'a dyn DocumentReader,
}

impl DocumentReader for Stacked<'_> {
    fn read(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, DocumentError> {
        match self.over.get(keyspace, key) {
            Some(own) => Ok(own),
            None => self.under.read(keyspace, key),
        }
    }

    fn read_range(&self, keyspace: Keyspace, range: &DocumentRange) -> Result<Page, DocumentError> {
        if self.over.changed(keyspace, range).next().is_none() {
            return self.under.read_range(keyspace, range);
        }
        let mut page = PageBuilder::new(range);
        let mut rest = range.clone();
        while page.has_room() {
            let under = self.under.read_range(keyspace, &rest.clone().limited(page.items_left(), page.bytes_left()))?;
            let end = under.items.last().filter(|_| under.more).map(|(key, _)| key.clone());
            // Of the changes, those that lie among what was read.
            let window = end.as_ref().map_or_else(|| rest.clone(), |end| up_to(&rest, end));
            page.merge(under.items, self.over.changed(keyspace, &window));
            let Some(end) = end else { return Ok(page.finish(false)) };
            rest = rest.after(&end);
        }
        Ok(page.finish(true))
    }

    fn read_usage(&self, keyspace: Keyspace) -> Result<Usage, DocumentError> {
        match self.over.keyspaces.get(&keyspace) {
            Some(changed) => Ok(changed.usage),
            None => self.under.read_usage(keyspace),
        }
    }

    fn read_keyspaces(&self, after: Option<Keyspace>, keyspaces_max: usize) -> Result<Vec<Keyspace>, DocumentError> {
        let mut found = Vec::new();
        let mut under_after = after;
        // Emptied keyspaces are left out, so a page from below may shrink: it is filled up again.
        loop {
            let under = self.under.read_keyspaces(under_after, keyspaces_max.max(1))?;
            let is_last = under.len() < keyspaces_max.max(1);
            under_after = under.last().copied().or(under_after);
            found.extend(under);
            let bound = if is_last { None } else { under_after };
            let lower = after.map_or(Bound::Unbounded, Bound::Excluded);
            let upper = bound.map_or(Bound::Unbounded, Bound::Included);
            let own: BTreeMap<_, _> = self.over.keyspaces.range((lower, upper)).collect();
            let mut merged: Vec<_> = found.iter().copied().chain(own.keys().map(|keyspace| **keyspace)).collect();
            merged.sort_unstable();
            merged.dedup();
            merged.retain(|keyspace| own.get(keyspace).is_none_or(|changed| changed.usage.keys > 0));
            if is_last || merged.len() >= keyspaces_max {
                merged.truncate(keyspaces_max);
                return Ok(merged);
            }
        }
    }
}

/// The part of a range up to a key and including it, in the range's order.
fn up_to(range: &DocumentRange, key: &Bytes) -> DocumentRange {
    if range.reverse {
        return DocumentRange { from: key.clone(), ..range.clone() };
    }
    let beyond = range.after(key).from;
    DocumentRange { to: Some(beyond), ..range.clone() }
}

struct PageBuilder<'a> {
    range: &'a DocumentRange,
    items: Vec<(Bytes, Bytes)>,
    bytes: usize,
    left_out: bool,
}

impl<'a> PageBuilder<'a> {
    fn new(range: &'a DocumentRange) -> Self {
        Self { range, items: Vec::new(), bytes: 0, left_out: false }
    }

    fn has_room(&self) -> bool {
        !self.left_out && (self.items.is_empty() || (self.items_left() > 0 && self.bytes_left() > 0))
    }

    fn items_left(&self) -> usize {
        self.range.items_max.max(1).saturating_sub(self.items.len())
    }

    fn bytes_left(&self) -> usize {
        self.range.bytes_max.saturating_sub(self.bytes)
    }

    fn push(&mut self, key: Bytes, value: Bytes) {
        if !self.has_room() {
            self.left_out = true;
            return;
        }
        self.bytes += key.len() + value.len();
        self.items.push((key, value));
    }

    /// Both are in the range's order; changes hold.
    fn merge<'b>(&mut self, under: Vec<(Bytes, Bytes)>, changed: impl Iterator<Item = (&'b Bytes, &'b Option<Bytes>)>) {
        let mut under = under.into_iter().peekable();
        for (key, value) in changed {
            let is_before = |other: &Bytes| if self.range.reverse { other > key } else { other < key };
            while under.peek().is_some_and(|(other, _)| is_before(other)) {
                if let Some((key, value)) = under.next() {
                    self.push(key, value);
                }
            }
            under.next_if(|(other, _)| other == key);
            if let Some(value) = value {
                self.push(key.clone(), value.clone());
            }
            if self.left_out {
                return;
            }
        }
        under.for_each(|(key, value)| self.push(key, value));
    }

    fn finish(self, more: bool) -> Page {
        let more = (more || self.left_out) && !self.items.is_empty();
        Page { items: self.items, more }
    }
}
