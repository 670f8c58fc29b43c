//! Who reads the entries of which space, and how far behind: what an operator may see of open subscriptions.

use super::{Hub, SpaceChannel};
use relay_proto::ids::{DeviceKey, SpaceId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, PoisonError};

/// Most subscriptions looked at for one answer; with more the answer says that it is not whole.
pub(crate) const READERS_SCANNED_MAX: usize = 100_000;

/// One open subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReaderPosition {
    /// Entries of the space it was not sent yet.
    pub lag: u64,
    /// The seq up to which it was sent everything.
    pub cursor: u64,
    /// The space.
    pub space: SpaceId,
    /// The device.
    pub device: DeviceKey,
}

/// The open subscriptions that are furthest behind, the slowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlowestReaders {
    /// As many as were asked for.
    pub readers: Vec<ReaderPosition>,
    /// Subscriptions looked at.
    pub scanned: usize,
    /// Whether these were all there are.
    pub is_whole: bool,
}

/// What is open of one space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenInSpace {
    /// Open sessions, over any transport.
    pub sessions: usize,
    /// Those that subscribe over a WebSocket.
    pub readers: Vec<ReaderPosition>,
}

impl Hub {
    /// The slowest subscriptions; `size_of` says how long the log of a space is, where that is known at no cost.
    pub(crate) fn slowest_readers(&self, count: usize, size_of: impl Fn(SpaceId) -> Option<u64>) -> SlowestReaders {
        let mut slowest = BinaryHeap::new();
        let mut scanned: usize = 0;
        for shard in &self.shards {
            // Taken out first, so that no lock is held while spaces are looked at.
            let channels: Vec<(SpaceId, Arc<SpaceChannel>)> = {
                let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                shard.iter().map(|(space, channel)| (*space, Arc::clone(channel))).collect()
            };
            for (space, channel) in channels {
                if scanned >= READERS_SCANNED_MAX {
                    return SlowestReaders { readers: ordered(slowest), scanned, is_whole: false };
                }
                for reader in channel.readers(space, size_of(space)) {
                    scanned += 1;
                    slowest.push(Reverse(reader));
                    if slowest.len() > count {
                        slowest.pop();
                    }
                }
            }
        }
        SlowestReaders { readers: ordered(slowest), scanned, is_whole: true }
    }

    /// What is open of a space.
    pub(crate) fn open_in(&self, space: SpaceId, size: Option<u64>) -> OpenInSpace {
        let Some(channel) = self.find(space) else { return OpenInSpace::default() };
        OpenInSpace { sessions: channel.sessions(), readers: channel.readers(space, size) }
    }
}

/// The slowest first; those who miss nothing are left out.
fn ordered(slowest: BinaryHeap<Reverse<ReaderPosition>>) -> Vec<ReaderPosition> {
    let readers = slowest.into_sorted_vec().into_iter().map(|Reverse(reader)| reader);
    readers.filter(|reader| reader.lag > 0).collect()
}
