//! Who reads what, as an operator may see it; the hub knows it.

use super::Relay;
use crate::hub::{OpenInSpace, SlowestReaders};
use relay_proto::ids::SpaceId;

impl Relay {
    /// The open subscriptions that are furthest behind; `size_of` says how long the log of a space is, where that costs nothing.
    #[must_use]
    pub fn slowest_readers(&self, count: usize, size_of: impl Fn(SpaceId) -> Option<u64>) -> SlowestReaders {
        self.shared.hub.slowest_readers(count, size_of)
    }

    /// What is open of a space whose log is `size` long.
    #[must_use]
    pub fn open_in(&self, space: SpaceId, size: Option<u64>) -> OpenInSpace {
        self.shared.hub.open_in(space, size)
    }
}
