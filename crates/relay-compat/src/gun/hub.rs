//! What all peers of the relay share: who subscribed to what, the documents, and writes that wait for their state.

mod clients;
mod puts;
mod relays;

use clients::Clients;
pub(super) use relays::place_of;

use super::asks::Asks;
use super::checker::Checker;
use super::deferred::{Deferred, Reply, Waiting};
use super::links::Links;
use super::mailbox::{Mailbox, Place};
use super::message::Node;
use super::put;
use super::write;
use crate::systems::GUN;
use relay_core::documents::{DocumentStore, Keyspace, Tenant, turn};
use relay_core::endpoint::SharedFrame;
use relay_core::environment::{Entropy, WallClock};
use relay_core::foreign::AddressRates;
use relay_core::gcra::Rate;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counters (since the start) and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GunStats {
    /// Peers connected.
    pub peers: u64,
    /// Subscriptions of them.
    pub subscriptions: u64,
    /// Puts that are durable.
    pub puts: u64,
    /// Gets taken.
    pub gets: u64,
    /// Puts, gets and frames answered with an error.
    pub refused: u64,
    /// Changes sent to subscribers.
    pub news: u64,
    /// Changes that found too much waiting for their subscriber, and are read again for it.
    pub missed: u64,
    /// Puts that wait for their state.
    pub deferred: u64,
    /// Links with other relays.
    pub links: u64,
    /// Gets that were answered without waiting for other relays, because too many wait.
    pub unasked: u64,
    /// Gets that other clients were asked.
    pub asked: u64,
    /// Parts of answers to peers that came back whose links were too many to be followed.
    pub unfollowed: u64,
    /// Signed values that were verified.
    pub verified: u64,
    /// Bytes of frames that are not taken in yet.
    pub waiting_bytes: u64,
    /// Frames refused because too many bytes of others waited.
    pub overfull: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) peers: AtomicU64,
    pub(super) puts: AtomicU64,
    pub(super) gets: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) unfollowed: AtomicU64,
    pub(super) overfull: AtomicU64,
    unasked: AtomicU64,
    asked: AtomicU64,
    news: AtomicU64,
    missed: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Peers by their numbers.
type Peers = HashMap<u64, Arc<Mailbox>>;
/// Who is told by an answer, and not again by their subscription to the place.
type Routed = Option<(Place, Vec<u64>)>;

/// Who subscribed to a soul.
#[derive(Default)]
struct Subscribers {
    whole: Peers,
    by_key: HashMap<Arc<str>, Peers>,
}

#[derive(Default)]
struct Subscriptions {
    by_soul: HashMap<(Tenant, Arc<str>), Subscribers>,
    count: u64,
}

impl Subscriptions {
    /// What peers of a tenant want.
    fn places(&self, tenant: Tenant) -> Vec<Place> {
        let of_tenant = self.by_soul.iter().filter(|((of, _), _)| *of == tenant);
        let places = of_tenant.flat_map(|((_, soul), subscribers)| {
            let whole = (!subscribers.whole.is_empty()).then(|| (Arc::clone(soul), None));
            let keys = subscribers.by_key.keys().map(|key| (Arc::clone(soul), Some(Arc::clone(key))));
            whole.into_iter().chain(keys)
        });
        places.collect()
    }
}

/// Who put something.
#[derive(Clone)]
pub(super) struct Author {
    pub(super) peer: u64,
    pub(super) mailbox: Arc<Mailbox>,
}

/// What peers are held to.
pub(super) struct Limits {
    pub(super) tenant_bytes_max: u64,
    pub(super) rate: Option<Rate>,
    pub(super) rates: Arc<AddressRates>,
}

pub(super) struct Hub {
    pub(super) documents: Arc<dyn DocumentStore>,
    pub(super) clock: Arc<dyn WallClock>,
    pub(super) checker: Arc<Checker>,
    pub(super) tenant_bytes_max: u64,
    /// Of the puts of one peer.
    pub(super) rate: Option<Rate>,
    /// Of those of one address.
    pub(super) rates: Arc<AddressRates>,
    pub(super) pid: String,
    pub(super) counters: Counters,
    subscriptions: Mutex<Subscriptions>,
    deferred: Mutex<Deferred<Author>>,
    links: Mutex<Links>,
    asks: Mutex<Asks>,
    clients: Mutex<Clients>,
    /// Where ids begin, and how many were made.
    seed: u64,
    ids: AtomicU64,
    peers: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(super) fn new(
        documents: Arc<dyn DocumentStore>,
        clock: Arc<dyn WallClock>,
        entropy: &dyn Entropy,
        checker: Checker,
        limits: Limits,
    ) -> Self {
        let Limits { tenant_bytes_max, rate, rates } = limits;
        let mut seed = [0; 8];
        entropy.fill(&mut seed);
        let mut hub = Self {
            documents,
            clock,
            checker: Arc::new(checker),
            tenant_bytes_max,
            rate,
            rates,
            pid: String::new(),
            counters: Counters::default(),
            subscriptions: Mutex::default(),
            deferred: Mutex::default(),
            links: Mutex::default(),
            asks: Mutex::default(),
            clients: Mutex::default(),
            seed: u64::from_le_bytes(seed),
            ids: AtomicU64::new(0),
            peers: AtomicU64::new(0),
        };
        hub.pid = hub.new_id();
        hub
    }

