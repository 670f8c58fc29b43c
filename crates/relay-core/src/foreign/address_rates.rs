//! How often one client address may write to the foreign systems, all of them together.

use crate::documents::DocumentError;
use crate::endpoint::Moment;
use crate::gcra::{Rate, Table, Verdict};
use std::hash::RandomState;
use std::net::IpAddr;

/// Addresses whose rates are told apart; those beyond are judged with the one whose place they take.
const RATED_ADDRESSES_MAX: usize = 16_384;

/// What an address counts as: an IPv4 address, or the /64 of an IPv6 one, within which a single client has all the addresses it
/// wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressKey {
    /// All of it.
    V4(u32),
    /// The upper half of it.
    V6(u64),
}

impl AddressKey {
    /// Of an address, however the socket spells it.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            // The upper half of 128 bits fits.
            IpAddr::V6(address) => Self::V6(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }
}

/// See the module. `Default` limits nothing.
#[derive(Debug, Default)]
pub struct AddressRates {
    table: Option<Table<AddressKey, RandomState>>,
}

impl AddressRates {
    /// So many writes in a minute, all of them at once at most; 0 is no limit.
    #[must_use]
    pub fn per_minute(writes_max: u32) -> Self {
        let rate = Rate::per_minute(writes_max);
        Self { table: rate.map(|rate| Table::new(rate, RATED_ADDRESSES_MAX, RandomState::new())) }
    }

    /// Admits the writes of one request, or none of them. More at once than a minute has are admitted of an address that was
    /// quiet, and are waited for afterwards.
    ///
    /// # Errors
    /// [`DocumentError::TooFast`], which is counted.
    pub fn admit(&self, client: IpAddr, writes: usize, now: Moment) -> Result<(), DocumentError> {
        let count = u32::try_from(writes).unwrap_or(u32::MAX);
        let verdict = self.table.as_ref().filter(|_| count > 0);
        let verdict = verdict.map(|table| table.admit_many(AddressKey::of(client), count, now));
        match verdict.filter(|verdict| !verdict.is_admitted()).as_ref().map(Verdict::retry_after_ms) {
            Some(retry_after_ms) => Err(DocumentError::TooFast { retry_after_ms }),
            None => Ok(()),
        }
    }

    /// Refused since the start.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.table.as_ref().map_or(0, Table::refused)
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressKey, AddressRates};
    use crate::documents::DocumentError;
    use crate::endpoint::Moment;
    use std::net::IpAddr;
    use std::time::Duration;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn key(text: &str) -> AddressKey {
        AddressKey::of(address(text))
    }

    #[test]
    fn a_client_cannot_leave_its_64() {
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"), "however the socket spells it");
        assert_ne!(key("0.0.0.0"), key("::"));
    }

    #[test]
    fn an_address_has_its_minute_and_what_it_owes() {
        let at = |seconds| Moment(Duration::from_secs(seconds));
        let rates = AddressRates::per_minute(60);
        let (one, other) = (address("2001:db8::1"), address("192.0.2.1"));
        assert_eq!((rates.admit(one, 60, at(0)), rates.admit(one, 0, at(0))), (Ok(()), Ok(())));
        let neighbour = address("2001:db8::2");
        let refused = Err(DocumentError::TooFast { retry_after_ms: 1000 });
        assert_eq!(rates.admit(neighbour, 1, at(0)), refused);
        assert_eq!(rates.admit(other, 600, at(0)), Ok(()), "a first upload is larger than a minute's writes");
        assert_eq!(rates.admit(other, 1, at(540)), refused, "and is waited for");
        assert_eq!((rates.admit(one, 1, at(1)), rates.admit(other, 1, at(541))), (Ok(()), Ok(())));
        assert_eq!(rates.refused(), 2);
        assert_eq!(AddressRates::default().admit(one, usize::MAX, at(0)), Ok(()));
    }
}
