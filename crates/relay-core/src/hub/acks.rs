//! The newest ack of each device of one space, for the sessions of the other devices.

use crate::endpoint::SharedFrame;
use crate::limits::ACK_NOTICES_MAX;
use relay_proto::ids::DeviceKey;
use std::collections::BTreeMap;

/// The newest ack of a device, encoded once.
#[derive(Clone, Debug)]
pub(crate) struct AckNews {
    /// The session it came from, which is not told.
    pub(crate) session: u64,
    /// (log epoch, size), which only grow.
    pub(crate) position: (u64, u64),
    /// The AckNotice.
    pub(crate) frame: SharedFrame,
}

/// At most [`ACK_NOTICES_MAX`] acks, each with its number in the order in which they came.
#[derive(Default)]
pub(super) struct NewestAcks(BTreeMap<DeviceKey, (u64, AckNews)>);

impl NewestAcks {
    /// Whether it says more than what is kept of its device.
    pub(super) fn is_news(&self, device: DeviceKey, news: &AckNews) -> bool {
        self.0.get(&device).is_none_or(|(_, kept)| kept.position < news.position)
    }

    /// Keeps an ack in the place of the device's one before.
    pub(super) fn keep(&mut self, device: DeviceKey, number: u64, news: AckNews) {
        if !self.0.contains_key(&device) && self.0.len() >= ACK_NOTICES_MAX {
            // As many as a roster has are kept, so one of them left: the one not heard of for longest gives way.
            let oldest = self.0.iter().min_by_key(|(_, (number, _))| *number).map(|(device, _)| *device);
            oldest.and_then(|oldest| self.0.remove(&oldest));
        }
        self.0.insert(device, (number, news));
    }

    /// The notices numbered above `seen`, but for those that came from this session.
    pub(super) fn after(&self, seen: u64, session: u64) -> Vec<SharedFrame> {
        let news = self.0.values().filter(|(number, news)| *number > seen && news.session != session);
        news.map(|(_, news)| news.frame.clone()).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const SESSION: u64 = 2;

    fn device(n: u16) -> DeviceKey {
        let mut device = DeviceKey([0; 32]);
        device.0[..2].copy_from_slice(&n.to_be_bytes());
        device
    }

    fn news(n: u16, position: (u64, u64)) -> AckNews {
        let frame = SharedFrame { bytes: Bytes::copy_from_slice(&n.to_be_bytes()), header_bytes: 0 };
        AckNews { session: SESSION, position, frame }
    }

    #[test]
    fn more_devices_than_a_roster_has_push_out_the_one_that_was_silent_for_longest() {
        let mut acks = NewestAcks::default();
        let all = u16::try_from(ACK_NOTICES_MAX).unwrap() + 1;
        (0..all).for_each(|n| acks.keep(device(n), u64::from(n) + 1, news(n, (1, 1))));
        let frames = acks.after(0, SESSION + 1);
        assert_eq!(frames.len(), ACK_NOTICES_MAX);
        let kept = |n: u16| frames.iter().any(|frame| frame.bytes[..] == n.to_be_bytes());
        assert!(kept(all - 1) && !kept(0));
    }

    #[test]
    fn a_session_is_told_what_came_after_its_last_look_and_nothing_of_its_own() {
        let mut acks = NewestAcks::default();
        acks.keep(device(1), 1, news(1, (1, 1)));
        acks.keep(device(2), 2, news(2, (1, 1)));
        let told = |seen, session| acks.after(seen, session).len();
        assert_eq!((told(0, 7), told(1, 7), told(2, 7), told(0, SESSION)), (2, 1, 0, 0));
    }

    #[test]
    fn only_an_ack_of_a_later_position_is_news() {
        let mut acks = NewestAcks::default();
        assert!(acks.is_news(device(1), &news(1, (1, 5))));
        acks.keep(device(1), 1, news(1, (1, 5)));
        assert!(!acks.is_news(device(1), &news(1, (1, 5))));
        assert!(!acks.is_news(device(1), &news(1, (1, 4))));
        assert!(acks.is_news(device(1), &news(1, (2, 0))), "a later log epoch");
        assert!(acks.is_news(device(2), &news(2, (1, 0))), "another device");
    }
}
