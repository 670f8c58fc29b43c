//! What a peer asked for is read page by page, and said while there is room.

use super::super::answer::{Answer, Then};
use super::super::hub::count;
use super::super::lex::{Lex, Query};
use super::super::mailbox::{Arrived, Place};
use super::super::message::Node;
use super::super::reconcile::Comparing;
use super::super::write;
use super::super::{GETS_MAX, NEWS_BYTES_MAX, PUT_BYTES_MAX, READS_MAX};
use super::Peer;
use super::linking::Role;
use crate::systems::GUN;
use relay_core::documents::{DocumentError, DocumentRange, Keyspace, Page};
use relay_core::endpoint::{Moment, Outbound, Outbox, SharedFrame};
use std::sync::Arc;

impl Peer {
    /// Sends what waits, and reads what was asked for, while there is room.
    pub(super) fn pump(&mut self, now: Moment, out: &mut dyn Outbox) {
        for arrived in self.author.mailbox.take_arrived() {
            self.reads = self.reads.saturating_sub(usize::from(!matches!(arrived, Arrived::Checked(_))));
            match arrived {
                Arrived::Answer(answer, page) => self.say_page(*answer, page, out),
                Arrived::Compared(what, page) => self.say_compared(what, page),
                Arrived::Checked(batch) => self.inbox.give_back(batch),
            }
        }
        self.take_in(now, out);
        self.waiting.extend(self.author.mailbox.take_again());
        while out.room_bytes() > 0 {
            let Some(frame) = self.author.mailbox.take() else { break };
            out.push(Outbound::Shared(frame));
        }
        if out.room_bytes() > 0 {
            self.catch_up();
        }
        while out.room_bytes() > 0 && self.reads < READS_MAX && self.read_next(now) {}
        self.pause_if_needed(out);
    }

    /// What was missed is read once nothing else waits.
    fn catch_up(&mut self) {
        let missed = self.author.mailbox.take_missed();
        if missed.everything && self.role == Role::Relay {
            self.reconciler.begin();
        } else if missed.everything {
            self.waiting.push_back(Answer::of_range(DocumentRange::all()));
        }
        for place in missed.places {
            self.waiting.push_back(Answer::new(None, query_of(&place)));
        }
    }

    fn read_next(&mut self, now: Moment) -> bool {
        if let Some((what, range)) = self.reconciler.next_read() {
            self.read(range, |page| Arrived::Compared(what, page));
        } else if let Some(answer) = self.waiting.pop_front().or_else(|| self.follow(now)) {
            self.read(answer.next_page(), |page| Arrived::Answer(Box::new(answer), page));
        } else {
            return false;
        }
        true
    }

    fn read(
        &mut self,
        range: DocumentRange,
        arrived: impl FnOnce(Result<Page, DocumentError>) -> Arrived + Send + 'static,
    ) {
        self.reads += 1;
        let mailbox = Arc::clone(&self.author.mailbox);
        let keyspace = Keyspace { system: GUN, tenant: self.tenant };
        self.hub.documents.document_scan(keyspace, range, Box::new(move |page| mailbox.arrive(arrived(page))));
    }

    /// What the peer needs next of what it did not ask for again.
    fn follow(&mut self, now: Moment) -> Option<Answer> {
        while let Some(soul) = self.follower.next(now) {
            let place: Place = (soul, None);
            if !self.places.contains(&place) && self.subscribe(&place) {
                return Some(Answer::new(None, query_of(&place)).followed(true));
            }
        }
        None
    }

    fn say_page(&mut self, mut answer: Answer, page: Result<Page, DocumentError>, out: &mut dyn Outbox) {
        let (nodes, then) = match page {
            Ok(page) => answer.take(&page),
            Err(_) => return self.refuse(answer.get.as_deref(), "Not readable, try again later!"),
        };
        if !nodes.is_empty() {
            self.say_nodes(&mut answer, &nodes, matches!(then, Then::More), out);
        }
        match then {
            Then::More => self.waiting.push_front(answer),
            Then::TooMuch => self.refuse(answer.get.as_deref(), "The query looks at too much!"),
            Then::End if answer.has_said => {}
            Then::End => self.say_nothing(answer, out),
        }
    }

    fn say_nodes(&mut self, answer: &mut Answer, nodes: &[Node], has_more: bool, out: &mut dyn Outbox) {
        let id = answer.id.take().unwrap_or_else(|| self.hub.new_id());
        if has_more {
            answer.id = Some(self.hub.new_id());
        }
        let text = match &answer.get {
            Some(get) => write::answer(&id, get, nodes, answer.id.as_deref()),
            None => write::news(&id, nodes),
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

    /// There is nothing here; but other relays may have been asked, and other clients may have it.
    fn say_nothing(&mut self, answer: Answer, out: &mut dyn Outbox) {
        let answer = self.hub.hold(&self.author, answer);
        let answer = answer.and_then(|answer| self.hub.ask_clients(self.tenant, &self.author, answer));
        let Some(answer) = answer else { return };
        if let Some(get) = answer.get {
            let nothing = write::answer(&self.hub.new_id(), &get, &[], None);
            out.push(Outbound::Shared(SharedFrame::text(nothing.as_bytes())));
        }
    }

    fn say_compared(&mut self, what: Comparing, page: Result<Page, DocumentError>) {
        let text = match (what, page) {
            (Comparing::Own, Ok(page)) => {
                self.reconciler.offer(&page, self.hub.new_id()).map(|offer| write::offer(&offer))
            }
            (Comparing::Own, Err(_)) => {
                self.reconciler.failed();
                None
            }
            (Comparing::Theirs(offer), page) => {
                let is_same = page.is_ok_and(|page| offer.is_same(&page));
                Some(write::compared(&self.hub.new_id(), &offer.id, is_same))
            }
        };
        if let Some(text) = text {
            self.author.mailbox.answer(&text);
        }
    }

    /// Whether the peer has to wait until some of what it said is done.
    pub(super) fn is_full(&self) -> bool {
        let mailbox = &self.author.mailbox;
        mailbox.put_bytes() >= PUT_BYTES_MAX
            || self.pace.is_resting()
            || self.waiting.len() >= GETS_MAX
            // Two relays that both have much to say would wait for each other for ever.
            || (!self.is_link() && mailbox.frame_bytes() >= NEWS_BYTES_MAX)
    }

    fn pause_if_needed(&mut self, out: &mut dyn Outbox) {
        let is_full = self.is_full();
        if !is_full && self.inbox.is_ready() {
            // More was said than one turn takes in.
            self.author.mailbox.wake();
        }
        let is_full = is_full || self.inbox.is_full();
        if is_full != self.is_paused {
            self.is_paused = is_full;
            out.pause_reading(is_full);
        }
    }
}

fn query_of((soul, key): &Place) -> Query {
    let key = key.as_ref().map_or(Lex::All, |key| Lex::Exactly(key.to_string()));
    Query { soul: Lex::Exactly(soul.to_string()), key, limit: None }
}
