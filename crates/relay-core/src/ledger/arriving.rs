//! A push on its way to its turn.
//!
//! Where a processor hashes many texts faster together than one by one, a push of few small entries waits to be hashed with those of
//! its whole group; everything else is hashed by the thread that brings it, so that the committer does not have to.

use super::PreparedPush;
use crate::store::Push;
use bytes::Bytes;
use relay_proto::hash::{entries_enough, entry_ids};
use relay_proto::ids::EntryId;

/// Bytes of entries from which on a push is hashed by who brings it: the whole group waits for what the committer hashes.
const LEFT_BYTES_MAX: usize = 64 << 10;

/// See the module.
#[derive(Clone, Debug)]
pub struct ArrivingPush {
    push: Push,
    /// `None`: still to be hashed.
    ids: Option<Vec<EntryId>>,
}

impl ArrivingPush {
    /// Hashes the entries now, or leaves them for [`Self::hash_together`].
    #[must_use]
    pub fn new(push: Push) -> Self {
        let bytes: usize = push.entries.iter().map(Bytes::len).sum();
        let is_left = bytes <= LEFT_BYTES_MAX && entries_enough().is_some_and(|enough| push.entries.len() < enough);
        let ids = (!is_left).then(|| ids_of(&push.entries));
        Self { push, ids }
    }

    /// The push.
    #[must_use]
    pub const fn push(&self) -> &Push {
        &self.push
    }

    /// Hashes all entries of these pushes that were left, in one go.
    pub fn hash_together<'a>(arriving: impl Iterator<Item = &'a mut Self>) {
        let left: Vec<&mut Self> = arriving.filter(|arriving| arriving.ids.is_none()).collect();
        let sealed: Vec<&[u8]> =
            left.iter().flat_map(|arriving| &arriving.push.entries).map(|sealed| &sealed[..]).collect();
        let mut ids = entry_ids(&sealed).into_iter();
        for arriving in left {
            arriving.ids = Some(ids.by_ref().take(arriving.push.entries.len()).collect());
        }
    }

    /// The push with the ids of its entries, which are hashed here if they were not before.
    #[must_use]
    pub fn prepared(self) -> PreparedPush {
        let Self { push, ids } = self;
        let ids = ids.unwrap_or_else(|| ids_of(&push.entries));
        PreparedPush { push, ids }
    }
}

fn ids_of(entries: &[Bytes]) -> Vec<EntryId> {
    entry_ids(&entries.iter().map(|sealed| &sealed[..]).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_proto::hash::entry_id;
    use relay_proto::ids::{DeviceKey, SpaceId};

    fn push(sizes: &[usize]) -> Push {
        let entry = |(at, size): (usize, &usize)| Bytes::from(vec![u8::try_from(at % 256).unwrap(); *size]);
        let entries = sizes.iter().enumerate().map(entry).collect();
        Push { space: SpaceId([1; 32]), device: DeviceKey([2; 32]), push_seq_first: 1, key_epoch: 1, entries }
    }

    fn expected(push: &Push) -> Vec<EntryId> {
        push.entries.iter().map(|sealed| entry_id(sealed)).collect()
    }

    #[test]
    fn ids_are_the_same_whoever_hashes_and_with_whom() {
        let pushes = [
            push(&[5]),
            push(&[1024; 3]),
            push(&[LEFT_BYTES_MAX + 1]),
            push(&[300; 40]),
            push(&[]),
            push(&[0, 64, 1000]),
        ];
        let mut arriving: Vec<ArrivingPush> = pushes.iter().cloned().map(ArrivingPush::new).collect();
        for (alone, push) in arriving.iter().cloned().zip(&pushes) {
            assert_eq!(alone.prepared().ids, expected(push));
        }
        ArrivingPush::hash_together(arriving.iter_mut());
        for (together, push) in arriving.into_iter().zip(&pushes) {
            assert!(together.ids.is_some());
            assert_eq!(together.prepared().ids, expected(push));
        }
    }

    #[test]
    fn only_few_and_small_entries_are_left_for_the_group() {
        let is_left = |push: Push| ArrivingPush::new(push).ids.is_none();
        assert!(!is_left(push(&[LEFT_BYTES_MAX + 1])), "a large one");
        assert!(!is_left(push(&[100; 64])), "many");
        assert_eq!(is_left(push(&[1024])), entries_enough().is_some());
    }
}
