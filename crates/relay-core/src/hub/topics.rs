//! The topics of one space: who is in which, what each session is still to be sent, and what each pipe may carry.
//!
//! Invariants: of a pipe (sender, receiver) at most [`TOPIC_WINDOW_BYTES`] are sent and not taken, so a receiver slows its
//! senders; a session's mailbox is bounded, and one that overruns ends all its pipes instead of growing.

use super::mailbox::{Mail, Mailbox};
use crate::counters::Counters;
use crate::endpoint::SharedFrame;
use crate::session::SessionHandle;
use relay_proto::frame::{TopicCredit, TopicData, TopicJoined, TopicPeer, TopicSend};
use relay_proto::ids::{DeviceKey, TopicKey};
use relay_proto::limits::{TOPIC_PEERS_MAX, TOPIC_WINDOW_BYTES, TOPICS_PER_SESSION_MAX, topic_charge_bytes};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a topic frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TopicRefusal {
    /// Too many topics or peers.
    Limit,
    /// The session is in no topic of that number.
    Unknown,
    /// A receiver took too little so far.
    WindowFull,
    /// The relay holds as much for topics as it may.
    Busy,
}

/// The topics of a space.
pub(crate) struct SpaceTopics {
    counters: Arc<Counters>,
    bytes_max_all: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    topics: BTreeMap<u32, Topic>,
    numbers: BTreeMap<TopicKey, u32>,
    last_number: u32,
    /// By session; made by the first join, kept until the session ends.
    mailboxes: BTreeMap<u64, Mailbox>,
    /// Sessions whose mailbox overran, to be taken out of their topics.
    overrun: Vec<u64>,
}

struct Topic {
    key: TopicKey,
    last_peer: u32,
    peers: BTreeMap<u32, Peer>,
    /// Sent and not taken, by (sender, receiver).
    owed: BTreeMap<(u32, u32), u32>,
}

#[derive(Clone, Copy)]
struct Peer {
    session: u64,
    device: DeviceKey,
}

