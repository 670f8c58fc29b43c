//! The part of the hub that knows other relays: who is linked, and what was passed on to them.

use super::super::answer::Answer;
use super::super::asks::Asked;
use super::super::lex::{Lex, Query};
use super::super::mailbox::Place;
use super::super::write;
use super::{Author, Hub, count, locked};
use relay_core::documents::Tenant;
use std::sync::Arc;

impl Hub {
    /// A relay that speaks as this one does; `false` when there are too many.
    pub(in super::super) fn link_relay(
        &self,
        tenant: Tenant,
        author: &Author,
        is_dialed: bool,
        pid: Option<String>,
    ) -> bool {
        locked(&self.links).add_relay(tenant, author.peer, &author.mailbox, is_dialed, pid)
    }

    /// Keeps a place for a relay that is dialed.
    pub(in super::super) fn reserve_link(&self, tenant: Tenant) {
        locked(&self.links).reserve(tenant);
    }

    /// A stock relay: it is asked for everything that is wanted here already.
    pub(in super::super) fn link_stock(&self, tenant: Tenant, author: &Author) {
        if !locked(&self.links).add_stock(tenant, author.peer, &author.mailbox) {
            return count(&self.counters.refused);
        }
        for place in locked(&self.subscriptions).places(tenant) {
            self.pass_on(tenant, &place, u64::MAX);
        }
    }

    pub(in super::super) fn unlink(&self, tenant: Tenant, peer: u64) {
        locked(&self.links).remove(tenant, peer);
    }

    /// Asks the stock relays for what they were not asked for yet; the id of that, when there is an answer to wait for.
    pub(in super::super) fn pass_on(&self, tenant: Tenant, place: &Place, asker: u64) -> Option<String> {
        let relays = locked(&self.links).ask(tenant, place, asker);
        if relays.is_empty() {
            return None;
        }
        let id = self.new_id();
        let peers = relays.iter().map(|(peer, _)| *peer).collect();
        let is_open = locked(&self.asks).begin(&id, (tenant, place), Asked::Relays, peers, self.clock.now_ms());
        if !is_open {
            count(&self.counters.unasked);
        }
        let text = write::get(&id, place);
        relays.iter().for_each(|(_, mailbox)| mailbox.answer(&text));
        is_open.then_some(id)
    }

    /// An answer that has nothing to say waits for the relays that were asked; otherwise it comes back.
    pub(in super::super) fn hold(&self, asker: &Author, mut answer: Answer) -> Option<Answer> {
        let Some(ask) = answer.ask.take() else { return Some(answer) };
        let mut asks = locked(&self.asks);
        if !asks.is_open(&ask) {
            // It was answered while this was read: read again, once.
            drop(asks);
            asker.mailbox.read_again(answer);
            return None;
        }
        asks.hold(&ask, asker.peer, &asker.mailbox, answer)
    }

    /// Somebody who was asked answered, with something or with nothing.
    pub(in super::super) fn ask_answered(&self, ask: &str, peer: u64, has_something: bool) {
        locked(&self.asks).answered(ask, peer, has_something);
    }
}

/// What a get subscribes to; a query by soul is none.
pub(in super::super) fn place_of(query: &Query) -> Option<Place> {
    let Lex::Exactly(soul) = &query.soul else { return None };
    let key = match &query.key {
        Lex::Exactly(key) => Some(Arc::from(key.as_str())),
        _ => None,
    };
    Some((Arc::from(soul.as_str()), key))
}
