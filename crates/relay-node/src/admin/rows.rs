//! Spaces, devices and slow readers as JavaScript gets them: pseudonyms instead of ids, `null` for what is not known.

use crate::native::Native;
use crate::stats::number;
use napi_derive::napi;
use relay_proto::roster::Rights;
use relay_store::embedded::inspect::{DeviceInspection, SpaceInspection, SpaceOverview};

/// A page of spaces.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelaySpacePage {
    /// In an order of their own, which stays.
    pub spaces: Vec<RelaySpaceRow>,
    /// Where the next page starts; null for none.
    pub next: Option<String>,
}

/// One space of a list.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelaySpaceRow {
    /// Its pseudonym.
    pub pseudonym: String,
    /// Whether it is in memory.
    pub resident: bool,
    /// Entries held; null when what the disk has of the space could not be read, as for every null below.
    pub entries: Option<i64>,
    /// Sealed bytes held; null when there are too many entries to add them up.
    pub sealed_bytes: Option<i64>,
    /// seq of the newest entry (0: none).
    pub size: Option<i64>,
    /// Lowest seq still held.
    pub floor: Option<i64>,
    /// Merkle root of the log, hex; null while a commit is under way.
    pub head: Option<String>,
    /// Devices of the newest roster.
    pub devices: Option<i64>,
    /// Open sessions.
    pub connections: i64,
    /// Newest commit (to the hour) or contact, Unix ms.
    pub last_use_ms: Option<i64>,
}

/// One space with its devices.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelaySpaceDetail {
    /// As in a list.
    pub space: RelaySpaceRow,
    /// Version of the newest roster statement.
    pub roster_version: i64,
    /// Generation of the content keys.
    pub key_epoch: i64,
    /// Whether entries go as soon as every live device acked them.
    pub queue_mode: bool,
    /// Devices that left.
    pub former_devices: i64,
    /// Devices of the newest roster.
    pub devices: Vec<RelayDeviceRow>,
}

/// A device of a space.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelayDeviceRow {
    /// Its pseudonym.
    pub pseudonym: String,
    /// `read`, `write` or `admin`.
    pub rights: String,
    /// Until when, Unix ms; null: for good.
    pub not_after_ms: Option<i64>,
    /// It said that it holds everything up to this seq; null: it never said so.
    pub acked: Option<i64>,
    /// Entries of the space it did not say it holds.
    pub lag: i64,
    /// Entries it pushed.
    pub pushed: i64,
    /// Last contact, Unix ms.
    pub contact_ms: Option<i64>,
    /// Open subscriptions over a WebSocket.
    pub subscriptions: i64,
}

/// The open subscriptions that are furthest behind.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelaySlowReaders {
    /// The slowest first; those that miss nothing are left out.
    pub readers: Vec<RelaySlowReader>,
    /// Subscriptions that were looked at.
    pub scanned: i64,
    /// Whether these were all there are.
    pub whole: bool,
}

/// One open subscription.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelaySlowReader {
    /// Pseudonym of the space.
    pub space: String,
    /// Pseudonym of the device.
    pub device: String,
    /// It was sent everything up to this seq.
    pub cursor: i64,
    /// Entries it was not sent yet.
    pub lag: i64,
}

fn count(n: usize) -> i64 {
    number(u64::try_from(n).unwrap_or(u64::MAX))
}

pub(super) fn space_row(native: &Native, overview: &SpaceOverview) -> RelaySpaceRow {
    let facts = overview.facts;
    let open = native.relay().open_in(overview.space, None);
    RelaySpaceRow {
        pseudonym: native.pseudonyms().of_space(overview.space),
        resident: overview.is_resident,
        entries: facts.map(|facts| number((facts.size + 1).saturating_sub(facts.floor))),
        sealed_bytes: facts.and_then(|facts| facts.sealed_bytes).map(number),
        size: facts.map(|facts| number(facts.size)),
        floor: facts.map(|facts| number(facts.floor)),
        head: facts.and_then(|facts| facts.head).map(|head| hex::encode(head.0)),
        devices: facts.map(|facts| count(facts.devices)),
        connections: count(open.sessions),
        last_use_ms: facts.and_then(|facts| facts.last_use_ms).map(number),
    }
}

pub(super) fn space_detail(native: &Native, inspection: &SpaceInspection) -> RelaySpaceDetail {
    let size = inspection.overview.facts.map_or(0, |facts| facts.size);
    let open = native.relay().open_in(inspection.overview.space, Some(size));
    let device = |device: &DeviceInspection| RelayDeviceRow {
        pseudonym: native.pseudonyms().of(&device.device.0),
        rights: rights(device.rights).to_owned(),
        not_after_ms: Some(device.not_after_ms).filter(|time_ms| *time_ms != 0).map(number),
        acked: device.acked.map(number),
        lag: number(size.saturating_sub(device.acked.unwrap_or(0))),
        pushed: number(device.push_seq),
        contact_ms: device.contact_ms.map(number),
        subscriptions: count(open.readers.iter().filter(|reader| reader.device == device.device).count()),
    };
    RelaySpaceDetail {
        space: space_row(native, &inspection.overview),
        roster_version: number(inspection.roster_version),
        key_epoch: i64::from(inspection.key_epoch),
        queue_mode: inspection.queue_mode,
        former_devices: count(inspection.former_devices),
        devices: inspection.devices.iter().map(device).collect(),
    }
}

fn rights(rights: Rights) -> &'static str {
    match rights {
        Rights::Read => "read",
        Rights::Write => "write",
        Rights::Admin => "admin",
    }
}
