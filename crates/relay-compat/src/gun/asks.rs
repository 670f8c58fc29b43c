//! Gets that were passed on because nothing is here: to stock relays, whose answers are waited for until the last of them, and to
//! other clients of the same graph, of which the first that has something is enough. Nobody waits for long, and for one place
//! clients are asked once at a time, and not again soon.

use super::answer::Answer;
use super::mailbox::{Mailbox, Place};
use super::shares::{Amount, Shares};
use super::{
    ASK_AGAIN_MS, ASK_BYTES_MAX, ASK_MS, ASK_TOTAL_BYTES_MAX, ASKERS_MAX, ASKS_MAX, ASKS_TOTAL_MAX, CLIENT_ASK_MS,
};
use relay_core::documents::Tenant;
use std::collections::HashMap;
use std::sync::Arc;

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Relays,
    Clients,
}

/// Somebody who waits.
struct Held {
    peer: u64,
    mailbox: Arc<Mailbox>,
    answer: Answer,
}

struct Ask {
    tenant: Tenant,
    place: Place,
    asked: Asked,
    /// Who was asked and has not answered.
    left: Vec<u64>,
    /// Until when it is waited for.
    until_ms: u64,
    held: Vec<Held>,
    amount: Amount,
}

/// What was found about a place that clients may be asked for.
pub(super) enum Standing {
    /// Nobody was asked.
    New,
    /// They are asked under this id.
    Open(String),
    /// They were asked a moment ago.
    Over,
}

/// See the module.
pub(super) struct Asks {
    by_id: HashMap<String, Ask>,
    /// Clients are asked for these, or were a moment ago.
    of_clients: HashMap<(Tenant, Place), String>,
    shares: Shares,
}

impl Default for Asks {
    fn default() -> Self {
        let tenant_max = Amount { count: ASKS_MAX, bytes: ASK_BYTES_MAX };
        let all_max = Amount { count: ASKS_TOTAL_MAX, bytes: ASK_TOTAL_BYTES_MAX };
        Self { by_id: HashMap::new(), of_clients: HashMap::new(), shares: Shares::new(tenant_max, all_max) }
    }
}

/// Bytes that one ask is counted with beside its names.
const OVERHEAD_BYTES: usize = 256;

fn bytes_of((soul, key): &Place) -> usize {
    soul.len() + key.as_ref().map_or(0, |key| key.len()) + OVERHEAD_BYTES
}

impl Asks {
    /// These peers are asked now; `false` when too many gets wait already.
    pub(super) fn begin(
        &mut self,
        id: &str,
        (tenant, place): (Tenant, &Place),
        asked: Asked,
        left: Vec<u64>,
        now_ms: u64,
    ) -> bool {
        let amount = Amount::one(bytes_of(place) * 2);
        if !self.shares.take(tenant, amount) {
            return false;
        }
        let patience_ms = if asked == Asked::Relays { ASK_MS } else { CLIENT_ASK_MS };
        let until_ms = now_ms.saturating_add(patience_ms);
        if asked == Asked::Clients {
            self.of_clients.insert((tenant, place.clone()), id.to_owned());
        }
        let ask = Ask { tenant, place: place.clone(), asked, left, until_ms, held: Vec::new(), amount };
        self.by_id.insert(id.to_owned(), ask);
        true
    }

    /// Whether clients are asked for a place.
    pub(super) fn standing(&self, tenant: Tenant, place: &Place) -> Standing {
        let Some(id) = self.of_clients.get(&(tenant, place.clone())) else { return Standing::New };
        if self.is_open(id) { Standing::Open(id.clone()) } else { Standing::Over }
    }

