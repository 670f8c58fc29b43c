//! Message ids that were heard on one connection: each counts once. Other connections have their own, so that nobody can make
//! the relay deaf for somebody else; what comes by two ways is merged, and the second time changes nothing.

use super::{ID_MS, IDS_MAX};
use relay_core::endpoint::Moment;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Heard {
    ids: HashSet<String>,
    order: VecDeque<(Moment, String)>,
}

impl Heard {
    /// Whether this id is new.
    pub(super) fn is_new(&mut self, id: &str, now: Moment) -> bool {
        while self.order.front().is_some_and(|(since, _)| is_over(*since, now)) || self.order.len() >= IDS_MAX {
            let Some((_, id)) = self.order.pop_front() else { break };
            self.ids.remove(&id);
        }
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back((now, id.to_owned()));
        true
    }
}

fn is_over(since: Moment, now: Moment) -> bool {
    now.0.saturating_sub(since.0) > Duration::from_millis(ID_MS)
}

#[cfg(test)]
mod tests {
    use super::{Heard, ID_MS, IDS_MAX};
    use relay_core::endpoint::Moment;
    use std::time::Duration;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    #[test]
    fn an_id_counts_once_for_as_long_as_it_is_remembered() {
        let mut heard = Heard::default();
        assert!(heard.is_new("q1", at(0)));
        assert!(!heard.is_new("q1", at(ID_MS)));
        assert!(heard.is_new("q10", at(1)), "an id that begins like another is another");
        assert!(heard.is_new("q1", at(ID_MS + 1)));
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let mut heard = Heard::default();
        for id in 0..=IDS_MAX {
            assert!(heard.is_new(&id.to_string(), at(0)));
        }
        assert_eq!((heard.ids.len(), heard.order.len()), (IDS_MAX, IDS_MAX));
        assert!(heard.is_new("0", at(0)), "the oldest is forgotten");
        assert!(!heard.is_new(&IDS_MAX.to_string(), at(0)));
    }
}
