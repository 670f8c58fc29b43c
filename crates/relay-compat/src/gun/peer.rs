//! One peer: what it says is taken in, and what waits for it goes out while there is room.

use super::answer::{Answer, Then};
use super::dedup::Heard;
use super::deferred::Waiting;
use super::follow::Follower;
use super::hub::{Author, Hub, count};
use super::lex::{Lex, Query};
use super::mailbox::{Arrived, Mailbox, Place};
use super::message::{self, Message, Node, Said};
use super::{
    FRAME_BYTES_MAX, FUTURE_GRACE_MS, FUTURE_MS_MAX, GETS_MAX, HEARTBEAT_MS, MESSAGE_BYTES_MAX, NEWS_BYTES_MAX,
    PUT_BYTES_MAX, READS_MAX, SUBSCRIPTION_BYTES_MAX, SUBSCRIPTIONS_MAX, rules, write,
};
use crate::systems::GUN;
use bytes::Bytes;
use relay_core::documents::{Keyspace, Tenant};
use relay_core::endpoint::{Close, Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox, SharedFrame};
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
}

impl EndpointFactory for PeerFactory {
    fn open(&self, opened: Opened, now: Moment) -> Box<dyn Endpoint> {
        let mailbox = Arc::new(Mailbox::new(opened.waker));
        let hub = Arc::clone(&self.hub);
        count(&hub.counters.peers);
        mailbox.answer(&write::who_are_you(&hub.new_id(), &hub.pid, None));
        let peer = hub.new_peer();
        Box::new(Peer {
            hub,
            tenant: self.tenant,
            author: Author { peer, mailbox },
            heard: Heard::default(),
            places: HashSet::new(),
            place_bytes: 0,
            waiting: VecDeque::new(),
            follower: Follower::new(now),
            reads: 0,
            is_paused: false,
            heartbeat_at: Moment(now.0 + Duration::from_millis(HEARTBEAT_MS)),
        })
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
    heard: Heard,
    /// What it subscribed to.
    places: HashSet<Place>,
    place_bytes: usize,
    /// Answers whose next page is not read yet.
    waiting: VecDeque<Answer>,
    follower: Follower,
    /// Pages that are being read.
    reads: usize,
    is_paused: bool,
    heartbeat_at: Moment,
}

impl Peer {
    fn take(&mut self, message: Message, now: Moment, out: &mut dyn Outbox) {
        let Message { id, said } = message;
        if id.as_ref().is_some_and(|id| !self.heard.is_new(id, now)) {
            return;
        }
        match said {
            Said::WhoAreYou { pid: Some(pid), .. } if pid == self.hub.pid => out.close(OURSELVES),
            Said::WhoAreYou { is_answer: false, .. } => {
                let answer = write::who_are_you(&self.hub.new_id(), &self.hub.pid, id.as_deref());
                self.author.mailbox.answer(&answer);
            }
            Said::Put { nodes, bytes } => self.put(id, nodes, bytes),
            Said::Greeting => self.follower.greeted(),
            Said::Get(query) => self.get(id, query, now),
            Said::WrongPut(why) | Said::WrongGet(why) => self.refuse(id.as_deref(), why),
            Said::WhoAreYou { .. } | Said::Nothing => {}
        }
    }

    fn refuse(&self, id: Option<&str>, why: &str) {
        self.hub.refuse(&self.author.mailbox, id, why);
    }

    fn put(&mut self, id: Option<String>, nodes: Vec<Node>, bytes: usize) {
        let now_ms = self.hub.clock.now_ms();
        let nodes = match rules::judge(nodes, self.hub.rules, now_ms) {
            Ok(nodes) => nodes,
            Err(why) => return self.refuse(id.as_deref(), why),
        };
        let states = nodes.iter().flat_map(|node| &node.properties).map(|property| property.state);
        let newest = states.fold(0.0, f64::max);
        if newest > now_ms.saturating_add(FUTURE_MS_MAX) as f64 {
            return self.refuse(id.as_deref(), "The state is too far in the future!");
        }
        let (tenant, author) = (self.tenant, self.author.clone());
        if newest <= now_ms.saturating_add(FUTURE_GRACE_MS) as f64 {
            return self.hub.store(tenant, author, id, nodes, bytes);
        }
        let waiting = Waiting { tenant, peer: author, id: id.clone(), nodes, bytes };
        if !self.hub.defer(newest.ceil() as u64, waiting) {
            self.refuse(id.as_deref(), "Too many writes wait for their state!");
        }
    }

    fn get(&mut self, id: Option<String>, query: Query, now: Moment) {
        count(&self.hub.counters.gets);
        if !self.subscribe(&query) {
            return self.refuse(id.as_deref(), "Too many subscriptions!");
        }
        if id.is_some() {
            let is_followed = matches!(query.soul, Lex::Exactly(_)) && self.follower.follows(now);
            self.waiting.push_back(Answer::new(id, query).followed(is_followed));
        }
    }

    fn is_subscribed(&self, query: &Query) -> bool {
        place_of(query).is_some_and(|place| self.places.contains(&place))
    }