    /// Whether somebody who was asked is still waited for.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|ask| !ask.left.is_empty())
    }

    /// Whether this peer was asked that, and has not answered.
    pub(super) fn was_asked(&self, id: &str, peer: u64) -> bool {
        self.by_id.get(id).is_some_and(|ask| ask.left.contains(&peer))
    }

    /// Nothing was found here: the answer waits. It comes back when it need not.
    pub(super) fn hold(&mut self, id: &str, peer: u64, mailbox: &Arc<Mailbox>, answer: Answer) -> Option<Answer> {
        let Some(ask) = self.by_id.get_mut(id).filter(|ask| !ask.left.is_empty()) else { return Some(answer) };
        let more = Amount { count: 0, bytes: bytes_of(&ask.place) };
        if ask.held.len() >= ASKERS_MAX || !self.shares.take(ask.tenant, more) {
            return Some(answer);
        }
        ask.amount.bytes += more.bytes;
        ask.held.push(Held { peer, mailbox: Arc::clone(mailbox), answer });
        None
    }

    /// Who waits for an answer, and for what: they are told by it, and not a second time because they subscribed.
    pub(super) fn askers(&self, id: &str) -> Option<(Place, Vec<u64>)> {
        let ask = self.by_id.get(id)?;
        Some((ask.place.clone(), ask.held.iter().map(|held| held.peer).collect()))
    }

    /// One who was asked answered, with something or with nothing; who waited for that reads again.
    pub(super) fn answered(&mut self, id: &str, peer: u64, has_something: bool) {
        let Some(ask) = self.by_id.get_mut(id) else { return };
        ask.left.retain(|left| *left != peer);
        if has_something && ask.asked == Asked::Clients {
            ask.left.clear();
        }
        if ask.left.is_empty() {
            self.end(id);
        }
    }

    /// Whoever waited for too long reads again, and what was asked long enough ago may be asked again. Tells which clients said nothing.
    pub(super) fn expire(&mut self, now_ms: u64) -> Vec<(Tenant, u64)> {
        let over = self.by_id.iter().filter(|(_, ask)| ask.until_ms <= now_ms).map(|(id, _)| id.clone());
        let mut silent = Vec::new();
        for id in over.collect::<Vec<_>>() {
            let was_open = self.is_open(&id);
            if let Some(ask) = self.by_id.get(&id).filter(|ask| ask.asked == Asked::Clients) {
                silent.extend(ask.left.iter().map(|peer| (ask.tenant, *peer)));
            }
            self.end(&id);
            match self.by_id.get_mut(&id) {
                Some(ask) if was_open => {
                    ask.until_ms = now_ms.saturating_add(ASK_AGAIN_MS.saturating_sub(CLIENT_ASK_MS));
                }
                Some(_) => self.forget(&id),
                None => {}
            }
        }
        silent
    }

    /// Nobody is waited for any more. What clients were asked stays known for a while.
    fn end(&mut self, id: &str) {
        let Some(ask) = self.by_id.get_mut(id) else { return };
        ask.left.clear();
        for Held { mailbox, answer, .. } in std::mem::take(&mut ask.held) {
            mailbox.read_again(answer);
        }
        if ask.asked == Asked::Relays {
            self.forget(id);
        } else {
            let known_bytes = bytes_of(&ask.place) * 2;
            let freed = ask.amount.bytes.saturating_sub(known_bytes);
            ask.amount.bytes = known_bytes;
            self.shares.give_back(ask.tenant, Amount { count: 0, bytes: freed });
        }
    }

    fn forget(&mut self, id: &str) {
        let Some(ask) = self.by_id.remove(id) else { return };
        self.shares.give_back(ask.tenant, ask.amount);
        if ask.asked == Asked::Clients {
            self.of_clients.remove(&(ask.tenant, ask.place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gun::lex::{Lex, Query};

    const T: Tenant = Tenant::ONLY;

    fn answer() -> Answer {
        Answer::new(Some("get".into()), Query { soul: Lex::Exactly("s".into()), key: Lex::All, limit: None })
    }

    fn place(soul: &str) -> Place {
        (Arc::from(soul), None)
    }

    fn mailbox() -> Arc<Mailbox> {
        Arc::new(Mailbox::new(Arc::new(|| {})))
    }

    #[test]
    fn who_waits_for_relays_reads_again_after_the_last_answer_or_in_time() {
        let (mut asks, mailbox) = (Asks::default(), mailbox());
        assert!(asks.begin("a", (T, &place("s")), Asked::Relays, vec![1, 2], 0));
        assert!(asks.begin("b", (T, &place("t")), Asked::Relays, vec![1], 0));
        assert!(asks.hold("a", 9, &mailbox, answer()).is_none() && asks.hold("b", 9, &mailbox, answer()).is_none());
        asks.answered("a", 1, true);
        asks.answered("a", 1, true);
        assert!(mailbox.take_again().is_empty(), "the other one may have more");
        asks.answered("a", 2, false);
        assert_eq!(mailbox.take_again().len(), 1);
        asks.expire(ASK_MS - 1);
        assert!(asks.is_open("b"));
        asks.expire(ASK_MS);
        assert_eq!((mailbox.take_again().len(), asks.is_open("b")), (1, false));
        assert!(asks.hold("a", 9, &mailbox, answer()).is_some(), "what is over is not waited for");
        assert!(asks.by_id.is_empty());
    }

    #[test]
    fn of_clients_the_first_that_has_something_is_enough_and_they_are_not_asked_again_soon() {
        let (mut asks, mailbox) = (Asks::default(), mailbox());
        assert!(matches!(asks.standing(T, &place("s")), Standing::New));
        assert!(asks.begin("a", (T, &place("s")), Asked::Clients, vec![1, 2, 3], 0));
        assert!(matches!(asks.standing(T, &place("s")), Standing::Open(id) if id == "a"));
        for peer in [8, 9] {
            assert!(asks.hold("a", peer, &mailbox, answer()).is_none());
        }
        assert_eq!(asks.askers("a"), Some((place("s"), vec![8, 9])));
        asks.answered("a", 1, false);
        assert!(mailbox.take_again().is_empty() && asks.was_asked("a", 2) && !asks.was_asked("a", 1));
        asks.answered("a", 2, true);
        assert_eq!((mailbox.take_again().len(), asks.was_asked("a", 3)), (2, false), "each once");
        asks.answered("a", 3, true);
        assert!(mailbox.take_again().is_empty());
        assert!(matches!(asks.standing(T, &place("s")), Standing::Over));
        asks.expire(CLIENT_ASK_MS);
        assert!(matches!(asks.standing(T, &place("s")), Standing::New), "it was answered: whoever comes now finds it");
        assert!(asks.begin("b", (T, &place("s")), Asked::Clients, vec![1], 0));
        assert!(asks.hold("b", 9, &mailbox, answer()).is_none());
        asks.expire(CLIENT_ASK_MS);
        assert_eq!(mailbox.take_again().len(), 1);
        asks.expire(ASK_AGAIN_MS - 1);
        assert!(matches!(asks.standing(T, &place("s")), Standing::Over), "nobody had it a moment ago");
        asks.expire(ASK_AGAIN_MS);
        assert!(matches!(asks.standing(T, &place("s")), Standing::New) && asks.by_id.is_empty());
    }

    #[test]
    fn no_more_than_so_many_and_so_much_wait() {
        let mut asks = Asks::default();
        let all = |asks: &mut Asks, soul: &str, ids: std::ops::Range<usize>| {
            ids.filter(|id| asks.begin(&id.to_string(), (T, &place(soul)), Asked::Relays, vec![1], 0)).count()
        };
        assert_eq!(all(&mut asks, "s", 0..ASKS_MAX + 1), ASKS_MAX);
        asks.expire(ASK_MS);
        let long = "x".repeat(7000);
        let some = all(&mut asks, &long, 0..ASKS_MAX);
        assert!(some > 0 && some * 2 * 7000 <= ASK_BYTES_MAX, "{some}");
        asks.expire(ASK_MS);
        assert!(asks.begin("again", (T, &place("s")), Asked::Clients, vec![1], 0));
        let mailbox = mailbox();
        let held = (0..=ASKERS_MAX as u64).filter(|peer| asks.hold("again", *peer, &mailbox, answer()).is_none());
        assert_eq!(held.count(), ASKERS_MAX);
    }
}
