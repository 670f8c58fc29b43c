//! Topics of an open session.

use super::io::Io;
use super::open::OpenSession;
use crate::hub::TopicRefusal;
use crate::limits::RETRY_AFTER_MS;
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{ErrorFrame, TopicCredit, TopicJoin, TopicLeave, TopicSend};
use relay_proto::limits::FEATURE_TOPICS;

impl OpenSession {
    pub(super) fn on_topic_join(&mut self, join: TopicJoin, io: &mut Io<'_>) {
        if !self.may_use(FEATURE_TOPICS, io) {
            return;
        }
        self.uses_topics = true;
        if let Err(refusal) = self.channel.topics().join(io.handle, self.device, join.topic) {
            refuse(refusal, 0, Bytes::copy_from_slice(join.topic.as_bytes()), io);
        }
    }

    pub(super) fn on_topic_leave(&self, leave: TopicLeave, io: &mut Io<'_>) {
        if self.may_use(FEATURE_TOPICS, io) {
            self.channel.topics().leave(io.handle.id, leave.number);
        }
    }

    pub(super) fn on_topic_send(&self, send: &TopicSend, io: &mut Io<'_>) {
        if !self.may_use(FEATURE_TOPICS, io) {
            return;
        }
        match self.channel.topics().send(io.handle.id, send) {
            Ok(()) => io.shared.counters.topic_messages_total.one(),
            Err(refusal) => refuse(refusal, send.number, Bytes::new(), io),
        }
    }

    pub(super) fn on_topic_credit(&self, credit: TopicCredit, io: &mut Io<'_>) {
        if self.may_use(FEATURE_TOPICS, io) {
            self.channel.topics().credit(io.handle.id, &credit);
        }
    }

    /// Sends what waits for this session; returns whether there was anything. As with ephemeral frames, what was taken while the
    /// roster changed waits until it is looked up.
    pub(super) fn forward_topics(&mut self, io: &mut Io<'_>) -> bool {
        if !self.uses_topics {
            return false;
        }
        let mail = match self.topic_mail.take() {
            Some(mail) => *mail,
            None => {
                let Some(mail) = self.channel.topics().take(io.handle.id, io.room_bytes()) else { return false };
                if self.roster.is_looking(self.space, &self.channel, io) {
                    self.topic_mail = Some(Box::new(mail));
                    return true;
                }
                mail
            }
        };
        for frame in mail.frames {
            io.send_shared(frame);
        }
        for credit in &mail.credits {
            io.send(credit);
        }
        if mail.overrun {
            io.error(ErrorCode::TopicOverrun, 0);
        }
        true
    }
}

fn refuse(refusal: TopicRefusal, number: u32, detail: Bytes, io: &mut Io<'_>) {
    io.shared.counters.topic_refused_total.one();
    let code = match refusal {
        TopicRefusal::Limit => ErrorCode::TopicLimit,
        TopicRefusal::Unknown => ErrorCode::TopicUnknown,
        TopicRefusal::WindowFull | TopicRefusal::Busy => ErrorCode::TopicWindowFull,
    };
    let retry_after_ms = if refusal == TopicRefusal::Busy { RETRY_AFTER_MS } else { 0 };
    io.error_frame(code, ErrorFrame { retry_after_ms, detail, ..ErrorFrame::about(code, u64::from(number)) });
}