impl SpaceTopics {
    pub(super) fn new(counters: Arc<Counters>, bytes_max_all: usize) -> Self {
        Self { counters, bytes_max_all, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a session a peer; being one already only repeats the answer.
    pub(crate) fn join(
        &self,
        handle: &Arc<SessionHandle>,
        device: DeviceKey,
        key: TopicKey,
    ) -> Result<(), TopicRefusal> {
        let mut state = self.lock();
        let state = &mut *state;
        let mailbox = state.mailboxes.entry(handle.id);
        let mailbox = mailbox.or_insert_with(|| Mailbox::new(Arc::clone(handle), Arc::clone(&self.counters)));
        let known = state.numbers.get(&key).copied();
        if let Some((number, peer)) = known.and_then(|number| Some((number, mailbox.peer_in(number)?))) {
            let frame = SharedFrame::of(&TopicJoined { topic: key, number, peer });
            self.deliver(state, handle.id, frame);
            return Ok(());
        }
        if mailbox.topics() >= TOPICS_PER_SESSION_MAX {
            return Err(TopicRefusal::Limit);
        }
        let number = match known {
            Some(number) => number,
            None => state.found(key, &self.counters).ok_or(TopicRefusal::Limit)?,
        };
        self.admit(state, number, Peer { session: handle.id, device })
    }

    fn admit(&self, state: &mut State, number: u32, peer: Peer) -> Result<(), TopicRefusal> {
        let topic = state.topics.get_mut(&number).ok_or(TopicRefusal::Unknown)?;
        let own = topic.last_peer.checked_add(1).filter(|_| topic.peers.len() < TOPIC_PEERS_MAX);
        let own = own.ok_or(TopicRefusal::Limit)?;
        let others: Vec<(u32, Peer)> = topic.peers.iter().map(|(number, peer)| (*number, *peer)).collect();
        topic.last_peer = own;
        topic.peers.insert(own, peer);
        let joined = SharedFrame::of(&TopicJoined { topic: topic.key, number, peer: own });
        if let Some(mailbox) = state.mailboxes.get_mut(&peer.session) {
            mailbox.joined(number, own);
        }
        self.deliver(state, peer.session, joined);
        let news = SharedFrame::of(&TopicPeer { number, peer: own, device: peer.device, present: true });
        for (other, Peer { session, device }) in others {
            let there = SharedFrame::of(&TopicPeer { number, peer: other, device, present: true });
            self.deliver(state, peer.session, there);
            self.deliver(state, session, news.clone());
        }
        self.end_overrun(state);
        Ok(())
    }

    /// Ends one membership; not being a peer is no error.
    pub(crate) fn leave(&self, session: u64, number: u32) {
        let mut state = self.lock();
        self.remove(&mut state, session, number);
        self.end_overrun(&mut state);
    }

    /// Ends everything of a session.
    pub(crate) fn leave_all(&self, session: u64) {
        let mut state = self.lock();
        for number in state.mailboxes.get(&session).map(Mailbox::numbers).unwrap_or_default() {
            self.remove(&mut state, session, number);
        }
        state.mailboxes.remove(&session);
        self.end_overrun(&mut state);
    }

    fn remove(&self, state: &mut State, session: u64, number: u32) {
        let Some(peer) = state.mailboxes.get_mut(&session).and_then(|mailbox| mailbox.left(number)) else { return };
        let Some(topic) = state.topics.get_mut(&number) else { return };
        let Some(Peer { device, .. }) = topic.peers.remove(&peer) else { return };
        topic.owed.retain(|(from, to), _| *from != peer && *to != peer);
        let others: Vec<u64> = topic.peers.values().map(|other| other.session).collect();
        if others.is_empty() {
            state.numbers.remove(&topic.key);
            state.topics.remove(&number);
            self.counters.topics.one_less();
        }
        let news = SharedFrame::of(&TopicPeer { number, peer, device, present: false });
        for other in others {
            self.deliver(state, other, news.clone());
        }
    }

    /// Sends a message to all receivers it names, or to none.
    pub(crate) fn send(&self, session: u64, send: &TopicSend) -> Result<(), TopicRefusal> {
        let mut state = self.lock();
        let own = state.mailboxes.get(&session).and_then(|mailbox| mailbox.peer_in(send.number));
        let own = own.ok_or(TopicRefusal::Unknown)?;
        if self.is_full() {
            return Err(TopicRefusal::Busy);
        }
        let topic = state.topics.get_mut(&send.number).ok_or(TopicRefusal::Unknown)?;
        let receivers = topic.receivers(own, send);
        let charge = topic_charge_bytes(send.sealed.len());
        let owed = |to: u32| topic.owed.get(&(own, to)).copied().unwrap_or(0);
        if receivers.iter().any(|(to, _)| owed(*to).saturating_add(charge) > TOPIC_WINDOW_BYTES) {
            return Err(TopicRefusal::WindowFull);
        }
        for (to, _) in &receivers {
            *topic.owed.entry((own, *to)).or_insert(0) += charge;
        }
        let TopicSend { number, to_all, key_epoch, ref sealed, .. } = *send;
        let frame = SharedFrame::of(&TopicData { number, peer: own, to_all, key_epoch, sealed: sealed.clone() });
        for (_, receiver) in receivers {
            self.deliver(&mut state, receiver, frame.clone());
        }
        self.end_overrun(&mut state);
        Ok(())
    }

    /// A receiver took something: its sender may send as much again.
    pub(crate) fn credit(&self, session: u64, credit: &TopicCredit) {
        let mut state = self.lock();
        let state = &mut *state;
        let own = state.mailboxes.get(&session).and_then(|mailbox| mailbox.peer_in(credit.number));
        let Some((own, topic)) = own.zip(state.topics.get_mut(&credit.number)) else { return };
        let Some(owed) = topic.owed.get_mut(&(credit.peer, own)) else { return };
        // Never more than was sent, whatever the receiver says.
        let bytes = credit.bytes.min(*owed);
        *owed -= bytes;
        if *owed == 0 {
            topic.owed.remove(&(credit.peer, own));
        }
        let sender = topic.peers.get(&credit.peer).map(|peer| peer.session);
        if let Some(mailbox) = sender.and_then(|sender| state.mailboxes.get_mut(&sender)) {
            mailbox.credit(credit.number, own, bytes);
        }
    }

    /// What a session is to be sent next, about `room_bytes` of it.
    pub(crate) fn take(&self, session: u64, room_bytes: usize) -> Option<Mail> {
        self.lock().mailboxes.get_mut(&session)?.take(room_bytes)
    }

    fn deliver(&self, state: &mut State, session: u64, frame: SharedFrame) {
        if let Some(mailbox) = state.mailboxes.get_mut(&session)
            && !mailbox.add(frame)
        {
            state.overrun.push(session);
        }
    }

    /// Leaving tells others, which may overrun them too; each of them ends once.
    fn end_overrun(&self, state: &mut State) {
        while let Some(session) = state.overrun.pop() {
            let numbers = state.mailboxes.get(&session).map(Mailbox::numbers).unwrap_or_default();
            if numbers.is_empty() {
                continue;
            }
            self.counters.topic_overruns_total.one();
            for number in numbers {
                self.remove(state, session, number);
            }
            if let Some(mailbox) = state.mailboxes.get_mut(&session) {
                mailbox.end_overrun();
            }
        }
    }

    fn is_full(&self) -> bool {
        self.counters.topic_bytes.is_above_len(self.bytes_max_all)
    }
}

impl State {
    /// A new topic's number.
    fn found(&mut self, key: TopicKey, counters: &Counters) -> Option<u32> {
        let number = self.last_number.checked_add(1)?;
        self.last_number = number;
        self.numbers.insert(key, number);
        self.topics.insert(number, Topic { key, last_peer: 0, peers: BTreeMap::new(), owed: BTreeMap::new() });
        counters.topics.one();
        Some(number)
    }
}

impl Topic {
    fn receivers(&self, own: u32, send: &TopicSend) -> Vec<(u32, u64)> {
        let named = |peer: u32| if send.to_all { peer <= send.peer && peer != own } else { peer == send.peer };
        let peers = self.peers.iter().filter(|(peer, _)| named(**peer));
        peers.map(|(peer, other)| (*peer, other.session)).collect()
    }
}
