//! One peer: what it says is taken in, and what waits for it goes out while there is room.

mod linking;
mod pace;
mod reads;

use super::answer::Answer;
use super::dedup::Heard;
use super::deferred::{Reply, Waiting};
use super::follow::Follower;
use super::hub::{Author, Hub, count, place_of};
use super::inbox::{Inbox, Next};
use super::lex::Query;
use super::mailbox::{Arrived, Mailbox, Place};
use super::message::{Message, Said};
use super::put;
use super::reconcile::Reconciler;
use super::{FRAME_BYTES_MAX, HEARTBEAT_MS, SUBSCRIPTION_BYTES_MAX, SUBSCRIPTIONS_MAX, TURN_MESSAGES_MAX, write};
use bytes::Bytes;
use linking::Role;
use pace::Pace;
use relay_core::documents::Tenant;
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbox};
use relay_core::foreign::Seat;
use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The peer and the relay are the same.
const OURSELVES: Close = Close { code: 1000, reason: "same_peer" };
/// Too much of other peers waits to be checked.
const OVERFULL: Close = Close { code: 1013, reason: "try_again_later" };
const GOING: Close = Close { code: 1012, reason: "restart" };

/// Makes endpoints of one tenant.
pub(super) struct PeerFactory {
    pub(super) hub: Arc<Hub>,
    pub(super) tenant: Tenant,
    /// Of a peer that connected; `None`: this relay connects to the peer.
    pub(super) client: Option<IpAddr>,
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
        let is_dialed = self.client.is_none();
        let mut peer = Peer {
            hub,
            tenant: self.tenant,
            author: Author { peer: number, mailbox },
            role: Role::new(is_dialed, now),
            reconciler: Reconciler::default(),
            heard: Heard::default(),
            places: HashSet::new(),
            place_bytes: 0,
            waiting: VecDeque::new(),
            inbox: Inbox::default(),
            follower: Follower::new(now),
            reads: 0,
            is_paused: false,
            pace: Pace::new(self.client),
            _seat: self.seat.clone(),
            heartbeat_at: Moment(now.0 + Duration::from_millis(HEARTBEAT_MS)),
        };
        if !is_dialed {
            peer.hub.add_client(peer.tenant, &peer.author);
        }
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
    inbox: Inbox,
    follower: Follower,
    reconciler: Reconciler,
    /// Pages that are being read.
    reads: usize,
    is_paused: bool,
    pace: Pace,
    /// Free again with the peer.
    _seat: Option<Arc<Seat>>,
    heartbeat_at: Moment,
}

impl Peer {
    /// Takes in what waits, until something has to be checked elsewhere or the peer has to wait.
    fn take_in(&mut self, now: Moment, out: &mut dyn Outbox) {
        if self.pace.rests(&self.hub, now) {
            return;
        }
        for _ in 0..TURN_MESSAGES_MAX {
            if self.is_full() {
                return;
            }
            match self.inbox.next() {
                None => return,
                Some(Next::Take(Message { id, answers, said })) => {
                    let said = self.hub.checker.judge(said);
                    self.take(Message { id, answers, said }, now, out);
                }
                Some(Next::TakeChecked(message)) => self.take(message, now, out),
                Some(Next::Check(batch)) => self.hub.check(self.tenant, &self.author, self.role == Role::Relay, batch),
            }
        }
    }

    /// A frame that came.
    fn hear(&mut self, frame: Bytes, out: &mut dyn Outbox) {
        if self.inbox.add(frame, &self.hub.checker) {
            return;
        }
        count(&self.hub.counters.overfull);
        if self.is_link() {
            // What a relay says is not said again, but when relays meet they compare everything.
            return out.close(OVERFULL);
        }
        self.author.mailbox.answer(&write::broken("Too much waits to be checked, try again later!"));
    }

    fn take(&mut self, message: Message, now: Moment, out: &mut dyn Outbox) {
        let Message { id, answers, said } = message;
        if id.as_ref().is_some_and(|id| !self.heard.is_new(id, now)) {
            return;
        }
        let ask = answers.filter(|ask| self.hub.was_asked(self.tenant, ask, self.author.peer));
        match said {
            Said::WhoAreYou { pid: Some(pid), .. } if pid == self.hub.pid => out.close(OURSELVES),
            Said::WhoAreYou { is_answer: false, .. } => {
                let answer = write::who_are_you(&self.hub.new_id(), &self.hub.pid, id.as_deref());
                self.author.mailbox.answer(&answer);
            }
            Said::Relay { pid, is_answer } => self.meet_relay(id.as_deref(), pid, is_answer, out),
            Said::Greeting => self.follower.greeted(),
            Said::Put { nodes, blocks, bytes } => {
                let reply = Reply { ack: id.filter(|_| self.role != Role::Relay), ask };
                if !self.pace.admit(&self.hub, self.role, now) {
                    return self.refuse(reply.ack.as_deref(), put::TOO_FAST);
                }
                let peer = self.author.clone();
                self.hub.put(Waiting { tenant: self.tenant, peer, reply, nodes, blocks, bytes });
            }
            Said::Get(query) => self.get(id, query, now),
            Said::WrongPut(why) => self.refuse(id.filter(|_| self.role != Role::Relay).as_deref(), why),
            Said::WrongGet(why) => self.refuse(id.as_deref(), why),
            Said::Broken(why) => {
                count(&self.hub.counters.refused);
                self.author.mailbox.answer(&write::broken(why));
            }
            said @ (Said::Offer(_) | Said::Compared { .. }) => self.compare(said),
            Said::WhoAreYou { .. } => {}
            Said::Nothing => ask.iter().for_each(|ask| self.hub.ask_answered(ask, self.author.peer, false)),
        }
    }

    fn refuse(&self, id: Option<&str>, why: &str) {
        self.hub.refuse(&self.author.mailbox, id, why);
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
        self.hear(message, out);
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
        let deadlines = [Some(self.heartbeat_at), self.follower.deadline(), self.role.deadline(), self.pace.deadline()];
        deadlines.into_iter().flatten().min()
    }

    fn on_drain(&mut self, _: Moment, out: &mut dyn Outbox) {
        out.close(GOING);
    }

    fn on_closed(&mut self) {
        self.hub.remove_client(self.tenant, self.author.peer);
        self.hub.unlink(self.tenant, self.author.peer);
        self.hub.unsubscribe(self.tenant, self.places.iter(), self.author.peer);
        let mut inbox = std::mem::take(&mut self.inbox);
        for arrived in self.author.mailbox.close() {
            if let Arrived::Checked(batch) = arrived {
                inbox.give_back(batch);
            }
        }
        // What it said is stored, whether or not it stayed to hear so.
        self.hub.finish(self.tenant, &self.author, self.role == Role::Relay, inbox.into_left());
        self.hub.counters.peers.fetch_sub(1, Ordering::Relaxed);
    }
}
