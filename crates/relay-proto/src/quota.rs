//! The detail of `quota_exceeded`: which quota, and by how much.

use crate::wire::{DecodeError, Reader, U64_MAX, Writer};
use bytes::Bytes;

/// Which quota a request would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Quota {
    /// Entries held of a space.
    SpaceEntries = 1,
    /// Sealed bytes of the entries held of a space.
    SpaceBytes = 2,
    /// Sessions of a space at a time.
    SpaceConnections = 3,
    /// Entries held of all spaces of a tenant.
    TenantEntries = 4,
    /// Sealed bytes of the entries held of all spaces of a tenant.
    TenantBytes = 5,
    /// Sessions of all spaces of a tenant at a time.
    TenantConnections = 6,
    /// Spaces of a tenant.
    TenantSpaces = 7,
    /// Spaces that devices of a space sponsored in the last hour.
    SponsoredSpaces = 8,
}

impl Quota {
    /// Every quota, by its number.
    pub const ALL: [Self; 8] = [
        Self::SpaceEntries,
        Self::SpaceBytes,
        Self::SpaceConnections,
        Self::TenantEntries,
        Self::TenantBytes,
        Self::TenantConnections,
        Self::TenantSpaces,
        Self::SponsoredSpaces,
    ];

    /// What it is called in texts; the same as in the SDK.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SpaceEntries => "space_entries",
            Self::SpaceBytes => "space_bytes",
            Self::SpaceConnections => "space_connections",
            Self::TenantEntries => "tenant_entries",
            Self::TenantBytes => "tenant_bytes",
            Self::TenantConnections => "tenant_connections",
            Self::TenantSpaces => "tenant_spaces",
            Self::SponsoredSpaces => "sponsored_spaces",
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaDetail {
    /// Which one.
    pub quota: Quota,
    /// How much of it is used.
    pub used: u64,
    /// How much there may be.
    pub allowed: u64,
    /// How much of it the request needs beside that.
    pub needed: u64,
}

impl QuotaDetail {
    /// The detail of the Error frame.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::new();
        w.u8(self.quota.number());
        for number in [self.used, self.allowed, self.needed] {
            w.u64(number.min(U64_MAX));
        }
        w.into_bytes()
    }

    /// Reads a detail.
    ///
    /// # Errors
    /// [`DecodeError`] when it is none, or of a quota this version does not know.
    pub fn decode(detail: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::borrowed(detail);
        let number = r.u8()?;
        let quota = Quota::ALL.into_iter().find(|quota| quota.number() == number).ok_or(DecodeError::UnknownValue)?;
        let decoded = Self { quota, used: r.u64()?, allowed: r.u64()?, needed: r.u64()? };
        r.finish()?;
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for quota in Quota::ALL {
            let detail = QuotaDetail { quota, used: 7, allowed: 10, needed: 4 };
            let bytes = detail.encode();
            assert_eq!(QuotaDetail::decode(&bytes), Ok(detail));
            assert!(QuotaDetail::decode(&bytes[..24]).is_err());
            assert!(QuotaDetail::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
        assert!(QuotaDetail::decode(&[9; 25]).is_err());
        assert!(QuotaDetail::decode(&[]).is_err());
    }
}
