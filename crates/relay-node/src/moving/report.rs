//! What a file holds, for JavaScript. No id of a space or a device is in it.

use crate::stats::number;
use base64ct::{Base64UrlUnpadded, Encoding};
use napi_derive::napi;
use relay_core::moving::Report;
use relay_store::moving::Imported;

/// What an exported space holds.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ExportReport {
    /// When it was written, Unix milliseconds.
    pub exported_ms: i64,
    /// The relay it comes from: its public key, base64url without padding. It signed the file.
    pub log_id: String,
    /// Log epoch of that relay.
    pub log_epoch: i64,
    /// Lowest seq that is held.
    pub floor: i64,
    /// Seq of the newest entry.
    pub size: i64,
    /// Entries.
    pub entries: i64,
    /// Their sealed bytes.
    pub entry_bytes: i64,
    /// Lowest seq whose leaf is known; 1 when all are.
    pub leaves_from: i64,
    /// Whether the leaves make the signed head.
    pub head_is_proven: bool,
    /// Version of the newest roster statement.
    pub roster_version: i64,
    /// Devices of the newest roster.
    pub devices: i64,
    /// Acks.
    pub acks: i64,
    /// Log resets.
    pub resets: i64,
    /// Seq that the snapshot covers; 0 when there is none.
    pub snapshot_size: i64,
    /// Its bytes.
    pub snapshot_bytes: i64,
    /// Blobs.
    pub blobs: i64,
    /// Their bytes.
    pub blob_bytes: i64,
}

/// What an import came to.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ImportReport {
    /// What the file holds.
    pub file: ExportReport,
    /// Entries of it that were not there before; 0 when the relay had all of it.
    pub added: i64,
}

impl From<Imported> for ImportReport {
    fn from(imported: Imported) -> Self {
        Self { file: imported.file.into(), added: number(imported.added) }
    }
}

impl From<Report> for ExportReport {
    fn from(report: Report) -> Self {
        Self {
            exported_ms: number(report.head.exported_ms),
            log_id: Base64UrlUnpadded::encode_string(report.head.log_id.as_bytes()),
            log_epoch: number(report.head.log_epoch),
            floor: number(report.head.floor),
            size: number(report.head.size),
            entries: number(report.entries),
            entry_bytes: number(report.entry_bytes),
            leaves_from: number(report.leaves_from),
            head_is_proven: report.head_is_proven,
            roster_version: number(report.roster_version),
            devices: number(report.devices),
            acks: number(report.acks),
            resets: number(report.resets),
            snapshot_size: number(report.snapshot_size),
            snapshot_bytes: number(report.snapshot_bytes),
            blobs: number(report.blobs),
            blob_bytes: number(report.blob_bytes),
        }
    }
}
