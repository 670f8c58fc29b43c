//! One peer: what it says is taken in, and what waits for it goes out while there is room.

mod linking;
mod reads;

use super::answer::Answer;
use super::dedup::Heard;
use super::deferred::{Reply, Waiting};
use super::follow::Follower;
use super::hub::{Author, Hub, count, place_of};
use super::lex::Query;
use super::mailbox::{Mailbox, Place};
use super::message::{self, Message, Node, Said};
use super::put;
use super::reconcile::Reconciler;
use super::{
    FRAME_BYTES_MAX, FUTURE_GRACE_MS, FUTURE_MS_MAX, HEARTBEAT_MS, MESSAGE_BYTES_MAX, SUBSCRIPTION_BYTES_MAX,
    SUBSCRIPTIONS_MAX, rules, write,
};
use bytes::Bytes;
use linking::Role;
use relay_core::documents::Tenant;
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbox};
use relay_core::foreign::Seat;
use relay_core::gcra::Cell;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The peer and the relay are the same.
const OURSELVES: Close = Close { code: 1000, reason: "same_peer" };
const GOING: Close = Close { code: 1012, reason: "restart" };

/// Makes endpoints of one tenant.
pub(super) struct PeerFactory {
    pub(super) hub: Arc<Hub>,
    pub(super) tenant: Tenant,
    /// Whether this relay connects to the peer, instead of the peer to this relay.
    pub(super) is_dialed: bool,
    /// Of a peer that connected.
    pub(super) seat: Option<Arc<Seat>>,
}

impl EndpointFactory for PeerFactory {
    fn open(&self, opened: Opened, now: Moment) -> Box<dyn Endpoint> {
        let mailbox = Arc::new(Mailbox::new(opened.waker));
        let hub = Arc::clone(&self.hub);
        count(&hub.counters.peers);
        mailbox.answer(&write::who_are_you(&hub.new_id(), &hub.pid, None));
        let number = hub.new_peer();
        let mut peer = Peer {
            hub,
            tenant: self.tenant,
            author: Author { peer: number, mailbox },
            role: Role::new(self.is_dialed, now),
            reconciler: Reconciler::default(),
            heard: Heard::default(),
            places: HashSet::new(),
            place_bytes: 0,
            waiting: VecDeque::new(),
            follower: Follower::new(now),
            reads: 0,
            is_paused: false,
            puts: Cell::NEW,
            _seat: self.seat.clone(),
            heartbeat_at: Moment(now.0 + Duration::from_millis(HEARTBEAT_MS)),
        };
        peer.introduce();
        Box::new(peer)
    }

    fn message_bytes_max(&self) -> usize {
        FRAME_BYTES_MAX
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn may_stay_silent(&self) -> bool {
        true
    }
}

struct Peer {
    hub: Arc<Hub>,
    tenant: Tenant,
    author: Author,
    role: Role,
    heard: Heard,
    /// What it subscribed to.
    places: HashSet<Place>,
    place_bytes: usize,
    /// Answers whose next page is not read yet.
    waiting: VecDeque<Answer>,
    follower: Follower,
    reconciler: Reconciler,
    /// Pages that are being read.
    reads: usize,
    is_paused: bool,
    /// How often it put something.
    puts: Cell,
    /// Free again with the peer.
    _seat: Option<Arc<Seat>>,
    heartbeat_at: Moment,
}

impl Peer {
    fn take(&mut self, message: Message, now: Moment, out: &mut dyn Outbox) {
        let Message { id, answers, said } = message;
        if id.as_ref().is_some_and(|id| !self.heard.is_new(id, now)) {
            return;
        }
        let ask = answers.filter(|_| self.is_link());
        match said {
            Said::WhoAreYou { pid: Some(pid), .. } if pid == self.hub.pid => out.close(OURSELVES),
            Said::WhoAreYou { is_answer: false, .. } => {
                let answer = write::who_are_you(&self.hub.new_id(), &self.hub.pid, id.as_deref());
                self.author.mailbox.answer(&answer);
            }
            Said::Relay { pid, is_answer } => self.meet_relay(id.as_deref(), pid, is_answer, out),
            Said::Greeting => self.follower.greeted(),
            Said::Put { nodes, bytes } => {
                self.put(Reply { ack: id.filter(|_| self.role != Role::Relay), ask }, nodes, bytes, now)
            }
            Said::Get(query) => self.get(id, query, now),
            Said::WrongPut(why) | Said::WrongGet(why) => self.refuse(id.as_deref(), why),
            said @ (Said::Offer(_) | Said::Compared { .. }) => self.compare(said),
            Said::WhoAreYou { .. } => {}
            Said::Nothing => ask.iter().for_each(|ask| self.hub.ask_answered(ask)),
        }
    }

