//! When messages are due: at a steady rate whatever the server does, or as soon as there is room.

use crate::clock::SECOND_NS;
use crate::number::to_f64;

/// The pace of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    from_ns: u64,
    /// Zero: no pace.
    per_second: f64,
}

impl Pace {
    pub(crate) fn new(per_second: f64, from_ns: u64) -> Self {
        Self { from_ns, per_second }
    }

    /// Whether messages are due at times of their own.
    pub(crate) fn is_steady(&self) -> bool {
        self.per_second > 0.0
    }

    /// When a message is due, counted from 0.
    pub(crate) fn due_ns(&self, number: u64) -> u64 {
        let offset = to_f64(number) * to_f64(SECOND_NS) / self.per_second;
        self.from_ns.saturating_add(crate::number::to_whole(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_at_even_distances() {
        let pace = Pace::new(2000.0, 100);
        assert_eq!([0, 1, 4000].map(|number| pace.due_ns(number)), [100, 500_100, 2_000_000_100]);
        assert!(pace.is_steady() && !Pace::new(0.0, 0).is_steady());
    }
}