    /// A message id: always of the same length, because peers take ids that continue another for parts of it.
    pub(super) fn new_id(&self) -> String {
        id_of(self.seed.wrapping_add(self.ids.fetch_add(1, Ordering::Relaxed)))
    }

    /// A number that no other peer has.
    pub(super) fn new_peer(&self) -> u64 {
        self.peers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn subscribe(&self, tenant: Tenant, (soul, key): &Place, author: &Author) {
        let mut subscriptions = locked(&self.subscriptions);
        let subscribers = subscriptions.by_soul.entry((tenant, Arc::clone(soul))).or_default();
        let peers = match key {
            None => &mut subscribers.whole,
            Some(key) => subscribers.by_key.entry(Arc::clone(key)).or_default(),
        };
        let is_new = peers.insert(author.peer, Arc::clone(&author.mailbox)).is_none();
        subscriptions.count += u64::from(is_new);
    }

    pub(super) fn unsubscribe<'a>(&self, tenant: Tenant, places: impl Iterator<Item = &'a Place>, peer: u64) {
        let mut subscriptions = locked(&self.subscriptions);
        for (soul, key) in places {
            let at = (tenant, Arc::clone(soul));
            let Some(subscribers) = subscriptions.by_soul.get_mut(&at) else { continue };
            let left = match key {
                None => subscribers.whole.remove(&peer),
                Some(key) => {
                    let peers = subscribers.by_key.get_mut(key);
                    let (left, is_empty) = peers.map_or((None, false), |peers| (peers.remove(&peer), peers.is_empty()));
                    if is_empty {
                        subscribers.by_key.remove(key);
                    }
                    left
                }
            };
            let is_over = subscribers.whole.is_empty() && subscribers.by_key.is_empty();
            subscriptions.count -= u64::from(left.is_some());
            if is_over {
                subscriptions.by_soul.remove(&at);
            }
        }
    }

    /// Stores a put; then, and not before, its author, the subscribers and other relays hear of it.
    pub(super) fn store(self: &Arc<Self>, put: Waiting<Author>) {
        let (hub, tenant_bytes_max) = (Arc::clone(self), self.tenant_bytes_max);
        let Waiting { tenant, peer: author, reply, nodes, blocks, bytes } = put;
        author.mailbox.put_begins(bytes);
        let keyspace = Keyspace { system: GUN, tenant };
        let run = move |documents: &mut dyn relay_core::documents::Documents| {
            put::run(documents, nodes, &blocks, tenant_bytes_max)
        };
        turn(&*self.documents, keyspace, bytes, run, move |done| {
            let mut has_something = false;
            match done {
                Ok(Ok(changed)) => {
                    count(&hub.counters.puts);
                    has_something = true;
                    let routed = reply.ask.as_ref().and_then(|ask| locked(&hub.asks).askers(ask));
                    hub.tell(tenant, changed, author.peer, &routed);
                    if let Some(id) = reply.ack {
                        author.mailbox.answer(&write::stored(&hub.new_id(), &id));
                    }
                }
                Ok(Err(why)) => hub.refuse(&author.mailbox, reply.ack.as_deref(), why),
                Err(error) => hub.refuse(&author.mailbox, reply.ack.as_deref(), &put::why_not(&error)),
            }
            if let Some(ask) = reply.ask {
                hub.ask_answered(&ask, author.peer, has_something);
            }
            author.mailbox.put_ends(bytes);
        });
    }

    pub(super) fn refuse(&self, mailbox: &Mailbox, id: Option<&str>, why: &str) {
        count(&self.counters.refused);
        if let Some(id) = id {
            mailbox.answer(&write::refused(&self.new_id(), id, why));
        }
    }

