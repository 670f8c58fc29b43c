//! Ranges of keys, and pages of what is in them.

use bytes::Bytes;

/// Keys in byte order, from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRange {
    /// The lowest key.
    pub from: Bytes,
    /// The first key beyond; `None`: up to the end of the keyspace.
    pub to: Option<Bytes>,
    /// From the highest key down.
    pub reverse: bool,
    /// Items wanted at most; at least one is taken.
    pub items_max: usize,
    /// Bytes of keys and values wanted at most; one item may overshoot.
    pub bytes_max: usize,
}

/// Some items of a range, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Keys and values.
    pub items: Vec<(Bytes, Bytes)>,
    /// Whether there may be more behind the last one. Never with an empty page.
    pub more: bool,
}

impl DocumentRange {
    /// All keys from `from` on that are below `to`.
    #[must_use]
    pub fn between(from: impl Into<Bytes>, to: Option<Bytes>) -> Self {
        Self { from: from.into(), to, reverse: false, items_max: usize::MAX, bytes_max: usize::MAX }
    }

    /// All keys that begin so.
    #[must_use]
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix: Bytes = prefix.into();
        let to = end_of_prefix(&prefix);
        Self::between(prefix, to)
    }

    /// All keys.
    #[must_use]
    pub fn all() -> Self {
        Self::between(Bytes::new(), None)
    }

    /// With so many items and bytes at most.
    #[must_use]
    pub fn limited(self, items_max: usize, bytes_max: usize) -> Self {
        Self { items_max, bytes_max, ..self }
    }

    /// From the highest key down.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { reverse: true, ..self }
    }

    /// What comes behind a key in this range's order.
    #[must_use]
    pub fn after(&self, key: &[u8]) -> Self {
        if self.reverse {
            return Self { to: Some(Bytes::copy_from_slice(key)), ..self.clone() };
        }
        let mut from = Vec::with_capacity(key.len() + 1);
        from.extend_from_slice(key);
        from.push(0);
        Self { from: from.into(), ..self.clone() }
    }

    /// Whether no key can be in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }
}

/// The first key beyond all that begin so; `None` when there is none.
fn end_of_prefix(prefix: &[u8]) -> Option<Bytes> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::DocumentRange;

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        let end = |prefix: &'static [u8]| DocumentRange::prefix(prefix).to.map(|to| to.to_vec());
        assert_eq!(end(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(end(&[7, 255, 255]), Some(vec![8]));
        assert_eq!(end(&[255]), None);
        assert_eq!(end(b""), None);
    }
}