    /// A get is a subscription, from before it is read, so that nothing falls in between.
    fn subscribe(&mut self, query: &Query) -> bool {
        let Some(place) = place_of(query) else { return true };
        if self.places.contains(&place) {
            return true;
        }
        let bytes = place.0.len() + place.1.as_ref().map_or(0, |key| key.len());
        let place_bytes = self.place_bytes.saturating_add(bytes);
        if self.places.len() >= SUBSCRIPTIONS_MAX || place_bytes > SUBSCRIPTION_BYTES_MAX {
            return false;
        }
        self.hub.subscribe(self.tenant, &place, &self.author);
        self.place_bytes = place_bytes;
        self.places.insert(place);
        true
    }

    /// Sends what waits, and reads what was asked for, while there is room.
    fn pump(&mut self, now: Moment, out: &mut dyn Outbox) {
        for arrived in self.author.mailbox.take_arrived() {
            self.reads = self.reads.saturating_sub(1);
            self.say_page(arrived, out);
        }
        while out.room_bytes() > 0 {
            let Some(frame) = self.author.mailbox.take() else { break };
            out.push(Outbound::Shared(frame));
        }
        if out.room_bytes() > 0 {
            for place in self.author.mailbox.take_missed() {
                self.waiting.push_back(Answer::new(None, query_of(&place)));
            }
        }
        while out.room_bytes() > 0 && self.reads < READS_MAX {
            let Some(answer) = self.waiting.pop_front().or_else(|| self.follow(now)) else { break };
            self.read(answer);
        }
        self.pause_if_needed(out);
    }

    /// What the peer needs next of what it did not ask for again.
    fn follow(&mut self, now: Moment) -> Option<Answer> {
        while let Some(soul) = self.follower.next(now) {
            let query = query_of(&(soul, None));
            if !self.is_subscribed(&query) && self.subscribe(&query) {
                return Some(Answer::new(None, query).followed(true));
            }
        }
        None
    }

    fn read(&mut self, answer: Answer) {
        self.reads += 1;
        let mailbox = Arc::clone(&self.author.mailbox);
        let keyspace = Keyspace { system: GUN, tenant: self.tenant };
        let page = answer.next_page();
        self.hub.documents.document_scan(keyspace, page, Box::new(move |page| mailbox.arrive((answer, page))));
    }

    fn say_page(&mut self, (mut answer, page): Arrived, out: &mut dyn Outbox) {
        let (nodes, then) = match page {
            Ok(page) => answer.take(&page),
            Err(_) => return self.refuse(answer.get.as_deref(), "Not readable, try again later!"),
        };
        if !nodes.is_empty() {
            let id = answer.id.take().unwrap_or_else(|| self.hub.new_id());
            if matches!(then, Then::More) {
                answer.id = Some(self.hub.new_id());
            }
            let text = match &answer.get {
                Some(get) => write::answer(&id, get, &nodes, answer.id.as_deref()),
                None => write::news(&id, &nodes),
            };
            answer.has_said = true;
            if answer.is_followed {
                let properties = nodes.iter().flat_map(|node| &node.properties);
                let links = properties.filter_map(|property| property.link().map(Arc::from));
                if !self.follower.saw(text.len(), links) {
                    count(&self.hub.counters.unfollowed);
                }
            }
            out.push(Outbound::Shared(SharedFrame::text(text.as_bytes())));
        }
        match then {
            Then::More => self.waiting.push_front(answer),
            Then::TooMuch => self.refuse(answer.get.as_deref(), "The query looks at too much!"),
            Then::End => {
                if let Some(get) = answer.get.filter(|_| !answer.has_said) {
                    let nothing = write::answer(&self.hub.new_id(), &get, &[], None);
                    out.push(Outbound::Shared(SharedFrame::text(nothing.as_bytes())));
                }
            }
        }
    }

    fn pause_if_needed(&mut self, out: &mut dyn Outbox) {
        let mailbox = &self.author.mailbox;
        let is_full = mailbox.put_bytes() >= PUT_BYTES_MAX
            || self.waiting.len() >= GETS_MAX
            || mailbox.frame_bytes() >= NEWS_BYTES_MAX;
        if is_full != self.is_paused {
            self.is_paused = is_full;
            out.pause_reading(is_full);
        }
    }
}

/// What a get subscribes to; a query by soul is none.
fn place_of(query: &Query) -> Option<Place> {
    let Lex::Exactly(soul) = &query.soul else { return None };
    let key = match &query.key {
        Lex::Exactly(key) => Some(Arc::from(key.as_str())),
        _ => None,
    };
    Some((Arc::from(soul.as_str()), key))
}

fn query_of((soul, key): &Place) -> Query {
    let key = key.as_ref().map_or(Lex::All, |key| Lex::Exactly(key.to_string()));
    Query { soul: Lex::Exactly(soul.to_string()), key, limit: None }
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
        self.pump(now, out);
    }

    fn next_deadline(&self) -> Option<Moment> {
        Some(self.follower.deadline().map_or(self.heartbeat_at, |deadline| deadline.min(self.heartbeat_at)))
    }

    fn on_drain(&mut self, _: Moment, out: &mut dyn Outbox) {
        out.close(GOING);
    }

    fn on_closed(&mut self) {
        self.hub.unsubscribe(self.tenant, self.places.iter(), self.author.peer);
        self.author.mailbox.close();
        self.hub.counters.peers.fetch_sub(1, Ordering::Relaxed);
    }
}
