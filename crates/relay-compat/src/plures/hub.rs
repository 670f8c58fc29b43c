//! The topics: who is in which, in the order of joining.

use super::TOPIC_PEERS_MAX;
use super::mailbox::{Mailbox, Told};
use relay_core::endpoint::{Moment, SharedFrame, Waker};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A topic's name; the two protocols have their own topics.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum TopicName {
    Joined(Arc<str>),
    Path(Arc<str>),
}

/// A name is a secret.
impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TopicName(…)")
    }
}

/// One peer in a topic. Several may have the same id; they are told apart by where they are.
pub(super) struct Peer {
    pub(super) id: Arc<str>,
    pub(super) mailbox: Arc<Mailbox>,
}

/// Counters (since the start) and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluresStats {
    /// Topics somebody is in.
    pub topics: u64,
    /// Peers in topics.
    pub peers: u64,
    /// Messages taken.
    pub messages: u64,
    /// Bytes sent on: of each message once per receiver.
    pub fan_out_bytes: u64,
    /// Times a sender had to wait for a receiver.
    pub waits: u64,
    /// Receivers given up because they took nothing.
    pub given_up: u64,
    /// Joins refused because the topic was full.
    pub refused: u64,
}

#[derive(Default)]
struct Counters {
    messages: AtomicU64,
    fan_out_bytes: AtomicU64,
    waits: AtomicU64,
    given_up: AtomicU64,
    refused: AtomicU64,
}

/// See the module.
#[derive(Default)]
pub(super) struct Hub {
    topics: Mutex<HashMap<TopicName, Vec<Arc<Peer>>>>,
    counters: Counters,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, HashMap<TopicName, Vec<Arc<Peer>>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a peer; those who were there before, or `None` when the topic is full.
    pub(super) fn join(&self, topic: &TopicName, peer: &Arc<Peer>) -> Option<Vec<Arc<Peer>>> {
        let mut topics = self.lock();
        let peers = topics.entry(topic.clone()).or_default();
        if peers.len() >= TOPIC_PEERS_MAX {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let before = peers.clone();
        peers.push(Arc::clone(peer));
        Some(before)
    }

    /// Takes a peer out; those who stay, or `None` when it was not in.
    pub(super) fn leave(&self, topic: &TopicName, peer: &Arc<Peer>) -> Option<Vec<Arc<Peer>>> {
        let mut topics = self.lock();
        let peers = topics.get_mut(topic)?;
        let at = peers.iter().position(|other| Arc::ptr_eq(other, peer))?;
        peers.remove(at);
        let left = peers.clone();
        if left.is_empty() {
            topics.remove(topic);
        }
        Some(left)
    }

    fn others(&self, topic: &TopicName, peer: &Arc<Peer>) -> Vec<Arc<Peer>> {
        let topics = self.lock();
        let peers = topics.get(topic).map_or(&[][..], Vec::as_slice);
        peers.iter().filter(|other| !Arc::ptr_eq(other, peer)).cloned().collect()
    }

    /// Sends a frame to all others; `false` when the sender must wait now.
    pub(super) fn broadcast(&self, topic: &TopicName, sender: &Arc<Peer>, frame: &SharedFrame, now: Moment) -> bool {
        let others = self.others(topic, sender);
        self.counters.messages.fetch_add(1, Ordering::Relaxed);
        let bytes = others.len().saturating_mul(frame.bytes.len()) as u64;
        self.counters.fan_out_bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut has_room = true;
        for other in others {
            has_room &= other.mailbox.push(frame.clone(), now);
        }
        if !has_room {
            self.count_wait();
        }
        has_room
    }

    /// A sender has to wait.
    pub(super) fn count_wait(&self) {
        self.counters.waits.fetch_add(1, Ordering::Relaxed);
    }

    /// Until when a sender waits at most; `None` when it need not. Receivers that others waited for in vain are given up, and
    /// returned as those who left.
    pub(super) fn waits_until(
        &self,
        topic: &TopicName,
        sender: &Arc<Peer>,
        waker: &Waker,
        now: Moment,
    ) -> (Option<Moment>, Vec<Arc<Peer>>) {
        let (mut until, mut gone) = (None::<Moment>, Vec::new());
        for other in self.others(topic, sender) {
            match other.mailbox.waits_until(waker, now) {
                Some(moment) if moment <= now => {
                    self.give_up(&other);
                    gone.push(other);
                }
                Some(moment) => until = Some(until.map_or(moment, |until| until.min(moment))),
                None => {}
            }
        }
        (until, gone)
    }

    fn give_up(&self, peer: &Peer) {
        peer.mailbox.give_up();
        self.counters.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// Says a word about a peer to peers of a topic; `false` when its sender must wait now. Receivers of too many words are given
    /// up, and the others are told of it: `left` makes that word.
    pub(super) fn tell(
        &self,
        topic: &TopicName,
        peers: Vec<Arc<Peer>>,
        word: SharedFrame,
        left: impl Fn(&Peer) -> SharedFrame,
    ) -> bool {
        let (mut has_room, mut to_say) = (true, vec![(peers, word)]);
        // Each word more is of a peer that left, and no peer leaves twice.
        while let Some((peers, word)) = to_say.pop() {
            for peer in peers {
                match peer.mailbox.tell(word.clone()) {
                    Told::HasRoom => {}
                    Told::IsFull => has_room = false,
                    Told::TooMuch => {
                        if let Some(others) = self.leave(topic, &peer) {
                            self.give_up(&peer);
                            to_say.push((others, left(&peer)));
                        }
                    }
                }
            }
        }
        has_room
    }

    pub(super) fn stats(&self) -> PluresStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (topics, peers) = {
            let topics = self.lock();
            (topics.len() as u64, topics.values().map(|peers| peers.len() as u64).sum())
        };
        let counters = &self.counters;
        PluresStats {
            topics,
            peers,
            messages: read(&counters.messages),
            fan_out_bytes: read(&counters.fan_out_bytes),
            waits: read(&counters.waits),
            given_up: read(&counters.given_up),
            refused: read(&counters.refused),
        }
    }
}
