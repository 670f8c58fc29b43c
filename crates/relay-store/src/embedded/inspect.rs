//! What an operator may look at: spaces, their devices, and one stored record as it lies on the disk. Nothing that is looked
//! at is brought into memory or kept there longer for it, and every look has a limit. The calls block: not for the threads
//! that move data.

use super::EmbeddedStore;
use crate::cold::Found;
use crate::index::SpaceIndex;
use crate::segment::record::ENTRY_FIELD_BYTES;
use crate::space::{Space, SpaceState};
use relay_core::store::{SignedAck, StoreError};
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::roster::Rights;
use std::collections::BTreeMap;

/// Most spaces of one page; each that is not in memory costs a read.
pub const OVERVIEWS_MAX: usize = 100;
/// Rows read for the sizes of one page of spaces; a space that has more left has no known size.
const PAGE_ROWS_MAX: u64 = 65_536;
/// The same for one space.
const SPACE_ROWS_MAX: u64 = 524_288;
/// Rows read at once.
const ROWS_STEP: u64 = 4096;

/// A page of spaces.
#[derive(Clone, Debug)]
pub struct OverviewPage {
    /// Ascending by id; those that were erased meanwhile are left out.
    pub spaces: Vec<SpaceOverview>,
    /// The next page is behind this one; `None`: there is none.
    pub next: Option<SpaceId>,
}

/// One space of a list.
#[derive(Clone, Debug)]
pub struct SpaceOverview {
    /// Its id.
    pub space: SpaceId,
    /// Whether it is in memory.
    pub is_resident: bool,
    /// `None` when what the disk has of it could not be read.
    pub facts: Option<OverviewFacts>,
}

/// What is known of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverviewFacts {
    /// seq of the newest entry (0: none).
    pub size: u64,
    /// Lowest seq still held.
    pub floor: u64,
    /// Merkle root at `size`; `None` while a commit is under way.
    pub head: Option<Hash>,
    /// Sealed bytes held; `None` when there are too many entries to add them up.
    pub sealed_bytes: Option<u64>,
    /// Devices of the newest roster.
    pub devices: usize,
    /// Newest commit or contact, Unix ms: the former to the hour.
    pub last_use_ms: Option<u64>,
}

/// One space, looked at by itself.
#[derive(Clone, Debug)]
pub struct SpaceInspection {
    /// As in a list.
    pub overview: SpaceOverview,
    /// Version of the newest roster statement.
    pub roster_version: u64,
    /// Generation of the content keys.
    pub key_epoch: u32,
    /// Whether entries go as soon as every live device acked them.
    pub queue_mode: bool,
    /// Devices that left.
    pub former_devices: usize,
    /// Devices of the newest roster, ascending by key.
    pub devices: Vec<DeviceInspection>,
}

/// A device of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceInspection {
    /// Its key.
    pub device: DeviceKey,
    /// What it may do.
    pub rights: Rights,
    /// Until when, Unix ms; 0: for good.
    pub not_after_ms: u64,
    /// It said that it holds everything up to this seq; `None`: it never said so in this log.
    pub acked: Option<u64>,
    /// Entries pushed so far.
    pub push_seq: u64,
    /// Last contact, Unix ms.
    pub contact_ms: Option<u64>,
}

/// Acks and contacts of a space, as far as they are known.
type Heard = (Vec<SignedAck>, Vec<(DeviceKey, u64)>);

