//! What the admin API asks of the core: spaces, devices, slow readers and one stored record, all by pseudonym and all bounded.

pub(crate) mod foreign;
pub(crate) mod rows;
pub(crate) mod sample;
pub(crate) mod task;

use crate::erasure;
use crate::failure::Failure;
use crate::native::Native;
use crate::stats::number;
use relay_core::store::StoreError;
use relay_proto::SpaceId;
use relay_store::embedded::inspect::OVERVIEWS_MAX;
use rows::{RelaySlowReader, RelaySlowReaders, RelaySpaceDetail, RelaySpacePage};
use sample::RelaySample;

/// Most slow readers of one answer.
const SLOW_READERS_MAX: usize = 100;

/// A page of spaces behind the one with the pseudonym `after`.
pub(crate) fn spaces(native: &Native, after: Option<&str>, count: u32) -> Result<RelaySpacePage, Failure> {
    let after = after.map(|pseudonym| native.find_space(pseudonym)).transpose()?;
    let count = usize::try_from(count).unwrap_or(OVERVIEWS_MAX);
    let page = native.store().overviews(after, count).map_err(|error| failure(&error))?;
    let next = page.next.map(|last| native.pseudonyms().of_space(last));
    let spaces = page.spaces.iter().map(|overview| rows::space_row(native, overview)).collect();
    Ok(RelaySpacePage { spaces, next })
}

/// One space with its devices.
pub(crate) fn space(native: &Native, pseudonym: &str) -> Result<RelaySpaceDetail, Failure> {
    let space = native.find_space(pseudonym)?;
    let inspection = native.store().inspect(space).map_err(|error| failure(&error))?;
    Ok(rows::space_detail(native, &inspection))
}

/// The open subscriptions that are furthest behind.
pub(crate) fn slow_readers(native: &Native, count: u32) -> RelaySlowReaders {
    let count = usize::try_from(count).unwrap_or(SLOW_READERS_MAX).clamp(1, SLOW_READERS_MAX);
    let slowest = native.relay().slowest_readers(count, |space| native.store().resident_size(space));
    let row = |reader: &relay_core::relay::ReaderPosition| RelaySlowReader {
        space: native.pseudonyms().of_space(reader.space),
        device: native.pseudonyms().of(&reader.device.0),
        cursor: number(reader.cursor),
        lag: number(reader.lag),
    };
    RelaySlowReaders {
        readers: slowest.readers.iter().map(row).collect(),
        scanned: number(u64::try_from(slowest.scanned).unwrap_or(u64::MAX)),
        whole: slowest.is_whole,
    }
}

/// The newest stored record of a space, or of the one written to last; `None` when there is none.
pub(crate) fn sample(native: &Native, pseudonym: Option<&str>) -> Result<Option<RelaySample>, Failure> {
    let space = pseudonym.map(|pseudonym| native.find_space(pseudonym)).transpose()?;
    let record = native.store().sample(space).map_err(|error| failure(&error))?;
    Ok(record.map(|record| sample::of_record(native, &record)))
}

/// Erases a space; returns once nothing of it is left to overwrite, or says that it goes on.
pub(crate) fn erase(native: &Native, pseudonym: &str) -> Result<(), Failure> {
    let space: SpaceId = native.find_space(pseudonym)?;
    erasure::wait(&native.erase_space(space))
}

fn failure(error: &StoreError) -> Failure {
    let code = match error {
        StoreError::UnknownSpace => "space_unknown",
        StoreError::Closed => "stopped",
        StoreError::Damaged { .. } => "store_damaged",
        _ => "store_failed",
    };
    Failure::new(code, error.to_string())
}
