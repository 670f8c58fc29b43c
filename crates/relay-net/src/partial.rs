//! The process-wide budget of bytes that were received and cannot be handed over yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The budget; shared by all connections.
#[derive(Debug)]
pub(crate) struct PartialBudget {
    bytes_max: usize,
    held: AtomicUsize,
}

impl PartialBudget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, held: AtomicUsize::new(0) })
    }

    /// Bytes held by all connections.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// One connection's share; given back on drop.
#[derive(Debug)]
pub(crate) struct PartialLease {
    budget: Arc<PartialBudget>,
    held: usize,
}

impl PartialLease {
    pub(crate) fn new(budget: Arc<PartialBudget>) -> Self {
        Self { budget, held: 0 }
    }

    /// Sets the share to `bytes`; `false` if the budget has no room for that, in which case the share stays as it was.
    pub(crate) fn set(&mut self, bytes: usize) -> bool {
        if bytes > self.held {
            let more = bytes - self.held;
            let before = self.budget.held.fetch_add(more, Ordering::Relaxed);
            if before.saturating_add(more) > self.budget.bytes_max {
                self.budget.held.fetch_sub(more, Ordering::Relaxed);
                return false;
            }
        } else {
            self.budget.held.fetch_sub(self.held - bytes, Ordering::Relaxed);
        }
        self.held = bytes;
        true
    }
}

impl Drop for PartialLease {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{PartialBudget, PartialLease};
    use std::sync::Arc;

    #[test]
    fn leases_share_one_budget_and_give_it_back() {
        let budget = PartialBudget::new(100);
        let mut first = PartialLease::new(Arc::clone(&budget));
        let mut second = PartialLease::new(Arc::clone(&budget));
        assert!(first.set(60));
        assert!(!second.set(41));
        assert!(second.set(40));
        assert!(first.set(10));
        assert_eq!(budget.held_bytes(), 50);
        drop(first);
        drop(second);
        assert_eq!(budget.held_bytes(), 0);
    }
}
