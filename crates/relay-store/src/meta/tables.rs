//! The tables of meta.redb and their values.

use super::MetaError;
use crate::segment::header::StoreId;
use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use relay_core::store::SignedAck;
use relay_proto::ids::{DeviceKey, SnapshotId, SpaceId};
use relay_proto::wire::{Reader, Writer};

const STORE: TableDefinition<&str, &[u8]> = TableDefinition::new("store");
const ACKS: TableDefinition<&[u8; 64], &[u8]> = TableDefinition::new("acks");
const SEEN: TableDefinition<&[u8; 64], u64> = TableDefinition::new("seen");
const SNAPSHOTS: TableDefinition<&[u8; 64], &[u8]> = TableDefinition::new("snapshots");
const STORE_ID: &str = "store_id";
const DURABLE_GROUP: &str = "durable_group";
const TIME_LEASE: &str = "time_lease";
/// Most devices remembered as having opened a snapshot: as many as a roster has.
const OPENED_BY_MAX: usize = relay_proto::limits::ROSTER_DEVICES_MAX;

/// What is known of a complete snapshot besides its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenedSnapshot {
    /// When it became durable, Unix ms.
    pub(crate) stored_at_ms: u64,
    /// Devices that said they opened it.
    pub(crate) opened_by: Vec<DeviceKey>,
}

/// Everything the file held.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) store_id: Option<StoreId>,
    pub(crate) durable_group: u64,
    pub(crate) time_lease_ms: u64,
    pub(crate) snapshots: Vec<(SpaceId, SnapshotId, OpenedSnapshot)>,
}

/// A transaction under way.
pub(super) struct Tables<'a>(&'a WriteTransaction);

/// Runs one durable transaction.
pub(super) fn write(db: &Database, change: impl FnOnce(&Tables<'_>) -> Result<(), MetaError>) -> Result<(), MetaError> {
    let transaction = db.begin_write()?;
    change(&Tables(&transaction))?;
    transaction.commit()?;
    Ok(())
}

impl Tables<'_> {
    fn store(&self) -> Result<Table<'_, &'static str, &'static [u8]>, MetaError> {
        Ok(self.0.open_table(STORE)?)
    }

    pub(super) fn store_id(&self, store_id: StoreId) -> Result<(), MetaError> {
        self.store()?.insert(STORE_ID, store_id.0.as_slice())?;
        Ok(())
    }

    pub(super) fn durable_group(&self, group: u64) -> Result<(), MetaError> {
        self.store()?.insert(DURABLE_GROUP, group.to_be_bytes().as_slice())?;
        Ok(())
    }

    pub(super) fn time_lease(&self, lease_ms: u64) -> Result<(), MetaError> {
        self.store()?.insert(TIME_LEASE, lease_ms.to_be_bytes().as_slice())?;
        Ok(())
    }

    pub(super) fn ack(&self, space: &SpaceId, ack: &SignedAck) -> Result<(), MetaError> {
        let mut w = Writer::new();
        w.u64(ack.log_epoch).u64(ack.size).raw(ack.head).raw(ack.signature);
        self.0.open_table(ACKS)?.insert(&key(&space.0, &ack.device.0), w.as_slice())?;
        Ok(())
    }

    pub(super) fn seen(&self, space: &SpaceId, device: &DeviceKey, now_ms: u64) -> Result<(), MetaError> {
        self.0.open_table(SEEN)?.insert(&key(&space.0, &device.0), now_ms)?;
        Ok(())
    }

    pub(super) fn snapshot(
        &self,
        space: &SpaceId,
        snapshot: &SnapshotId,
        known: Option<&OpenedSnapshot>,
    ) -> Result<(), MetaError> {
        let mut table = self.0.open_table(SNAPSHOTS)?;
        let key = key(&space.0, &snapshot.0);
        let Some(known) = known else {
            table.remove(&key)?;
            return Ok(());
        };
        let mut w = Writer::new();
        let opened_by = known.opened_by.iter().take(OPENED_BY_MAX);
        w.u64(known.stored_at_ms).count_u16(known.opened_by.len().min(OPENED_BY_MAX)).raw_each(opened_by);
        table.insert(&key, w.as_slice())?;
        Ok(())
    }
}

