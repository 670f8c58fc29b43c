//! State records: everything of one space that older records said, so that they are not needed any more.

use bytes::{Bytes, BytesMut};
use relay_core::ledger::{DeviceRecord, LedgerState};
use relay_proto::ids::{DeviceKey, EntryId, SpaceId};
use relay_proto::limits::{CHAIN_STATEMENTS_MAX, KEYRING_BYTES_MAX};
use relay_proto::merkle::Genesis;
use relay_proto::wire::{Reader, Writer};
use std::collections::BTreeMap;

/// Most age marks of a space; above it every second one goes.
pub const AGES_MAX: usize = 64;
const LIST_MAX: usize = u16::MAX as usize;
const LOG_RESET_BYTES_MAX: usize = 1024;

/// One space at one moment. A later one of the same space says at least as much in every part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRecord {
    /// The ledger.
    pub ledger: LedgerState,
    /// The highest push_seq of a device whose row is gone, ascending by device.
    pub forgotten: Vec<(DeviceKey, u64)>,
    /// Log resets by the epoch they began, encoded, oldest first.
    pub resets: Vec<(u64, Bytes)>,
    /// (seq, commit time) marks, ascending.
    pub ages: Vec<(u64, u64)>,
}

impl StateRecord {
    /// The space.
    #[must_use]
    pub const fn space(&self) -> SpaceId {
        self.ledger.genesis.space
    }

    /// Puts what it has of the buffer it was read from into memory of its own, in one piece: the buffer is let go.
    pub fn take_out(&mut self) {
        let LedgerState { chain, keyring, .. } = &mut self.ledger;
        let held = || chain.iter().chain([&*keyring]).chain(self.resets.iter().map(|(_, reset)| reset));
        let mut own = BytesMut::with_capacity(held().map(Bytes::len).sum());
        held().for_each(|bytes| own.extend_from_slice(bytes));
        let mut own = own.freeze();
        for bytes in chain.iter_mut().chain([keyring]).chain(self.resets.iter_mut().map(|(_, reset)| reset)) {
            *bytes = own.split_to(bytes.len());
        }
    }

    /// Notes rows that go: the highest push_seq of each device.
    pub fn forget(&mut self, gone: &BTreeMap<DeviceKey, u64>) {
        let mut all: BTreeMap<DeviceKey, u64> = self.forgotten.iter().copied().collect();
        for (device, push_seq) in gone {
            let high = all.entry(*device).or_default();
            *high = (*push_seq).max(*high);
        }
        let is_known = |device: &DeviceKey| self.ledger.devices.iter().any(|(known, _)| known == device);
        self.forgotten = all.into_iter().filter(|(device, _)| is_known(device)).collect();
    }

    /// Appends the body.
    pub fn write(&self, w: &mut Writer) {
        let LedgerState { genesis, size, floor, range, devices, chain, keyring } = &self.ledger;
        w.raw(genesis.space).raw(genesis.log_id).u64(genesis.log_epoch).u64(genesis.base_size).raw(genesis.base_head);
        w.u64(*size).u64(*floor).count_u8(range.len()).raw_each(range);
        w.count_u16(devices.len());
        for (device, record) in devices {
            w.raw(*device).u64(record.push_seq_high).u64(record.log_epoch);
            w.u8(u8::from(record.last_entry.is_some())).raw(record.last_entry.unwrap_or(EntryId::ZERO));
        }
        w.count_u16(self.forgotten.len());
        for (device, push_seq) in &self.forgotten {
            w.raw(*device).u64(*push_seq);
        }
        w.count_u16(self.resets.len());
        for (epoch, reset) in &self.resets {
            w.u64(*epoch).bytes_u32(reset);
        }
        w.count_u16(self.ages.len());
        for (seq, time_ms) in &self.ages {
            w.u64(*seq).u64(*time_ms);
        }
        w.count_u16(chain.len());
        for statement in chain {
            w.bytes_u32(statement);
        }
        w.bytes_u32(keyring);
    }

    /// Reads a body; `None` when it breaks the grammar.
    #[must_use]
    pub fn read(r: &mut Reader<'_>) -> Option<Self> {
        let (space, log_id, log_epoch) = (r.id().ok()?, r.id().ok()?, r.bits().ok()?);
        let genesis = Genesis { space, log_id, log_epoch, base_size: r.bits().ok()?, base_head: r.id().ok()? };
        let (size, floor) = (r.bits().ok()?, r.bits().ok()?);
        let hashes = usize::from(r.u8().ok()?);
        let range = r.list(hashes, hashes, 32, Reader::id).ok()?;
        let count = usize::from(r.u16().ok()?);
        let devices = r
            .list(count, LIST_MAX, 81, |r| {
                let device = r.id()?;
                let (push_seq_high, log_epoch) = (r.bits()?, r.bits()?);
                let (known, id) = (r.u8()?, r.id()?);
                let last_entry = (known != 0).then_some(id);
                Ok((device, DeviceRecord { push_seq_high, log_epoch, last_entry }))
            })
            .ok()?;
        let count = usize::from(r.u16().ok()?);
        let forgotten = r.list(count, LIST_MAX, 40, |r| Ok((r.id()?, r.bits()?))).ok()?;
        let count = usize::from(r.u16().ok()?);
        let resets = r.list(count, LIST_MAX, 12, |r| Ok((r.bits()?, r.bytes_u32(LOG_RESET_BYTES_MAX)?))).ok()?;
        let count = usize::from(r.u16().ok()?);
        let ages = r.list(count, LIST_MAX, 16, |r| Ok((r.bits()?, r.bits()?))).ok()?;
        let count = usize::from(r.u16().ok()?);
        let chain = r.list(count, CHAIN_STATEMENTS_MAX, 4, |r| r.bytes_u32(usize::MAX)).ok()?;
        let keyring = r.bytes_u32(KEYRING_BYTES_MAX).ok()?;
        let ledger = LedgerState { genesis, size, floor, range, devices, chain, keyring };
        Some(Self { ledger, forgotten, resets, ages })
    }
}
