//! Writes whose state is yet to come: they wait for it, unanswered, and are gone with the process.

use super::message::Node;
use super::{DEFERRED_BYTES_MAX, DEFERRED_MAX};
use relay_core::documents::Tenant;
use std::collections::BTreeMap;

/// Who is told when a put is durable.
#[derive(Clone, Default)]
pub(super) struct Reply {
    /// The put's id, for its author.
    pub(super) ack: Option<String>,
    /// What it answers that was asked of other relays.
    pub(super) ask: Option<String>,
}

/// A put that waits.
pub(super) struct Waiting<P> {
    pub(super) tenant: Tenant,
    pub(super) peer: P,
    pub(super) reply: Reply,
    pub(super) nodes: Vec<Node>,
    pub(super) bytes: usize,
}

pub(super) struct Deferred<P> {
    by_due: BTreeMap<(u64, u64), Waiting<P>>,
    bytes: usize,
    count: u64,
}

impl<P> Default for Deferred<P> {
    fn default() -> Self {
        Self { by_due: BTreeMap::new(), bytes: 0, count: 0 }
    }
}

impl<P> Deferred<P> {
    /// Lets a put wait; `false` when too many do.
    pub(super) fn add(&mut self, due_ms: u64, waiting: Waiting<P>) -> bool {
        if self.by_due.len() >= DEFERRED_MAX || self.bytes.saturating_add(waiting.bytes) > DEFERRED_BYTES_MAX {
            return false;
        }
        self.bytes += waiting.bytes;
        self.count += 1;
        self.by_due.insert((due_ms, self.count), waiting);
        true
    }

    /// Takes out what is due.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Vec<Waiting<P>> {
        let later = self.by_due.split_off(&(now_ms.saturating_add(1), 0));
        let due: Vec<_> = std::mem::replace(&mut self.by_due, later).into_values().collect();
        self.bytes = self.bytes.saturating_sub(due.iter().map(|waiting| waiting.bytes).sum());
        due
    }

    pub(super) fn len(&self) -> usize {
        self.by_due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFERRED_BYTES_MAX, DEFERRED_MAX, Deferred, Reply, Waiting};
    use relay_core::documents::Tenant;

    fn waiting(peer: u32, bytes: usize) -> Waiting<u32> {
        Waiting { tenant: Tenant::ONLY, peer, reply: Reply::default(), nodes: Vec::new(), bytes }
    }

    #[test]
    fn puts_come_out_when_they_are_due_in_order() {
        let mut deferred = Deferred::default();
        for (due, peer) in [(30, 3), (10, 1), (20, 2), (20, 4)] {
            assert!(deferred.add(due, waiting(peer, 1)));
        }
        let mut due = |now| deferred.take_due(now).into_iter().map(|waiting| waiting.peer).collect::<Vec<_>>();
        assert_eq!((due(9), due(20), due(20), due(30)), (vec![], vec![1, 2, 4], vec![], vec![3]));
    }

    #[test]
    fn no_more_than_so_many_and_so_much_wait() {
        let mut deferred = Deferred::default();
        assert!(!deferred.add(1, waiting(0, DEFERRED_BYTES_MAX + 1)));
        for _ in 0..DEFERRED_MAX {
            assert!(deferred.add(1, waiting(0, 1)));
        }
        assert!(!deferred.add(1, waiting(0, 1)));
        deferred.take_due(1);
        assert!(deferred.add(1, waiting(0, DEFERRED_BYTES_MAX)));
    }
}
