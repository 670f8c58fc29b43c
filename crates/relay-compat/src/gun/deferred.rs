//! Writes whose state is yet to come: they wait for it, unanswered, and are gone with the process.

use super::block::Block;
use super::message::Node;
use super::shares::{Amount, Shares};
use super::{DEFERRED_BYTES_MAX, DEFERRED_MAX, DEFERRED_TOTAL_BYTES_MAX, DEFERRED_TOTAL_MAX};
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
    /// Who may not have written it.
    pub(super) blocks: Vec<Block>,
    pub(super) bytes: usize,
}

pub(super) struct Deferred<P> {
    by_due: BTreeMap<(u64, u64), Waiting<P>>,
    shares: Shares,
    count: u64,
}

impl<P> Default for Deferred<P> {
    fn default() -> Self {
        let tenant_max = Amount { count: DEFERRED_MAX, bytes: DEFERRED_BYTES_MAX };
        let all_max = Amount { count: DEFERRED_TOTAL_MAX, bytes: DEFERRED_TOTAL_BYTES_MAX };
        Self { by_due: BTreeMap::new(), shares: Shares::new(tenant_max, all_max), count: 0 }
    }
}

impl<P> Deferred<P> {
    /// Lets a put wait; `false` when too many do.
    pub(super) fn add(&mut self, due_ms: u64, waiting: Waiting<P>) -> bool {
        if !self.shares.take(waiting.tenant, Amount::one(waiting.bytes)) {
            return false;
        }
        self.count += 1;
        self.by_due.insert((due_ms, self.count), waiting);
        true
    }

    /// Takes out what is due.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Vec<Waiting<P>> {
        let later = self.by_due.split_off(&(now_ms.saturating_add(1), 0));
        let due: Vec<_> = std::mem::replace(&mut self.by_due, later).into_values().collect();
        for waiting in &due {
            self.shares.give_back(waiting.tenant, Amount::one(waiting.bytes));
        }
        due
    }

    pub(super) fn len(&self) -> usize {
        self.by_due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::DEFERRED_TOTAL_BYTES_MAX;
    use super::{DEFERRED_BYTES_MAX, DEFERRED_MAX, Deferred, Waiting};
    use relay_core::documents::Tenant;

    fn waiting(peer: u32, bytes: usize) -> Waiting<u32> {
        let (reply, nodes, blocks) = Default::default();
        Waiting { tenant: Tenant::ONLY, peer, reply, nodes, blocks, bytes }
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
    #[test]
    fn one_graph_leaves_room_for_others_and_all_of_them_have_no_more_than_so_much() {
        let mut deferred = Deferred::default();
        let mut of = |number: u8| {
            let mut waiting = waiting(0, DEFERRED_BYTES_MAX);
            waiting.tenant.0[0] = number;
            deferred.add(1, waiting)
        };
        assert!(of(0) && !of(0));
        let others = (DEFERRED_TOTAL_BYTES_MAX / DEFERRED_BYTES_MAX) as u8;
        assert!((1..others).all(&mut of) && !of(others));
        deferred.take_due(1);
        assert!(deferred.add(1, waiting(0, DEFERRED_BYTES_MAX)));
    }
}