impl Tables<'_> {
    /// Removes every row of a space.
    pub(super) fn forget(&self, space: &SpaceId) -> Result<(), MetaError> {
        let (first, last) = (key(&space.0, &[0; 32]), key(&space.0, &[0xff; 32]));
        self.0.open_table(ACKS)?.retain_in::<&[u8; 64], _>(&first..=&last, |_, _| false)?;
        self.0.open_table(SEEN)?.retain_in::<&[u8; 64], _>(&first..=&last, |_, _| false)?;
        self.0.open_table(SNAPSHOTS)?.retain_in::<&[u8; 64], _>(&first..=&last, |_, _| false)?;
        Ok(())
    }
}

fn key(space: &[u8; 32], other: &[u8; 32]) -> [u8; 64] {
    let mut key = [0; 64];
    let (first, second) = key.split_at_mut(32);
    first.copy_from_slice(space);
    second.copy_from_slice(other);
    key
}

fn split_key<A: From<[u8; 32]>, B: From<[u8; 32]>>(key: &[u8; 64]) -> Option<(A, B)> {
    let (first, second) = key.split_first_chunk::<32>()?;
    Some((A::from(*first), B::from(*second.first_chunk::<32>()?)))
}

/// Reads everything. A value that cannot be read counts as lost: each is conservative when it is.
pub(super) fn load(db: &Database) -> Result<Loaded, MetaError> {
    write(db, |tables| {
        tables.store()?;
        tables.0.open_table(ACKS)?;
        tables.0.open_table(SEEN)?;
        tables.0.open_table(SNAPSHOTS)?;
        Ok(())
    })?;
    let transaction = db.begin_read()?;
    let store = transaction.open_table(STORE)?;
    let mut loaded = Loaded::default();
    let text =
        |name: &str| -> Result<Option<Vec<u8>>, MetaError> { Ok(store.get(name)?.map(|value| value.value().to_vec())) };
    let number = |name: &str| -> Result<u64, MetaError> {
        Ok(text(name)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
    };
    loaded.store_id = text(STORE_ID)?.and_then(|bytes| bytes.try_into().ok()).map(StoreId);
    loaded.durable_group = number(DURABLE_GROUP)?;
    loaded.time_lease_ms = number(TIME_LEASE)?;
    for row in transaction.open_table(SNAPSHOTS)?.iter()? {
        let (key, value) = row?;
        loaded.snapshots.extend(read_snapshot(key.value(), value.value()));
    }
    Ok(loaded)
}

/// Acks and last contacts of one space.
pub(super) type OfSpace = (Vec<SignedAck>, Vec<(DeviceKey, u64)>);

/// Reads what is known of the devices of a space. A value that cannot be read counts as lost.
pub(super) fn of_space(db: &Database, space: SpaceId) -> Result<OfSpace, MetaError> {
    let transaction = db.begin_read()?;
    let (first, last) = (key(&space.0, &[0; 32]), key(&space.0, &[0xff; 32]));
    let (mut acks, mut contacts) = OfSpace::default();
    for row in transaction.open_table(ACKS)?.range::<&[u8; 64]>(&first..=&last)? {
        let (key, value) = row?;
        acks.extend(read_ack(key.value(), value.value()));
    }
    for row in transaction.open_table(SEEN)?.range::<&[u8; 64]>(&first..=&last)? {
        let (key, value) = row?;
        contacts.extend(split_key::<SpaceId, DeviceKey>(key.value()).map(|(_, device)| (device, value.value())));
    }
    Ok((acks, contacts))
}

fn read_ack(key: &[u8; 64], value: &[u8]) -> Option<SignedAck> {
    let (_, device) = split_key::<SpaceId, DeviceKey>(key)?;
    let mut r = Reader::borrowed(value);
    let ack = SignedAck {
        device,
        log_epoch: r.u64().ok()?,
        size: r.u64().ok()?,
        head: r.id().ok()?,
        signature: r.array().ok()?,
    };
    Some(ack)
}

fn read_snapshot(key: &[u8; 64], value: &[u8]) -> Option<(SpaceId, SnapshotId, OpenedSnapshot)> {
    let (space, snapshot) = split_key(key)?;
    let value = Bytes::copy_from_slice(value);
    let mut r = Reader::new(&value);
    let stored_at_ms = r.u64().ok()?;
    let count = usize::from(r.u16().ok()?);
    let opened_by = r.list(count, OPENED_BY_MAX, 32, Reader::id).ok()?;
    Some((space, snapshot, OpenedSnapshot { stored_at_ms, opened_by }))
}