    fn refuse(&self, id: Option<&str>, why: &str) {
        self.hub.refuse(&self.author.mailbox, id, why);
    }

    fn put(&mut self, reply: Reply, nodes: Vec<Node>, bytes: usize, now: Moment) {
        let now_ms = self.hub.clock.now_ms();
        let ack = reply.ack.clone();
        // What other relays pass on was held to their peers' rates.
        let rate = self.hub.rate.filter(|_| !self.is_link());
        if rate.is_some_and(|rate| !self.puts.admit(rate, now).is_admitted()) {
            return self.refuse(ack.as_deref(), put::TOO_FAST);
        }
        let nodes = match rules::judge(nodes, self.hub.rules, now_ms) {
            Ok(nodes) => nodes,
            Err(why) => return self.refuse(ack.as_deref(), why),
        };
        let states = nodes.iter().flat_map(|node| &node.properties).map(|property| property.state);
        let newest = states.fold(0.0, f64::max);
        if newest > now_ms.saturating_add(FUTURE_MS_MAX) as f64 {
            return self.refuse(ack.as_deref(), "The state is too far in the future!");
        }
        let put = Waiting { tenant: self.tenant, peer: self.author.clone(), reply, nodes, bytes };
        if newest <= now_ms.saturating_add(FUTURE_GRACE_MS) as f64 {
            return self.hub.store(put);
        }
        if !self.hub.defer(newest.ceil() as u64, put) {
            self.refuse(ack.as_deref(), "Too many writes wait for their state!");
        }
    }

    fn get(&mut self, id: Option<String>, query: Query, now: Moment) {
        count(&self.hub.counters.gets);
        // A get is a subscription, from before it is read, so that nothing falls in between.
        let place = place_of(&query);
        if place.as_ref().is_some_and(|place| !self.subscribe(place)) {
            return self.refuse(id.as_deref(), "Too many subscriptions!");
        }
        let ask = place.as_ref().and_then(|place| self.hub.pass_on(self.tenant, place, self.author.peer));
        if id.is_some() {
            let is_followed = place.is_some() && self.follower.follows(now);
            self.waiting.push_back(Answer::new(id, query).followed(is_followed).asking(ask));
        }
    }

    fn subscribe(&mut self, place: &Place) -> bool {
        if self.places.contains(place) {
            return true;
        }
        let bytes = place.0.len() + place.1.as_ref().map_or(0, |key| key.len());
        let place_bytes = self.place_bytes.saturating_add(bytes);
        if self.places.len() >= SUBSCRIPTIONS_MAX || place_bytes > SUBSCRIPTION_BYTES_MAX {
            return false;
        }
        self.hub.subscribe(self.tenant, place, &self.author);
        self.place_bytes = place_bytes;
        self.places.insert(place.clone());
        true
    }
}

impl Endpoint for Peer {
    /// Messages are text; bytes are nobody's business.
    fn on_message(&mut self, _: Bytes, _: Moment, _: &mut dyn Outbox) {}

    fn on_text(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        let messages = match std::str::from_utf8(&message) {
            _ if message.len() > MESSAGE_BYTES_MAX => Err("Message too big!"),
            Ok(text) => message::read(text).ok_or("DAM JSON parse error."),
            Err(_) => Err("DAM JSON parse error."),
        };
        match messages {
            Ok(messages) => messages.into_iter().for_each(|message| self.take(message, now, out)),
            Err(why) => {
                count(&self.hub.counters.refused);
                self.author.mailbox.answer(&write::broken(why));
            }
        }
        self.pump(now, out);
    }

    fn poll(&mut self, now: Moment, out: &mut dyn Outbox) {
        if now >= self.heartbeat_at {
            self.heartbeat_at = Moment(now.0 + Duration::from_millis(HEARTBEAT_MS));
            self.author.mailbox.answer("[]");
        }
        self.decide_role(now);
        self.pump(now, out);
    }

    fn next_deadline(&self) -> Option<Moment> {
        let deadlines = [Some(self.heartbeat_at), self.follower.deadline(), self.role.deadline()];
        deadlines.into_iter().flatten().min()
    }

    fn on_drain(&mut self, _: Moment, out: &mut dyn Outbox) {
        out.close(GOING);
    }

    fn on_closed(&mut self) {
        self.hub.unlink(self.tenant, self.author.peer);
        self.hub.unsubscribe(self.tenant, self.places.iter(), self.author.peer);
        self.author.mailbox.close();
        self.hub.counters.peers.fetch_sub(1, Ordering::Relaxed);
    }
}
