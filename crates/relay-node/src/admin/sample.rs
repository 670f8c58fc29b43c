//! One stored record for the operator: every field as it lies on the disk, except that ids are pseudonyms.

use crate::native::Native;
use crate::stats::number;
use napi_derive::napi;
use relay_store::embedded::sample::{SampleField, SampleRecord};

/// The newest entry of a space as it is stored.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelaySample {
    /// Pseudonym of the space.
    pub space: String,
    /// Number of the segment it is in.
    pub segment: i64,
    /// Where it starts there, in bytes.
    pub offset: i64,
    /// Its length, in bytes.
    pub record_bytes: i64,
    /// Every field, in the order of the record.
    pub fields: Vec<RelaySampleField>,
}

/// One field of a record.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelaySampleField {
    /// As docs/storage.md names it.
    pub name: String,
    /// Its length in the record, in bytes.
    pub length: i64,
    /// Its bytes, of long ones the first, hex; null where the pseudonym stands for them.
    pub hex: Option<String>,
    /// Instead of an id; null where the bytes are shown.
    pub pseudonym: Option<String>,
}

pub(super) fn of_record(native: &Native, record: &SampleRecord) -> RelaySample {
    let field = |field: &SampleField| {
        let pseudonym = match field.name {
            "space" => Some(native.pseudonyms().of_space(record.space)),
            "device" => Some(native.pseudonyms().of(&record.device.0)),
            _ => None,
        };
        RelaySampleField {
            name: field.name.to_owned(),
            length: number(field.length),
            hex: pseudonym.is_none().then(|| hex::encode(&field.bytes)),
            pseudonym,
        }
    };
    RelaySample {
        space: native.pseudonyms().of_space(record.space),
        segment: number(record.segment),
        offset: number(record.offset),
        record_bytes: number(record.record_bytes),
        fields: record.fields.iter().map(field).collect(),
    }
}
