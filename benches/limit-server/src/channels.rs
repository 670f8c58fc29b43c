//! Channels: each has its own tail, its subscribers, and the publishers that wait until the tail has room.

use crate::connection::Role;
use crate::tail::Tail;
use std::collections::HashMap;

const PUBLISH_SUFFIX: &str = "?pub";

/// One channel.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    pub(crate) tail: Tail,
    pub(crate) subscribers: Vec<usize>,
    /// Publishers that were not read on because the tail is full.
    pub(crate) stopped: Vec<usize>,
    dirty: bool,
}

/// All channels; they stay until the end.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    all: Vec<Channel>,
    by_name: HashMap<String, usize>,
    /// Channels that grew, or whose publishers wait.
    dirty: Vec<usize>,
    /// Whether any channel grew since the last round.
    grown: bool,
}

impl Channels {
    /// The role of a connection that asked for a channel: a name, and `?pub` behind it to publish.
    pub(crate) fn join(&mut self, name: &str, key: usize) -> Role {
        let (name, publishes) = name.strip_suffix(PUBLISH_SUFFIX).map_or((name, false), |name| (name, true));
        let index = *self.by_name.entry(name.to_owned()).or_insert_with(|| {
            self.all.push(Channel::default());
            self.all.len().saturating_sub(1)
        });
        match self.all.get_mut(index) {
            Some(channel) if !publishes => {
                channel.subscribers.push(key);
                Role::Subscriber(index, channel.tail.head())
            }
            _ => Role::Publisher(index),
        }
    }

    /// A connection is gone.
    pub(crate) fn leave(&mut self, role: Role, key: usize) {
        let (Role::Publisher(index) | Role::Subscriber(index, _)) = role else {
            return;
        };
        if let Some(channel) = self.all.get_mut(index) {
            channel.subscribers.retain(|other| *other != key);
            channel.stopped.retain(|other| *other != key);
        }
    }

    /// The tail a connection reads.
    pub(crate) fn tail_of(&self, role: Role) -> Option<&Tail> {
        match role {
            Role::Subscriber(index, _) => self.all.get(index).map(|channel| &channel.tail),
            _ => None,
        }
    }

    /// Where a publisher's next frame is to be encoded; `None`: the tail is full, and the publisher waits.
    pub(crate) fn end_of(&mut self, index: usize, publisher: usize, frame_bytes: usize) -> Option<&mut Vec<u8>> {
        let channel = self.all.get_mut(index)?;
        if !channel.dirty {
            channel.dirty = true;
            self.dirty.push(index);
        }
        if channel.tail.has_room(frame_bytes) {
            self.grown = true;
            return Some(channel.tail.end());
        }
        channel.stopped.push(publisher);
        None
    }

    /// Whether a publisher waits for room.
    pub(crate) fn is_stopped(&self, key: usize) -> bool {
        self.dirty.iter().filter_map(|index| self.all.get(*index)).any(|channel| channel.stopped.contains(&key))
    }

    /// Whether any channel grew since this was last asked. One that is only full waits for its subscribers' sockets.
    pub(crate) fn take_grown(&mut self) -> bool {
        std::mem::take(&mut self.grown)
    }

    /// The channels to flush in this round; what grows from here on belongs to the next.
    pub(crate) fn take_dirty(&mut self) -> Vec<usize> {
        let taken = std::mem::take(&mut self.dirty);
        for index in &taken {
            if let Some(channel) = self.all.get_mut(*index) {
                channel.dirty = false;
            }
        }
        taken
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Channel> {
        self.all.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::TAIL_BYTES_MAX;

    #[test]
    fn a_full_channel_stops_its_publisher_and_no_other() {
        let mut channels = Channels::default();
        let (first, second) = (channels.join("/a?pub", 1), channels.join("/b?pub", 2));
        assert_eq!(channels.join("/a", 3), Role::Subscriber(0, 0));
        assert_eq!((first, second), (Role::Publisher(0), Role::Publisher(1)));
        channels.end_of(0, 1, 1).unwrap().resize(TAIL_BYTES_MAX, 7);
        assert!(channels.take_grown());
        assert!(channels.end_of(0, 1, 1).is_none());
        assert!(channels.is_stopped(1) && !channels.is_stopped(2) && !channels.take_grown());
        assert!(channels.end_of(1, 2, 1).is_some());
        assert_eq!(channels.take_dirty(), [0, 1]);
        channels.leave(first, 1);
        assert!(!channels.is_stopped(1));
    }
}
