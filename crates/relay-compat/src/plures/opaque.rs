//! The second protocol: the path is the topic, every message goes to all others as it came. The relay says nothing of its own,
//! because clients fail on whatever is not theirs.

use super::MESSAGE_BYTES_MAX;
use super::hub::{Hub, Peer, TopicName};
use super::joined::SLOW;
use super::mailbox::Mailbox;
use super::patience::Patience;
use bytes::Bytes;
use relay_core::endpoint::{Endpoint, EndpointFactory, Moment, Opened, Outbound, Outbox, SharedFrame};
use relay_core::foreign::Seat;
use std::sync::Arc;

/// Makes endpoints of one topic.
pub(super) struct OpaqueFactory {
    pub(super) hub: Arc<Hub>,
    pub(super) topic: TopicName,
    pub(super) seat: Arc<Seat>,
}

impl EndpointFactory for OpaqueFactory {
    fn open(&self, opened: Opened, _: Moment) -> Box<dyn Endpoint> {
        let mailbox = Arc::new(Mailbox::new(opened.waker.clone()));
        let peer = Arc::new(Peer { id: "".into(), mailbox: Arc::clone(&mailbox) });
        let is_in = self.hub.join(&self.topic, &peer).is_some();
        if !is_in {
            mailbox.give_up();
        }
        let (hub, topic) = (Arc::clone(&self.hub), self.topic.clone());
        let seat = Arc::clone(&self.seat);
        Box::new(Opaque { hub, topic, peer, patience: Patience::new(opened.waker), _seat: seat })
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

struct Opaque {
    hub: Arc<Hub>,
    topic: TopicName,
    peer: Arc<Peer>,
    patience: Patience,
    /// Free again with the peer.
    _seat: Arc<Seat>,
}

impl Opaque {
    fn pass_on(&mut self, frame: &SharedFrame, now: Moment, out: &mut dyn Outbox) {
        if !self.hub.broadcast(&self.topic, &self.peer, frame, now) {
            self.patience.begin();
            self.look_at_receivers(now, out);
        }
    }

    fn look_at_receivers(&mut self, now: Moment, out: &mut dyn Outbox) {
        for gone in self.patience.look(&self.hub, Some((&self.topic, &self.peer)), now, out) {
            // Its own end finds it gone already.
            let _left = self.hub.leave(&self.topic, &gone);
        }
    }
}

impl Endpoint for Opaque {
    /// The stock relay sends text on; what is none stays binary.
    fn on_message(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        let is_text = std::str::from_utf8(&message).is_ok();
        let frame = if is_text { SharedFrame::text(&message) } else { SharedFrame::binary(&message) };
        self.pass_on(&frame, now, out);
    }

    fn on_text(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        self.pass_on(&SharedFrame::text(&message), now, out);
    }

    fn poll(&mut self, now: Moment, out: &mut dyn Outbox) {
        send_waiting(&self.peer.mailbox, now, out);
        self.look_at_receivers(now, out);
    }

    fn next_deadline(&self) -> Option<Moment> {
        self.patience.deadline()
    }

    fn on_drain(&mut self, _: Moment, _: &mut dyn Outbox) {}

    fn on_closed(&mut self) {
        let _others = self.hub.leave(&self.topic, &self.peer);
        self.peer.mailbox.close();
    }
}

/// Sends what waits for a peer while there is room.
pub(super) fn send_waiting(mailbox: &Mailbox, now: Moment, out: &mut dyn Outbox) {
    if mailbox.is_given_up() {
        return out.close(SLOW);
    }
    while out.room_bytes() > 0 {
        let Some(frame) = mailbox.take(now) else { return };
        out.push(Outbound::Shared(frame));
    }
}
