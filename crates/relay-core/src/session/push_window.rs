//! The pushes of one session that are not answered yet, and the joining of neighbours into one call of the store.
//!
//! Invariants:
//! 1. Pushes go to the store in the order in which they came.
//! 2. Joined pushes are consecutive in push_seq and of one key epoch: the store takes them as it would take them one by one.
//!    If it refuses them together, each is handed over again by itself, so that each gets the answer it would have got.

use super::gathered::Gathered;
use crate::endpoint::Moment;
use crate::gcra::Cell;
use crate::limits::PUSH_JOINED_BYTES_MAX;
use crate::store::{DeviceMark, Pushed};
use relay_proto::frame::Push;
use relay_proto::ids::SealedBytes;
use std::collections::VecDeque;

/// See the module.
#[derive(Debug)]
pub(super) struct PushWindow {
    /// Pushes that wait, here or in the store.
    pub(super) count: usize,
    /// Their sealed bytes.
    pub(super) bytes: usize,
    /// The device's next push may be any above its mark; until one was answered they go to the store one call at a time, so
    /// that what follows a refused one cannot be stored in its place.
    pub(super) unbound: bool,
    /// Calls of the store under way.
    pub(super) in_store: usize,
    held: VecDeque<Push>,
    /// Those of the read under way that were not looked at yet.
    pub(super) gathered: Gathered,
    /// How many of the held ones, from the first on, are not joined: they were refused together.
    apart: usize,
    /// Highest push_seq that is stored; what is not above it needs no room.
    pub(super) push_seq_high: u64,
    /// How fast they come.
    pub(super) rate: Cell,
    /// The store was asked how much the space holds.
    pub(super) asks_usage: bool,
    /// A refused push: what is above it is a gap until the client starts again there.
    pub(super) refused_at: Option<u64>,
}

/// Pushes on their way to the store as one.
#[derive(Debug)]
pub(crate) struct Joined {
    /// push_seq of the first entry of each.
    pub(super) firsts: Vec<u64>,
    /// Their sealed bytes.
    pub(super) bytes: usize,
    /// When the store was asked.
    pub(super) since: Moment,
    /// Each of them, when there is more than one.
    parts: Vec<Push>,
}

impl Joined {
    /// Whether there is more than one.
    pub(super) const fn is_several(&self) -> bool {
        !self.parts.is_empty()
    }
}

impl PushWindow {
    pub(super) fn new(mark: &DeviceMark) -> Self {
        Self {
            count: 0,
            bytes: 0,
            unbound: !mark.bound,
            in_store: 0,
            held: VecDeque::new(),
            gathered: Gathered::default(),
            apart: 0,
            push_seq_high: mark.push_seq_high,
            rate: Cell::NEW,
            asks_usage: false,
            refused_at: None,
        }
    }

    /// Adds a push behind the others.
    pub(super) fn hold(&mut self, push: Push) {
        self.count += 1;
        self.bytes += sealed_bytes(&push);
        self.held.push_back(push);
    }

