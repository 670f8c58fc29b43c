//! A peer that is a relay: one that was dialed, or one that says so.
//!
//! `Client` → (says it is a relay) → `Relay`; `Dialed` → (says so in time) → `Relay`, → (does not) → `Stock`.

use super::super::GREETING_MS;
use super::super::answer::Answer;
use super::super::hub::count;
use super::super::message::Said;
use super::super::write;
use super::{OURSELVES, Peer};
use relay_core::endpoint::{Moment, Outbox};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    /// Dialed by this relay, and silent about itself so far; until when that is waited for.
    Dialed(Moment),
    /// A stock relay that was dialed.
    Stock,
    /// A relay that speaks as this one does.
    Relay,
}

impl Role {
    pub(super) fn new(is_dialed: bool, now: Moment) -> Self {
        if is_dialed { Self::Dialed(Moment(now.0 + Duration::from_millis(GREETING_MS))) } else { Self::Client }
    }

    pub(super) fn deadline(self) -> Option<Moment> {
        if let Self::Dialed(until) = self { Some(until) } else { None }
    }
}

impl Peer {
    pub(super) fn is_link(&self) -> bool {
        self.role != Role::Client
    }

    /// Says what this relay is to one that was dialed.
    pub(super) fn introduce(&mut self) {
        if self.is_link() {
            self.follower.greeted();
            self.author.mailbox.answer(&write::i_am_a_relay(&self.hub.new_id(), &self.hub.pid, None));
        }
    }

    /// Who was dialed and says nothing of itself is a stock relay.
    pub(super) fn decide_role(&mut self, now: Moment) {
        if self.role.deadline().is_some_and(|until| now >= until) {
            self.role = Role::Stock;
            self.hub.link_stock(self.tenant, &self.author);
        }
    }

    pub(super) fn meet_relay(&mut self, id: Option<&str>, pid: Option<String>, is_answer: bool, out: &mut dyn Outbox) {
        if pid.as_ref() == Some(&self.hub.pid) {
            return out.close(OURSELVES);
        }
        // One that is linked already keeps what it was.
        let is_dialed = self.is_link();
        if !self.hub.link_relay(self.tenant, &self.author, is_dialed, pid) {
            count(&self.hub.counters.refused);
            return self.author.mailbox.answer(&write::broken("Too many relays!"));
        }
        if !is_answer {
            self.author.mailbox.answer(&write::i_am_a_relay(&self.hub.new_id(), &self.hub.pid, id));
        }
        let is_new = self.role != Role::Relay;
        self.role = Role::Relay;
        self.hub.remove_client(self.tenant, self.author.peer);
        self.follower.greeted();
        if is_new {
            self.reconciler.begin();
        }
    }

    /// What relays compare; nobody else may.
    pub(super) fn compare(&mut self, said: Said) {
        match said {
            Said::Offer(offer) if self.role == Role::Relay => {
                let is_refused = !self.reconciler.heard(offer);
                self.hub.counters.refused.fetch_add(u64::from(is_refused), Ordering::Relaxed);
            }
            Said::Compared { offer, is_same } => {
                if let Some(range) = self.reconciler.answered(&offer, is_same) {
                    self.waiting.push_back(Answer::of_range(range));
                }
            }
            _ => {}
        }
    }
}
