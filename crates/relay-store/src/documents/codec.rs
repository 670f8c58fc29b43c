//! Bytes of the journal: file header, group header, changes. All numbers are big-endian.
//!
//! ```text
//! file   = magic "SRDJ" · format u32 · number u64 · first group u64 · salt 16 · crc32c of the 40 bytes before u32 · groups · zeros
//! group  = magic "SRDG" · body bytes u32 · group u64 · checksum of the body u32 · checksum of the 20 bytes before u32 · body
//! body   = changes: system u8 · tenant 16 · key bytes u32 · (value bytes + 1, or 0: deleted) u32 · key · value
//! ```
//! A group's checksums are crc32c over the file's salt and the bytes: values, which others choose, cannot pose as groups.

use bytes::Bytes;
use relay_core::documents::{Keyspace, Overlay, Tenant};

const FILE_MAGIC: [u8; 4] = *b"SRDJ";
pub(super) const GROUP_MAGIC: [u8; 4] = *b"SRDG";
const FORMAT: u32 = 1;
/// Length of a file's header.
pub(super) const FILE_HEADER_BYTES: usize = 44;
/// Length of a group's header.
pub(super) const GROUP_HEADER_BYTES: usize = 24;

/// What makes a file's checksums its own.
pub(super) type Salt = [u8; 16];

fn checksum(salt: &Salt, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(salt), bytes)
}

/// The head of a journal file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) number: u64,
    pub(super) first_group: u64,
    pub(super) salt: Salt,
}

/// What stands at the start of a journal file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileStart {
    Good(FileHeader),
    UnknownFormat(u32),
    Broken,
}

impl FileHeader {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FILE_HEADER_BYTES);
        bytes.extend_from_slice(&FILE_MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.first_group.to_be_bytes());
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> FileStart {
        let mut cursor = Cursor(bytes);
        let fields = (|| {
            let (magic, format) = (cursor.array::<4>()?, cursor.u32()?);
            Some((magic, format, cursor.u64()?, cursor.u64()?, cursor.array()?, cursor.u32()?))
        })();
        let Some((magic, format, number, first_group, salt, crc)) = fields else { return FileStart::Broken };
        let checked = bytes.get(..FILE_HEADER_BYTES - 4).map(crc32c::crc32c);
        if magic != FILE_MAGIC || checked != Some(crc) {
            return FileStart::Broken;
        }
        if format == FORMAT {
            FileStart::Good(Self { number, first_group, salt })
        } else {
            FileStart::UnknownFormat(format)
        }
    }
}

/// A whole group without its header's fields; `None` when something in it is larger than they can say.
pub(super) fn encode_group(changes: &Overlay) -> Option<Vec<u8>> {
    let mut bytes = vec![0; GROUP_HEADER_BYTES];
    for (keyspace, key, value) in changes.changes() {
        bytes.push(keyspace.system);
        bytes.extend_from_slice(&keyspace.tenant.0);
        bytes.extend_from_slice(&u32::try_from(key.len()).ok()?.to_be_bytes());
        let value_field = value.map_or(Some(0), |value| u32::try_from(value.len()).ok()?.checked_add(1))?;
        bytes.extend_from_slice(&value_field.to_be_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value.map_or(&[][..], |value| &value[..]));
    }
    u32::try_from(bytes.len()).is_ok().then_some(bytes)
}

/// Fills a group's header in, for the file it goes to.
pub(super) fn seal_group(bytes: &mut [u8], group: u64, salt: &Salt) {
    let Some((header, body)) = bytes.split_first_chunk_mut::<GROUP_HEADER_BYTES>() else { return };
    let mut fields = Vec::with_capacity(GROUP_HEADER_BYTES);
    fields.extend_from_slice(&GROUP_MAGIC);
    // Checked when it was encoded.
    fields.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    fields.extend_from_slice(&group.to_be_bytes());
    fields.extend_from_slice(&checksum(salt, body).to_be_bytes());
    fields.extend_from_slice(&checksum(salt, &fields).to_be_bytes());
    header.copy_from_slice(&fields);
}

/// One change as it was written.
pub(super) type Written = (Keyspace, Bytes, Option<Bytes>);

/// A group at the start of `bytes`, and its length; `None` when there is no whole and valid one.
pub(super) fn decode_group(bytes: &Bytes, salt: &Salt) -> Option<(u64, Vec<Written>, usize)> {
    let mut cursor = Cursor(bytes);
    let magic = cursor.array::<4>()?;
    let body_bytes = usize::try_from(cursor.u32()?).ok()?;
    let (group, body_crc, header_crc) = (cursor.u64()?, cursor.u32()?, cursor.u32()?);
    if magic != GROUP_MAGIC || checksum(salt, bytes.get(..GROUP_HEADER_BYTES - 4)?) != header_crc {
        return None;
    }
    let end = GROUP_HEADER_BYTES.checked_add(body_bytes)?;
    let body = bytes.get(GROUP_HEADER_BYTES..end)?;
    if checksum(salt, body) != body_crc {
        return None;
    }
    let changes = decode_changes(&bytes.slice(GROUP_HEADER_BYTES..end))?;
    Some((group, changes, end))
}

fn decode_changes(body: &Bytes) -> Option<Vec<Written>> {
    let mut cursor = Cursor(body);
    let mut changes = Vec::new();
    while !cursor.0.is_empty() {
        let keyspace = Keyspace { system: cursor.array::<1>()?[0], tenant: Tenant(cursor.array()?) };
        let (key_bytes, value_field) = (cursor.u32()?, cursor.u32()?);
        // Copies, so that a small value does not keep its whole file in memory.
        let key = Bytes::copy_from_slice(cursor.take(key_bytes)?);
        let value = match value_field.checked_sub(1) {
            Some(value_bytes) => Some(Bytes::copy_from_slice(cursor.take(value_bytes)?)),
            None => None,
        };
        changes.push((keyspace, key, value));
    }
    Some(changes)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, bytes: u32) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}
