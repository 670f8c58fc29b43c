//! A sender's wait for receivers that are full: it is not read until all of them have room, or those that take nothing are given up.

use super::hub::{Hub, Peer, TopicName};
use relay_core::endpoint::{Moment, Outbox, Waker};
use std::sync::Arc;

/// See the module.
pub(super) struct Patience {
    waker: Waker,
    is_waiting: bool,
    until: Option<Moment>,
}

impl Patience {
    /// Of a connection with this waker.
    pub(super) fn new(waker: Waker) -> Self {
        Self { waker, is_waiting: false, until: None }
    }

    /// A receiver had no room: the sender waits.
    pub(super) fn begin(&mut self) {
        self.is_waiting = true;
    }

    /// Until when it waits.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.until
    }

    /// Reads on once every receiver has room; those that were given up meanwhile are returned. Outside of a topic nobody is waited for.
    pub(super) fn look(
        &mut self,
        hub: &Hub,
        inside: Option<(&TopicName, &Arc<Peer>)>,
        now: Moment,
        out: &mut dyn Outbox,
    ) -> Vec<Arc<Peer>> {
        if !self.is_waiting {
            return Vec::new();
        }
        let (until, given_up) =
            inside.map_or((None, Vec::new()), |(topic, sender)| hub.waits_until(topic, sender, &self.waker, now));
        (self.is_waiting, self.until) = (until.is_some(), until);
        out.pause_reading(self.is_waiting);
        given_up
    }
}