    /// How many wait, and their bytes, those that were not looked at yet included.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let (gathered, bytes) = self.gathered.held();
        (self.count + gathered, self.bytes + bytes)
    }

    /// Whether any has not gone to the store.
    pub(super) fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// push_seq of the next one to go.
    pub(super) fn next_push_seq(&self) -> Option<u64> {
        self.held.front().map(|push| push.push_seq_first)
    }

    /// Forgets the next one; it is answered by its caller.
    pub(super) fn drop_next(&mut self) {
        if let Some(push) = self.pop() {
            self.answered(1, sealed_bytes(&push));
        }
    }

    /// The lowest refused one counts: nothing above it may be stored in its place.
    pub(super) fn refuse_from(&mut self, push_seq_first: u64) {
        self.refused_at = Some(self.refused_at.map_or(push_seq_first, |refused_at| refused_at.min(push_seq_first)));
    }

    pub(super) fn answered(&mut self, count: usize, bytes: usize) {
        self.count = self.count.saturating_sub(count);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Everything up to the end of an answered push is stored.
    pub(super) fn note_stored(&mut self, pushed: &Pushed) {
        if let Some(run) = pushed.runs.last() {
            let last = run.push_seq_first.saturating_add(u64::from(run.count)).saturating_sub(1);
            self.push_seq_high = self.push_seq_high.max(last);
        }
    }

    /// Takes the next push and those that continue it, as one of at most `entries_max` entries.
    pub(super) fn join(&mut self, entries_max: usize, now: Moment) -> Option<(Push, Joined)> {
        let is_apart = self.apart > 0;
        let first = self.pop()?;
        let mut joined =
            Joined { firsts: vec![first.push_seq_first], bytes: sealed_bytes(&first), since: now, parts: Vec::new() };
        let mut whole = first;
        while !is_apart && self.continues(&whole, joined.bytes, entries_max) {
            let Some(next) = self.pop() else { break };
            if joined.parts.is_empty() {
                joined.parts.push(whole.clone());
            }
            joined.firsts.push(next.push_seq_first);
            joined.bytes += sealed_bytes(&next);
            whole.entries.extend(next.entries.iter().cloned());
            joined.parts.push(next);
        }
        Some((whole, joined))
    }

    /// Takes pushes back that were refused together; each goes by itself.
    pub(super) fn hold_apart(&mut self, joined: Joined) {
        self.apart += joined.parts.len();
        joined.parts.into_iter().rev().for_each(|push| self.held.push_front(push));
    }

    fn continues(&self, whole: &Push, bytes: usize, entries_max: usize) -> bool {
        let entries = whole.entries.len();
        let expected = u64::try_from(entries).ok().and_then(|entries| whole.push_seq_first.checked_add(entries));
        self.held.front().is_some_and(|next| {
            Some(next.push_seq_first) == expected
                && next.key_epoch == whole.key_epoch
                && entries + next.entries.len() <= entries_max
                && bytes + sealed_bytes(next) <= PUSH_JOINED_BYTES_MAX
        })
    }

    fn pop(&mut self) -> Option<Push> {
        self.apart = self.apart.saturating_sub(1);
        self.held.pop_front()
    }
}

fn sealed_bytes(push: &Push) -> usize {
    push.entries.iter().map(SealedBytes::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const NOW: Moment = Moment(std::time::Duration::ZERO);

    fn push(push_seq_first: u64, key_epoch: u32, entries: usize) -> Push {
        let entry = SealedBytes(Bytes::from_static(&[7; 10]));
        Push { push_seq_first, key_epoch, entries: vec![entry; entries] }
    }

    fn window(pushes: &[Push]) -> PushWindow {
        let mut window = PushWindow::new(&DeviceMark { bound: true, ..DeviceMark::default() });
        pushes.iter().for_each(|push| window.hold(push.clone()));
        window
    }

    fn firsts(window: &mut PushWindow, entries_max: usize) -> Vec<Vec<u64>> {
        std::iter::from_fn(|| window.join(entries_max, NOW).map(|(_, joined)| joined.firsts)).collect()
    }

    #[test]
    fn neighbours_of_one_key_epoch_are_joined() {
        let mut held = window(&[push(1, 1, 2), push(3, 1, 1), push(5, 1, 1), push(6, 2, 1), push(7, 2, 1)]);
        assert_eq!(firsts(&mut held, 100), [vec![1, 3], vec![5], vec![6, 7]]);
        let mut held = window(&[push(1, 1, 1), push(2, 1, 1), push(3, 1, 1)]);
        assert_eq!(firsts(&mut held, 2), [vec![1, 2], vec![3]], "no more entries than a push may have");
        assert_eq!((held.count, held.bytes), (3, 30), "they wait until they are answered");
    }

    #[test]
    fn a_joined_push_holds_the_entries_of_all_in_order() {
        let (whole, joined) = window(&[push(4, 1, 2), push(6, 1, 1)]).join(100, NOW).unwrap();
        assert_eq!((whole.push_seq_first, whole.entries.len(), joined.bytes, joined.is_several()), (4, 3, 30, true));
    }

    #[test]
    fn what_was_refused_together_goes_by_itself_and_what_follows_is_joined_again() {
        let mut held = window(&[push(1, 1, 1), push(2, 1, 1)]);
        let (_, joined) = held.join(100, NOW).unwrap();
        held.hold(push(3, 1, 1));
        held.hold(push(4, 1, 1));
        held.hold_apart(joined);
        assert_eq!(firsts(&mut held, 100), [vec![1], vec![2], vec![3, 4]]);
    }
}
