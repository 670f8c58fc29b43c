//! The open session: what it holds, and the order in which it works things off.

use super::acks::AckPace;
use super::after_ms;
use super::ephemeral::EphemeralState;
use super::exchange::Exchange;
use super::handle::{Answer, SessionHandle};
use super::io::Io;
use super::push_window::PushWindow;
use super::requests::{Request, Requests};
use super::roster::{Membership, RosterWatch};
use super::subscription::Subscription;
use crate::endpoint::Moment;
use crate::hub::{Mail, SpaceChannel};
use crate::limits::{PUSHES_IN_FLIGHT_MAX, REQUESTS_WAITING_MAX};
use crate::relay::Shared;
use crate::store::DeviceMark;
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{ClientFrame, FrameType, SnapshotDue};
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use std::collections::VecDeque;
use std::sync::Arc;

/// What the handshake found out.
pub(super) struct Admitted {
    pub(super) space: SpaceId,
    pub(super) device: DeviceKey,
    pub(super) membership: Membership,
    pub(super) channel: Arc<SpaceChannel>,
    pub(super) told: (u64, Hash),
    pub(super) mark: DeviceMark,
    /// The feature bits both sides offered.
    pub(super) features: u64,
}

pub(super) struct OpenSession {
    pub(super) space: SpaceId,
    pub(super) device: DeviceKey,
    pub(super) membership: Membership,
    pub(super) channel: Arc<SpaceChannel>,
    pub(super) roster: RosterWatch,
    pub(super) pushes: PushWindow,
    pub(super) requests: Requests,
    pub(super) subscription: Option<Arc<Subscription>>,
    /// Of a session by token.
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) ack_pace: AckPace,
    pub(super) acks_seen: u64,
    pub(super) features: u64,
    pub(super) ephemeral: Option<Box<EphemeralState>>,
    pub(super) uses_topics: bool,
    /// Taken, but not sent before the roster was looked up.
    pub(super) topic_mail: Option<Box<Mail>>,
    /// Answers that came while the roster was looked up; bounded as they are in the handle.
    stash: VecDeque<Answer>,
    expires_at: Option<Moment>,
    snapshot_due_told: u64,
    paused: bool,
    draining: bool,
}

impl OpenSession {
    pub(super) fn new(admitted: Admitted, io: &Io<'_>) -> Self {
        io.shared.counters.sessions.one();
        let (acks_seen, _) = admitted.channel.acks_after(u64::MAX, io.handle);
        let mut open = Self {
            space: admitted.space,
            device: admitted.device,
            membership: admitted.membership,
            channel: admitted.channel,
            roster: RosterWatch::new(admitted.told),
            pushes: PushWindow::new(&admitted.mark),
            requests: Requests::default(),
            subscription: None,
            exchange: None,
            ack_pace: AckPace::new(io.now),
            acks_seen,
            features: admitted.features,
            ephemeral: None,
            uses_topics: false,
            topic_mail: None,
            stash: VecDeque::new(),
            expires_at: None,
            snapshot_due_told: 0,
            paused: false,
            draining: false,
        };
        open.become_member(admitted.membership, io);
        open.touch(io.shared);
        open
    }

    fn become_member(&mut self, membership: Membership, io: &Io<'_>) {
        self.membership = membership;
        let left_ms = membership.not_after_ms().saturating_sub(io.shared.wall_clock.now_ms());
        self.expires_at = (membership.not_after_ms() != 0).then(|| after_ms(io.now, left_ms + 1));
    }

    /// Counts as a contact of the device; the root is no device.
    pub(super) fn touch(&self, shared: &Shared) {
        if self.membership != Membership::Root {
            shared.store.touch(self.space, self.device, shared.wall_clock.now_ms());
        }
    }