impl EmbeddedStore {
    /// Up to `count` (at most [`OVERVIEWS_MAX`]) spaces with ids above `after`, ascending.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub fn overviews(&self, after: Option<SpaceId>, count: usize) -> Result<OverviewPage, StoreError> {
        self.shared.readable()?;
        let mut rows_left = PAGE_ROWS_MAX;
        let count = count.clamp(1, OVERVIEWS_MAX);
        let ids = self.shared.spaces.page(after, count);
        let look = |space: &SpaceId| match self.borrow(*space) {
            Ok(known) => known.map(|known| self.overview(&known, &mut rows_left)),
            // Its damage was counted and is reported by the log; the list goes on.
            Err(_) => Some(SpaceOverview { space: *space, is_resident: false, facts: None }),
        };
        let spaces = ids.iter().filter_map(look).collect();
        Ok(OverviewPage { spaces, next: ids.last().copied().filter(|_| ids.len() == count) })
    }

    /// One space with its devices.
    ///
    /// # Errors
    /// [`StoreError::UnknownSpace`], [`StoreError::Damaged`] or [`StoreError::Closed`].
    pub fn inspect(&self, space: SpaceId) -> Result<SpaceInspection, StoreError> {
        self.shared.readable()?;
        let known = self.borrow(space)?.ok_or(StoreError::UnknownSpace)?;
        let mut rows_left = SPACE_ROWS_MAX;
        let overview = self.overview(&known, &mut rows_left);
        let (acks, contacts) = self.heard(&known);
        let state = known.peek();
        let epoch = state.ledger.genesis().log_epoch;
        let acked: BTreeMap<DeviceKey, u64> =
            acks.iter().filter(|ack| ack.log_epoch == epoch).map(|ack| (ack.device, ack.size)).collect();
        let contacts: BTreeMap<DeviceKey, u64> = contacts.into_iter().collect();
        let roster = state.shown.roster.newest();
        let devices = roster.devices.iter().map(|device| DeviceInspection {
            device: device.key,
            rights: device.rights,
            not_after_ms: device.not_after_ms,
            acked: acked.get(&device.key).copied(),
            push_seq: state.shown.marks.get(&device.key).map_or(0, |mark| mark.push_seq_high),
            contact_ms: contacts.get(&device.key).copied(),
        });
        Ok(SpaceInspection {
            overview,
            roster_version: roster.version,
            key_epoch: roster.key_epoch,
            queue_mode: roster.queue_mode,
            former_devices: roster.former.len(),
            devices: devices.collect(),
        })
    }

    /// Length of a log whose space is in memory.
    #[must_use]
    pub fn resident_size(&self, space: SpaceId) -> Option<u64> {
        match self.shared.spaces.find(space) {
            Found::Resident(known) if !known.is_gone() => Some(known.peek().shown.size),
            _ => None,
        }
    }

    /// A copy of a space that is not in memory; one that is being erased is not known.
    pub(super) fn borrow(&self, space: SpaceId) -> Result<Option<std::sync::Arc<Space>>, StoreError> {
        let known = self.shared.spaces.borrow(space).map_err(|unreadable| self.shared.damaged(unreadable))?;
        Ok(known.filter(|known| !known.is_gone()))
    }

    fn overview(&self, known: &Space, rows_left: &mut u64) -> SpaceOverview {
        let is_resident = matches!(self.shared.spaces.find(known.id), Found::Resident(_));
        let sealed_bytes = held_bytes(known, rows_left);
        let (_, contacts) = self.heard(known);
        let state = known.peek();
        let newest_commit = state.ages.last().map(|(_, time_ms)| *time_ms);
        let facts = OverviewFacts {
            size: state.shown.size,
            floor: state.shown.floor,
            head: shown_head(&state),
            sealed_bytes,
            devices: state.shown.roster.newest().devices.len(),
            last_use_ms: contacts.iter().map(|(_, contact_ms)| *contact_ms).chain(newest_commit).max(),
        };
        SpaceOverview { space: known.id, is_resident, facts: Some(facts) }
    }

    /// What the space has in memory, or else the metadata; the space is left as it is.
    fn heard(&self, known: &Space) -> Heard {
        let state = known.peek();
        if state.is_heard {
            let contacts = state.contacts.iter().map(|(device, contact_ms)| (*device, *contact_ms));
            return (state.acks.values().cloned().collect(), contacts.collect());
        }
        drop(state);
        let (mut acks, mut contacts) = self.shared.meta.of_space(known.id);
        // Of a device what is written comes first and what waits to be written last: the newest wins.
        acks.sort_by_key(|ack| (ack.log_epoch, ack.size));
        contacts.sort_by_key(|(_, contact_ms)| *contact_ms);
        (acks, contacts)
    }
}

/// The head of what is shown; the ledger may be one commit ahead of it.
fn shown_head(state: &SpaceState) -> Option<Hash> {
    (state.ledger.size() == state.shown.size).then(|| state.ledger.head())
}

/// Adds up the sealed bytes of the entries held, a few rows at a time, without the space's lock.
fn held_bytes(known: &Space, rows_left: &mut u64) -> Option<u64> {
    let (floor, size) = {
        let state = known.peek();
        (state.shown.floor, state.shown.size)
    };
    let held = (size + 1).saturating_sub(floor);
    if held > *rows_left {
        return None;
    }
    *rows_left -= held;
    let mut bytes = 0;
    let mut next = floor;
    while next <= size {
        let plan = SpaceIndex::plan(&known.peek().index, next, ROWS_STEP.min(size + 1 - next));
        let places = plan.read().ok().filter(|places| !places.is_empty())?;
        for place in &places {
            bytes += u64::from(place.row.body_len).saturating_sub(u64::try_from(ENTRY_FIELD_BYTES).unwrap_or(0));
        }
        // What went meanwhile leaves a gap; the sum is of another moment then, and not known.
        let last = places.last().map_or(0, |place| place.row.fields.seq);
        if last < next {
            return None;
        }
        next = last + 1;
    }
    Some(bytes)
}
