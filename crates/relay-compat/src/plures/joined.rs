//! The first protocol: JSON text, and a topic that is joined by a message.
//!
//! `Outside` → (join) → `Inside(topic)` → (another join: out of the old one first) → `Inside(other)`. Data outside is ignored.
//! Whoever joins is told of exactly one peer, the first one in the topic, and only if there is one: clients make a connection of
//! each such message.

use super::hub::{Hub, Peer, TopicName};
use super::mailbox::Mailbox;
use super::message::{self, Said};
use super::opaque::send_waiting;
use super::patience::Patience;
use super::{MESSAGE_BYTES_MAX, PEER_ID_BYTES_MAX, TOPIC_BYTES_MAX};
use bytes::Bytes;
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox, SharedFrame};
use relay_core::environment::{Entropy, WallClock};
use relay_core::foreign::Seat;
use std::sync::Arc;

/// What the stock relay says.
const TOPIC_REQUIRED: &str = "Topic is required for join";
const TOPIC_FULL: &str = "Topic is full";
const NAME_TOO_LONG: &str = "Topic or peerId is too long";
/// Characters of the ids that are made here.
const ID_CHARACTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const ID_LENGTH: usize = 9;

/// Makes endpoints.
pub(super) struct JoinedFactory {
    pub(super) hub: Arc<Hub>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) clock: Arc<dyn WallClock>,
    pub(super) seat: Arc<Seat>,
}

impl EndpointFactory for JoinedFactory {
    fn open(&self, opened: Opened, _: Moment) -> Box<dyn Endpoint> {
        let mailbox = Arc::new(Mailbox::new(opened.waker.clone()));
        let hub = Arc::clone(&self.hub);
        let made_id = made_id(&*self.entropy, &*self.clock);
        let (patience, seat) = (Patience::new(opened.waker), Arc::clone(&self.seat));
        Box::new(Joined { hub, mailbox, made_id, inside: None, patience, _seat: seat })
    }
    fn message_bytes_max(&self) -> usize {
        MESSAGE_BYTES_MAX
    }
    fn takes_text(&self) -> bool {
        true
    }
    fn may_stay_silent(&self) -> bool {
        true
    }
}

/// The id of a peer that names none, made as the stock relay makes it.
fn made_id(entropy: &dyn Entropy, clock: &dyn WallClock) -> Arc<str> {
    let mut random = [0_u8; ID_LENGTH];
    entropy.fill(&mut random);
    let character = |byte: &u8| ID_CHARACTERS.get(usize::from(*byte) % ID_CHARACTERS.len()).copied().unwrap_or(b'0');
    let random: String = random.iter().map(character).map(char::from).collect();
    format!("peer-{}-{random}", clock.now_ms()).into()
}

struct Inside {
    name: Arc<str>,
    topic: TopicName,
    peer: Arc<Peer>,
}

impl Inside {
    /// Says a word to peers of the topic; `false` when its sender must wait now.
    fn tell(&self, hub: &Hub, peers: Vec<Arc<Peer>>, word: SharedFrame) -> bool {
        hub.tell(&self.topic, peers, word, |gone| message::peer_left(&gone.id, &self.name))
    }

    /// Takes a peer out of the topic and tells those who stay. Nobody waits for their room: who left is not there to.
    fn left(&self, hub: &Hub, gone: &Arc<Peer>) {
        if let Some(others) = hub.leave(&self.topic, gone) {
            self.tell(hub, others, message::peer_left(&gone.id, &self.name));
        }
    }
}

struct Joined {
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    made_id: Arc<str>,
    inside: Option<Inside>,
    patience: Patience,
    /// Free again with the peer.
    _seat: Arc<Seat>,
}

impl Joined {
    fn join(&mut self, topic: &str, peer_id: Option<&str>, now: Moment, out: &mut dyn Outbox) {
        if topic.len() > TOPIC_BYTES_MAX || peer_id.is_some_and(|id| id.len() > PEER_ID_BYTES_MAX) {
            return out.push(Outbound::Shared(message::error(NAME_TOO_LONG)));
        }
        self.leave();
        let name: Arc<str> = topic.into();
        let id = peer_id.map_or_else(|| Arc::clone(&self.made_id), Arc::from);
        let (topic, peer) =
            (TopicName::Joined(Arc::clone(&name)), Arc::new(Peer { id, mailbox: Arc::clone(&self.mailbox) }));
        let Some(before) = self.hub.join(&topic, &peer) else {
            return out.push(Outbound::Shared(message::error(TOPIC_FULL)));
        };
        let first = before.first().map(|first| message::peer_joined(&first.id, &name));
        let inside = Inside { name, topic, peer };
        let mut has_room = inside.tell(&self.hub, before, message::peer_joined(&inside.peer.id, &inside.name));
        if let Some(word) = first {
            has_room &= inside.tell(&self.hub, vec![Arc::clone(&inside.peer)], word);
        }
        self.inside = Some(inside);
        if !has_room {
            self.hub.count_wait();
            self.patience.begin();
            self.look_at_receivers(now, out);
        }
    }

    fn leave(&mut self) {
        if let Some(inside) = self.inside.take() {
            inside.left(&self.hub, &inside.peer);
        }
    }

    fn data(&mut self, base64: &str, now: Moment, out: &mut dyn Outbox) {
        let Some(Inside { topic, peer, .. }) = &self.inside else { return };
        let frame = message::data(&peer.id, base64);
        if !self.hub.broadcast(topic, peer, &frame, now) {
            self.patience.begin();
            self.look_at_receivers(now, out);
        }
    }

    /// Reads on once every receiver has room.
    fn look_at_receivers(&mut self, now: Moment, out: &mut dyn Outbox) {
        let inside = self.inside.as_ref();
        let given_up = self.patience.look(&self.hub, inside.map(|inside| (&inside.topic, &inside.peer)), now, out);
        let Some(inside) = inside else { return };
        for gone in given_up {
            inside.left(&self.hub, &gone);
        }
    }
}

impl Endpoint for Joined {
    /// The first protocol has no binary messages; the stock relay ignores them.
    fn on_message(&mut self, _: Bytes, _: Moment, _: &mut dyn Outbox) {}

    fn on_text(&mut self, text: Bytes, now: Moment, out: &mut dyn Outbox) {
        match message::read(&text) {
            Said::Join { topic, peer_id } => self.join(&topic, peer_id.as_deref(), now, out),
            Said::JoinWithoutTopic => out.push(Outbound::Shared(message::error(TOPIC_REQUIRED))),
            Said::Data(base64) => self.data(&base64, now, out),
            Said::Nothing => {}
        }
    }

    fn poll(&mut self, now: Moment, out: &mut dyn Outbox) {
        send_waiting(&self.mailbox, now, out);
        self.look_at_receivers(now, out);
    }

    fn next_deadline(&self) -> Option<Moment> {
        self.patience.deadline()
    }

    fn on_drain(&mut self, _: Moment, _: &mut dyn Outbox) {}

    fn on_closed(&mut self) {
        self.leave();
        self.mailbox.close();
    }
}

/// Why a peer that takes nothing is closed: temporary, it may come back.
pub(super) const SLOW: Close = Close { code: 1013, reason: "slow_receiver" };