    /// When something is due.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        [self.expires_at, self.exchange_deadline(), self.ack_pace.next_deadline()].into_iter().flatten().min()
    }

    /// The peer of a session by token will send no more.
    pub(super) fn input_ended(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.input_ended = true;
        }
    }

    /// Whether the client is to be shown a change of the roster.
    pub(super) fn roster_is_owed(&self) -> bool {
        self.roster.is_owed(&self.channel)
    }

    pub(super) fn release(&mut self, shared: &Shared, handle: &SessionHandle) {
        self.touch(shared);
        self.end_ephemeral(handle.id);
        if self.uses_topics {
            self.channel.topics().leave_all(handle.id);
        }
        shared.hub.leave(self.space, handle);
        shared.counters.sessions.one_less();
    }

    /// Takes a message; returns whether nothing is to be done for it but to wait for the store.
    pub(super) fn on_message(&mut self, message: Bytes, io: &mut Io<'_>) -> bool {
        self.publish_ephemeral(io.handle.id);
        self.open_gathered(io);
        if io.is_closed() {
            return false;
        }
        if message.first() == Some(&FrameType::Push.number()) {
            self.pushes.gathered.note(message.len());
        }
        self.open_message(message, io)
    }

    /// Takes a push that lies where it was read, if it is to be gathered with its neighbours.
    pub(super) fn gather_push(&mut self, message: &[u8], shared: &Shared) -> bool {
        let is_push = message.first() == Some(&FrameType::Push.number());
        let taken = is_push && self.exchange.is_none() && !self.is_full(shared) && self.pushes.gathered.take(message);
        if taken {
            self.pushes.gathered.note(message.len());
        }
        taken
    }

    /// Looks at what was gathered, in the order in which it came.
    fn open_gathered(&mut self, io: &mut Io<'_>) {
        for message in self.pushes.gathered.drain() {
            if io.is_closed() {
                return;
            }
            self.open_message(message, io);
        }
    }

    /// The messages of one read were all handed over.
    pub(super) fn end_read(&mut self, io: &mut Io<'_>) {
        self.open_gathered(io);
        self.pushes.gathered.read_ended();
        if self.pushes.holds_any() && !io.is_closed() {
            self.forward_pushes(io);
        }
    }

    fn open_message(&mut self, message: Bytes, io: &mut Io<'_>) -> bool {
        if message.len() > io.shared.limits.message_bytes_max() {
            io.error(ErrorCode::FrameTooLarge, 0);
            return false;
        }
        match ClientFrame::decode(&message) {
            Ok(ClientFrame::Push(push)) if self.exchange.is_none() && !self.draining => {
                self.on_push(push, io);
                self.pace(io);
                return true;
            }
            Ok(frame) => self.on_frame(frame, io),
            Err(error) => {
                io.error(error.code(), 0);
                // A malformed frame ends the connection, whatever its error does elsewhere.
                if !io.is_closed() {
                    io.close_malformed(error.code());
                }
            }
        }
        false
    }

    fn on_frame(&mut self, frame: ClientFrame, io: &mut Io<'_>) {
        if let Some(code) = self.exchange_fault(&frame, io) {
            io.error(code, 0);
            return;
        }
        match frame {
            ClientFrame::Push(push) => self.on_push(push, io),
            ClientFrame::Ack(ack) => self.on_ack(ack, io),
            ClientFrame::EphemeralSend(send) => self.on_ephemeral_send(&send, io),
            ClientFrame::EphemeralListen(listen) => self.on_ephemeral_listen(listen, io),
            ClientFrame::TopicSend(send) => self.on_topic_send(&send, io),
            ClientFrame::TopicCredit(credit) => self.on_topic_credit(credit, io),
            ClientFrame::TopicJoin(join) => self.on_topic_join(join, io),
            ClientFrame::TopicLeave(leave) => self.on_topic_leave(leave, io),
            other => match Request::try_from(other) {
                Ok(request) => self.requests.add(request),
                Err(()) => io.error(ErrorCode::UnexpectedFrame, 0),
            },
        }
    }

    /// Works until there is nothing to do or no room.
    pub(super) fn drive(&mut self, io: &mut Io<'_>) {
        if self.expires_at.is_some_and(|at| io.now >= at) && !io.is_closed() {
            io.error(ErrorCode::DeviceExpired, 0);
        }
        self.end_if_erased(io);
        self.take_due_ack(io);
        self.work_on_exchange(io);
        if !io.is_closed() {
            self.forward_pushes(io);
        }
        while io.has_room() && self.step(io) {}
        self.end_exchange(io);
        if io.is_closed() {
            return;
        }
        if self.draining && self.pushes.count == 0 && self.requests.are_done() {
            io.close_drained();
            return;
        }
        self.pace(io);
    }

    /// Stops reading from the peer while it has as much under way as it may.
    fn pace(&mut self, io: &mut Io<'_>) {
        let full = self.is_full(io.shared);
        if full != self.paused && !io.is_closed() {
            self.paused = full;
            io.pause_reading(full);
        }
    }

    /// From now on the session ends as soon as what was asked is answered.
    pub(super) const fn drain(&mut self) {
        self.draining = true;
    }

    fn is_full(&self, shared: &Shared) -> bool {
        let bytes_max = usize::try_from(shared.limits.push_in_flight_bytes_max).unwrap_or(usize::MAX);
        let (pushes, bytes) = self.pushes.waiting();
        bytes + self.requests.bytes() > bytes_max
            || pushes >= PUSHES_IN_FLIGHT_MAX
            || self.requests.len() >= REQUESTS_WAITING_MAX
    }

    /// One piece of work; returns whether there may be more. What comes meanwhile wakes the session again. What is taken is looked at before the roster is, and sent only when
    /// the roster stood still: so nothing that was stored after a change of roster is sent before the change.
    fn step(&mut self, io: &mut Io<'_>) -> bool {
        let was_looking = self.roster.is_looking(self.space, &self.channel, io);
        let stashed = if was_looking { None } else { self.stash.pop_front() };
        let was_stashed = stashed.is_some();
        let answer = stashed.or_else(|| io.handle.take());
        let looking = self.roster.is_looking(self.space, &self.channel, io);
        match answer {
            Some(Answer::Facts(facts)) => {
                if let Some(membership) = self.roster.on_facts(facts, (self.space, self.device), &self.channel, io) {
                    self.become_member(membership, io);
                }
                true
            }
            Some(answer) if looking => {
                // What waited already stays in front of what waits behind it.
                if was_stashed {
                    self.stash.push_front(answer)
                } else {
                    self.stash.push_back(answer)
                }
                true
            }
            Some(answer) => {
                self.on_answer(answer, io);
                true
            }
            None if looking => false,
            None => {
                self.next_request(io)
                    || self.forward_acks(io)
                    || self.forward_snapshot_due(io)
                    || self.forward_entries(io)
                    || self.forward_topics(io)
                    || self.forward_ephemeral(io)
            }
        }
    }

    fn on_answer(&mut self, answer: Answer, io: &mut Io<'_>) {
        match answer {
            Answer::Pushed { joined, result } => self.on_pushed(joined, result, io),
            Answer::Usage(usage) => self.on_usage(usage, io),
            Answer::TenantKnown(known) => self.on_tenant_known(&known, io),
            Answer::SubscriptionRead(read) => self.on_subscription_read(read, io),
            Answer::AckPut { size, result } => self.on_ack_put(size, result, io),
            answer => self.on_request_answer(answer, io),
        }
    }

    fn forward_snapshot_due(&mut self, io: &mut Io<'_>) -> bool {
        let size = self.channel.snapshot_due();
        let news = size != self.snapshot_due_told && self.membership.may_write();
        self.snapshot_due_told = size;
        if news {
            io.send(&SnapshotDue { size });
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::OpenSession;
    use crate::session::Session;

    #[test]
    fn a_session_is_small() {
        let bytes = std::mem::size_of::<OpenSession>() + std::mem::size_of::<Session>();
        assert!(bytes <= 1024, "{bytes} bytes per idle session");
    }
}
