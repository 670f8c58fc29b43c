//! The part of the hub that asks clients for what is not here: who is connected, and who is asked. Only those of the same graph are.

use super::super::answer::Answer;
use super::super::asks::{Asked, Standing};
use super::super::mailbox::{Mailbox, Place};
use super::super::{CLIENTS_ASKED_MAX, CLIENTS_LOOKED_AT_MAX, UNANSWERED_MAX, write};
use super::{Author, Hub, count, locked};
use relay_core::documents::Tenant;
use relay_core::endpoint::SharedFrame;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

struct Client {
    mailbox: Arc<Mailbox>,
    /// Questions in a row that it let pass; one that never answers is not asked.
    unanswered: u32,
}

/// Clients by graph.
#[derive(Default)]
pub(super) struct Clients {
    by_tenant: HashMap<Tenant, BTreeMap<u64, Client>>,
    /// Who was asked last, so that it is somebody else's turn.
    last: u64,
}

impl Clients {
    /// So many of a graph, one after the other, each but those.
    fn next(&mut self, tenant: Tenant, max: usize, but: &[u64]) -> Vec<(u64, Arc<Mailbox>)> {
        let Some(clients) = self.by_tenant.get(&tenant) else { return Vec::new() };
        let after = clients.range((Excluded(self.last), Unbounded)).chain(clients.range(..=self.last));
        let is_asked = |peer: u64, client: &Client| !but.contains(&peer) && client.unanswered < UNANSWERED_MAX;
        let looked_at = after.take(CLIENTS_LOOKED_AT_MAX);
        let found = looked_at.filter(|(peer, client)| is_asked(**peer, client)).take(max);
        let found: Vec<_> = found.map(|(peer, client)| (*peer, Arc::clone(&client.mailbox))).collect();
        self.last = found.last().map_or(self.last, |(peer, _)| *peer);
        found
    }

    fn get_mut(&mut self, tenant: Tenant, peer: u64) -> Option<&mut Client> {
        self.by_tenant.get_mut(&tenant)?.get_mut(&peer)
    }

    fn answers(&self, tenant: Tenant, peer: u64) -> bool {
        let client = self.by_tenant.get(&tenant).and_then(|clients| clients.get(&peer));
        client.is_some_and(|client| client.unanswered < UNANSWERED_MAX)
    }
}

impl Hub {
    /// A client connected.
    pub(in super::super) fn add_client(&self, tenant: Tenant, client: &Author) {
        let mut clients = locked(&self.clients);
        clients
            .by_tenant
            .entry(tenant)
            .or_default()
            .insert(client.peer, Client { mailbox: Arc::clone(&client.mailbox), unanswered: 0 });
    }

    /// A client has gone, or turned out to be a relay.
    pub(in super::super) fn remove_client(&self, tenant: Tenant, peer: u64) {
        let mut clients = locked(&self.clients);
        if let Some(of_tenant) = clients.by_tenant.get_mut(&tenant) {
            of_tenant.remove(&peer);
            if of_tenant.is_empty() {
                clients.by_tenant.remove(&tenant);
            }
        }
    }

    /// Has an answer that has nothing to say wait for other clients; it comes back when none is asked.
    pub(in super::super) fn ask_clients(&self, tenant: Tenant, asker: &Author, mut answer: Answer) -> Option<Answer> {
        let Some(place) = answer.asked_place().filter(|_| !answer.clients_asked) else { return Some(answer) };
        answer.clients_asked = true;
        let standing = locked(&self.asks).standing(tenant, &place);
        let id = match standing {
            Standing::Over => return Some(answer),
            Standing::Open(id) => id,
            Standing::New => match self.put_question(tenant, &place, asker.peer) {
                Some(id) => id,
                None => return Some(answer),
            },
        };
        locked(&self.asks).hold(&id, asker.peer, &asker.mailbox, answer)
    }

    /// Asks some clients, those first who subscribed to the same; the id of that.
    fn put_question(&self, tenant: Tenant, place: &Place, asker: u64) -> Option<String> {
        let mut asked = self.other_subscribers(tenant, place, asker);
        asked.retain(|(peer, _)| locked(&self.clients).answers(tenant, *peer));
        asked.truncate(CLIENTS_ASKED_MAX / 2);
        let but: Vec<u64> = asked.iter().map(|(peer, _)| *peer).chain([asker]).collect();
        asked.extend(locked(&self.clients).next(tenant, CLIENTS_ASKED_MAX - asked.len(), &but));
        if asked.is_empty() {
            return None;
        }
        let id = self.new_id();
        let peers = asked.iter().map(|(peer, _)| *peer).collect();
        let is_open = locked(&self.asks).begin(&id, (tenant, place), Asked::Clients, peers, self.clock.now_ms());
        if !is_open {
            count(&self.counters.unasked);
            return None;
        }
        count(&self.counters.asked);
        let frame = SharedFrame::text(write::get(&id, place).as_bytes());
        for (peer, mailbox) in asked {
            if !mailbox.ask(&frame) {
                self.ask_answered(&id, peer, false);
            }
        }
        Some(id)
    }

    fn other_subscribers(&self, tenant: Tenant, (soul, _): &Place, asker: u64) -> Vec<(u64, Arc<Mailbox>)> {
        let subscriptions = locked(&self.subscriptions);
        let Some(subscribers) = subscriptions.by_soul.get(&(tenant, Arc::clone(soul))) else { return Vec::new() };
        let others = subscribers.whole.iter().filter(|(peer, _)| **peer != asker);
        others.take(CLIENTS_ASKED_MAX).map(|(peer, mailbox)| (*peer, Arc::clone(mailbox))).collect()
    }

    /// Whether a peer says what it was asked for. One that does will be asked again.
    pub(in super::super) fn was_asked(&self, tenant: Tenant, ask: &str, peer: u64) -> bool {
        let was_asked = locked(&self.asks).was_asked(ask, peer);
        if was_asked && let Some(client) = locked(&self.clients).get_mut(tenant, peer) {
            client.unanswered = 0;
        }
        was_asked
    }

    /// Whoever waited for too long for others reads again.
    pub(in super::super) fn asks_due(&self) {
        let silent = locked(&self.asks).expire(self.clock.now_ms());
        let mut clients = locked(&self.clients);
        for (tenant, peer) in silent {
            if let Some(client) = clients.get_mut(tenant, peer) {
                client.unanswered = client.unanswered.saturating_add(1);
            }
        }
    }
}
