//! What a peer lacks that came back. Stock clients that reconnect ask again for what stands at the root of their chains, and for
//! nothing beneath a link of it; so what they ask at once is followed along its links, as if they had asked for that too. A peer
//! that connects for the first time greets, and will ask for everything itself.

use super::{FOLLOWED_BYTES_MAX, FOLLOWED_SOULS_MAX, GREETING_MS, RENEWAL_MS};
use relay_core::endpoint::Moment;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// See the module.
pub(super) struct Follower {
    /// Until when a greeting is waited for.
    decided_at: Moment,
    /// Until when gets are those of a peer that came back.
    renewed_at: Moment,
    is_new: bool,
    is_decided: bool,
    links: VecDeque<Arc<str>>,
    souls_left: usize,
    bytes_left: usize,
}

fn after(now: Moment, ms: u64) -> Moment {
    Moment(now.0 + Duration::from_millis(ms))
}

impl Follower {
    /// Of a peer that connects now.
    pub(super) fn new(now: Moment) -> Self {
        Self {
            decided_at: after(now, GREETING_MS),
            renewed_at: after(now, RENEWAL_MS),
            is_new: false,
            is_decided: false,
            links: VecDeque::new(),
            souls_left: FOLLOWED_SOULS_MAX,
            bytes_left: FOLLOWED_BYTES_MAX,
        }
    }

    /// The peer greeted: it did not come back.
    pub(super) fn greeted(&mut self) {
        self.is_new = true;
        self.links = VecDeque::new();
    }

    /// Whether what a get asks for now is followed.
    pub(super) fn follows(&self, now: Moment) -> bool {
        !self.is_new && now < self.renewed_at
    }

    /// A part of an answer that is followed: its size, and the souls it links to. `false` when there was too much before.
    pub(super) fn saw(&mut self, bytes: usize, links: impl Iterator<Item = Arc<str>>) -> bool {
        if self.is_new {
            return true;
        }
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        for link in links {
            if self.souls_left == 0 || self.bytes_left == 0 {
                return false;
            }
            self.souls_left -= 1;
            self.links.push_back(link);
        }
        true
    }

    /// The next soul to send.
    pub(super) fn next(&mut self, now: Moment) -> Option<Arc<str>> {
        self.is_decided |= now >= self.decided_at;
        self.is_decided.then(|| self.links.pop_front())?
    }

    /// When it is known whether the peer is new, if anything waits for that.
    pub(super) fn deadline(&self) -> Option<Moment> {
        (!self.is_decided && !self.links.is_empty()).then_some(self.decided_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        after(Moment::default(), ms)
    }

    fn links(count: usize) -> impl Iterator<Item = Arc<str>> {
        (0..count).map(|n| n.to_string().into())
    }

    #[test]
    fn links_wait_until_no_greeting_came() {
        let mut follower = Follower::new(at(0));
        assert!(follower.follows(at(RENEWAL_MS - 1)) && !follower.follows(at(RENEWAL_MS)));
        assert_eq!(follower.deadline(), None);
        assert!(follower.saw(1, links(2)));
        assert_eq!((follower.next(at(GREETING_MS - 1)), follower.deadline()), (None, Some(at(GREETING_MS))));
        assert_eq!(follower.next(at(GREETING_MS)).as_deref(), Some("0"));
        assert_eq!(follower.deadline(), None, "the other one is there to be taken");
        follower.greeted();
        assert_eq!((follower.next(at(GREETING_MS)), follower.deadline()), (None, None));
        assert!(!follower.follows(at(1)));
    }

    #[test]
    fn no_more_than_so_many_souls_and_so_much_are_followed() {
        let mut follower = Follower::new(at(0));
        assert!(follower.saw(1, links(FOLLOWED_SOULS_MAX)));
        assert!(follower.saw(1, links(0)));
        assert!(!follower.saw(1, links(1)));
        let mut follower = Follower::new(at(0));
        assert!(follower.saw(FOLLOWED_BYTES_MAX - 1, links(1)));
        assert!(!follower.saw(1, links(1)));
    }
}