    /// Stores the puts whose state has come.
    pub(super) fn store_due(self: &Arc<Self>) {
        let due = locked(&self.deferred).take_due(self.clock.now_ms());
        due.into_iter().for_each(|put| self.store(put));
        self.asks_due();
    }

    /// Tells subscribers and other relays what changed; each once, and its author not at all.
    fn tell(&self, tenant: Tenant, changed: Vec<Node>, author: u64, routed: &Routed) {
        let relays = if changed.is_empty() { Vec::new() } else { locked(&self.links).receivers(tenant, author) };
        for node in changed {
            let (mut whole, mut by_key) = self.subscribers_of(tenant, &node, author);
            if let Some(((_, key), askers)) = routed.as_ref().filter(|((soul, _), _)| *soul == node.soul) {
                let is_told = |peer: &u64| askers.contains(peer);
                match key {
                    None => whole.retain(|peer, _| !is_told(peer)),
                    Some(key) => by_key.entry(Arc::clone(key)).or_default().retain(|peer, _| !is_told(peer)),
                }
            }
            whole.extend(relays.iter().map(|(peer, mailbox)| (*peer, Arc::clone(mailbox))));
            if !whole.is_empty() {
                self.send(whole.values(), &(Arc::clone(&node.soul), None), std::slice::from_ref(&node));
            }
            for property in &node.properties {
                let Some((key, peers)) = by_key.get_key_value(property.name.as_str()) else { continue };
                let others = peers.iter().filter(|(peer, _)| !whole.contains_key(peer)).map(|(_, mailbox)| mailbox);
                let part = Node { soul: Arc::clone(&node.soul), properties: vec![property.clone()] };
                self.send(others, &(Arc::clone(&node.soul), Some(Arc::clone(key))), &[part]);
            }
        }
    }

    fn send<'a>(&self, peers: impl Iterator<Item = &'a Arc<Mailbox>>, place: &Place, nodes: &[Node]) {
        let mut frame = None;
        for mailbox in peers {
            let frame = frame.get_or_insert_with(|| SharedFrame::text(write::news(&self.new_id(), nodes).as_bytes()));
            let is_sent = mailbox.news(frame, || place.clone());
            count(if is_sent { &self.counters.news } else { &self.counters.missed });
        }
    }

    fn subscribers_of(&self, tenant: Tenant, node: &Node, author: u64) -> (Peers, HashMap<Arc<str>, Peers>) {
        let subscriptions = locked(&self.subscriptions);
        let Some(subscribers) = subscriptions.by_soul.get(&(tenant, Arc::clone(&node.soul))) else {
            return Default::default();
        };
        let others = |peers: &Peers| -> Peers {
            peers
                .iter()
                .filter(|(peer, _)| **peer != author)
                .map(|(peer, mailbox)| (*peer, Arc::clone(mailbox)))
                .collect()
        };
        let of_key = |name: &str| subscribers.by_key.get_key_value(name);
        let by_key = node.properties.iter().filter_map(|property| of_key(&property.name));
        (others(&subscribers.whole), by_key.map(|(key, peers)| (Arc::clone(key), others(peers))).collect())
    }

    pub(super) fn stats(&self) -> GunStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { peers, puts, gets, refused, unfollowed, overfull, unasked, asked, news, missed } =
            &self.counters;
        GunStats {
            peers: read(peers),
            subscriptions: locked(&self.subscriptions).count,
            puts: read(puts),
            gets: read(gets),
            refused: read(refused),
            news: read(news),
            missed: read(missed),
            unfollowed: read(unfollowed),
            verified: read(&self.checker.verified),
            waiting_bytes: self.checker.waiting_bytes(),
            overfull: read(overfull),
            unasked: read(unasked),
            asked: read(asked),
            links: locked(&self.links).len() as u64,
            deferred: locked(&self.deferred).len() as u64,
        }
    }
}

const ID_DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH: usize = 9;

/// Nine digits that look like chance; numbers that follow each other have nothing in common.
fn id_of(number: u64) -> String {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let digit = |_| {
        let digit = ID_DIGITS.get(usize::try_from(mixed % 62).unwrap_or(0)).copied().unwrap_or(b'0');
        mixed /= 62;
        char::from(digit)
    };
    (0..ID_LENGTH).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::id_of;
    use std::collections::HashSet;

    #[test]
    fn ids_differ_and_none_begins_like_another() {
        let ids: HashSet<String> = (0..100_000).map(id_of).collect();
        assert_eq!(ids.len(), 100_000);
        assert!(ids.iter().all(|id| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    }
}
