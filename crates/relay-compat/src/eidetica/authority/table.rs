//! What is kept of the rule of a tree, beside its entries.
//!
//! ```text
//! a <T>                      → closed (u8) · readable by everybody (u8) · height and id of what cleared it
//! a <T> k <text of a key>    → ever (u8) · now (u8) · active (u8) · height u64 · id of the settings that said so
//! a <T> e                    → the same, of everybody
//! a <T> d <id of a tree>     → the same, of the keys of another tree
//! ```

use super::super::record::TreeName;
use super::settings::{Grantee, Level, Said};
use bytes::{BufMut, Bytes, BytesMut};

pub(super) fn rule_key(tree: TreeName) -> Bytes {
    key(tree, &[])
}

fn key(tree: TreeName, parts: &[&[u8]]) -> Bytes {
    [&[&b"a"[..], &tree.0], parts].concat().concat().into()
}

pub(super) fn grant_key(tree: TreeName, to: &Grantee) -> Bytes {
    match to {
        Grantee::Key(text) => key(tree, &[b"k", text.as_bytes()]),
        Grantee::Everybody => key(tree, &[b"e"]),
        Grantee::Tree(id) => key(tree, &[b"d", id.as_bytes()]),
    }
}

pub(super) fn delegations_prefix(tree: TreeName) -> Bytes {
    key(tree, &[b"d"])
}

/// Which settings said something; of two the greater counts, as for instances that merge them in this order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Stamp {
    pub(super) height: u64,
    pub(super) id: String,
}

impl Stamp {
    fn read(value: &[u8]) -> Option<Self> {
        let (height, id) = value.split_first_chunk()?;
        Some(Self { height: u64::from_be_bytes(*height), id: std::str::from_utf8(id).ok()?.to_owned() })
    }

    fn write(&self, out: &mut BytesMut) {
        out.put_u64(self.height);
        out.put_slice(self.id.as_bytes());
    }
}

/// The rule of a tree.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::eidetica) struct Rule {
    /// Whether only keys that were granted it may write; otherwise the tree is open to all.
    pub(in crate::eidetica) is_closed: bool,
    /// Whether everybody may read now.
    pub(in crate::eidetica) is_readable: bool,
    /// Grants from before this are gone.
    pub(super) cleared: Stamp,
}

impl Rule {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let ([closed, readable], rest) = value.split_first_chunk::<2>()?;
        Some(Self { is_closed: *closed == 1, is_readable: *readable == 1, cleared: Stamp::read(rest)? })
    }

    pub(super) fn value(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(10 + self.cleared.id.len());
        out.put_slice(&[u8::from(self.is_closed), u8::from(self.is_readable)]);
        self.cleared.write(&mut out);
        out.freeze()
    }
}

/// What somebody was granted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Grant {
    /// The most there ever was.
    pub(super) ever: Level,
    /// What the latest settings say.
    pub(super) now: Level,
    pub(super) is_active: bool,
    pub(super) stamp: Stamp,
}

impl Grant {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let ([ever, now, active], rest) = value.split_first_chunk::<3>()?;
        let (ever, now) = (Level::of_byte(*ever), Level::of_byte(*now));
        Some(Self { ever, now, is_active: *active == 1, stamp: Stamp::read(rest)? })
    }

    pub(super) fn value(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(11 + self.stamp.id.len());
        out.put_slice(&[self.ever.byte(), self.now.byte(), u8::from(self.is_active)]);
        self.stamp.write(&mut out);
        out.freeze()
    }

    /// Takes in what settings say.
    pub(super) fn hear(&mut self, said: Said, stamp: &Stamp) {
        if said.is_active == Some(true) {
            self.ever = self.ever.max(said.level.unwrap_or_default());
        }
        if *stamp >= self.stamp {
            self.now = said.level.unwrap_or(self.now);
            self.is_active = said.is_active.unwrap_or(self.is_active);
            self.stamp = stamp.clone();
        }
        if self.is_active {
            self.ever = self.ever.max(self.now);
        }
    }

    /// Whether so much is granted now.
    pub(super) fn is_now(&self, rule: &Rule, level: Level) -> bool {
        self.is_active && self.now >= level && self.stamp >= rule.cleared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(height: u64, id: &str) -> Stamp {
        Stamp { height, id: id.to_owned() }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let rule = Rule { is_closed: true, is_readable: false, cleared: stamp(3, "é") };
        assert_eq!(Rule::read(&rule.value()), Some(rule));
        let grant = Grant { ever: Level::Admin, now: Level::Read, is_active: true, stamp: stamp(u64::MAX, "x") };
        assert_eq!(Grant::read(&grant.value()), Some(grant));
        assert_eq!((Rule::read(b"\x01"), Grant::read(b"")), (None, None));
    }

    #[test]
    fn the_latest_settings_count_whatever_comes_first() {
        let write = Said { level: Some(Level::Write), is_active: Some(true) };
        let revoked = Said { level: None, is_active: Some(false) };
        let rule = Rule::default();
        for order in [[(write, 1), (revoked, 2)], [(revoked, 2), (write, 1)]] {
            let mut grant = Grant::default();
            order.iter().for_each(|(said, height)| grant.hear(*said, &stamp(*height, "x")));
            assert!(!grant.is_now(&rule, Level::Read), "{grant:?}");
            assert_eq!(grant.ever, Level::Write, "what it wrote before may still come");
        }
        let mut grant = Grant::default();
        grant.hear(Said { level: Some(Level::Write), is_active: Some(false) }, &stamp(1, "x"));
        assert_eq!(grant.ever, Level::Nothing);
        grant.hear(Said { level: None, is_active: Some(true) }, &stamp(2, "x"));
        assert_eq!(grant.ever, Level::Write, "let in by its status alone");
        let mut grant = Grant::default();
        grant.hear(write, &stamp(1, "x"));
        assert!(grant.is_now(&rule, Level::Write) && !grant.is_now(&rule, Level::Admin));
        assert!(!grant.is_now(&Rule { cleared: stamp(1, "y"), ..rule }, Level::Read));
    }
}
