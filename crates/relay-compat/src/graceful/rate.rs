//! Requests per minute of one client: a fixed window, as clients of this protocol read it from the headers.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Length of a window, in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// Clients counted in one window; all beyond share one count.
const CLIENTS_MAX: usize = 65_536;

/// What a client may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset_at_ms: u64,
    pub(super) is_exceeded: bool,
}

struct Window<C> {
    number: u64,
    counts: HashMap<C, u32>,
    others: u32,
}

/// See the module.
pub(super) struct Rate<C> {
    limit: u32,
    window: Mutex<Window<C>>,
}

impl<C: Eq + Hash> Rate<C> {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, window: Mutex::new(Window { number: 0, counts: HashMap::new(), others: 0 }) }
    }

    /// Counts one request.
    pub(super) fn count(&self, client: C, now_ms: u64) -> Allowance {
        let number = now_ms / WINDOW_MS;
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.number != number {
            *window = Window { number, counts: HashMap::new(), others: 0 };
        }
        let is_known = window.counts.len() < CLIENTS_MAX || window.counts.contains_key(&client);
        let Window { counts, others, .. } = &mut *window;
        let count = if is_known { counts.entry(client).or_default() } else { others };
        *count = count.saturating_add(1);
        Allowance {
            limit: self.limit,
            remaining: self.limit.saturating_sub(*count),
            reset_at_ms: (number + 1) * WINDOW_MS,
            is_exceeded: *count > self.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_window_ends_for_all_at_once() {
        let rate = Rate::new(2);
        let exceeded = |client, now_ms| rate.count(client, now_ms).is_exceeded;
        assert_eq!(
            [exceeded(1, 0), exceeded(1, 59_000), exceeded(1, 59_999), exceeded(2, 59_999)],
            [false, false, true, false]
        );
        let next = rate.count(1, 60_000);
        assert_eq!((next.is_exceeded, next.remaining, next.reset_at_ms), (false, 1, 120_000));
    }
}
