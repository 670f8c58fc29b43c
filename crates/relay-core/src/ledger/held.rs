//! How a ledger looks up what a store holds.

use relay_proto::ids::{DeviceKey, EntryId};

/// What a store knows about one push_seq of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Its place in the log and its id; the sealed bytes themselves may be forgotten.
    At {
        /// Its place.
        seq: u64,
        /// H(sealed).
        id: EntryId,
    },
    /// It was held once; neither the entry nor its id is known any more.
    Forgotten,
    /// It was never held.
    Unknown,
}

/// The lookup a store offers to [`super::SpaceLedger::decide_push`], for one space. It must see every push that was applied to
/// the ledger, those of the commit group that is being built included.
pub trait HeldEntries {
    /// What is known about a device's push_seq.
    fn find(&self, device: DeviceKey, push_seq: u64) -> Held;
}
