//! The foreign systems by number: what they are called, their places of WebSockets, and what holds for all of their tenants.

use crate::config::{RelayForeignLimits, count};
use crate::failure::Failure;
use relay_compat::systems::{EIDETICA, GRACEFUL, GUN, PLURES};
use relay_core::foreign::{AddressRates, SeatLimits, Seats, TenantRules};
use std::sync::Arc;

/// Numbers and names.
pub(crate) const SYSTEMS: [(u8, &str); 4] =
    [(GRACEFUL, "graceful"), (GUN, "gun"), (EIDETICA, "eidetica"), (PLURES, "plures")];

/// What a system is called; documents of a later version may be of one that is not known.
pub(crate) fn name_of(system: u8) -> &'static str {
    SYSTEMS.iter().find(|(number, _)| *number == system).map_or("unknown", |(_, name)| name)
}

/// The places of each system.
#[derive(Clone, Default)]
pub(crate) struct Seating([Arc<Seats>; SYSTEMS.len()]);

impl Seating {
    pub(super) fn new(limits: &RelayForeignLimits) -> Result<Self, Failure> {
        let limits = SeatLimits {
            system_max: count("foreignConnectionsMax", limits.connections_max)?,
            tenant_max: count("foreignTenantConnectionsMax", limits.tenant_connections_max)?,
        };
        Ok(Self(SYSTEMS.map(|_| Seats::new(limits))))
    }

    /// Those of one; of an unknown one there are none to be taken.
    pub(super) fn of(&self, system: u8) -> Arc<Seats> {
        let mut seats = SYSTEMS.iter().zip(&self.0);
        seats.find(|((number, _), _)| *number == system).map(|(_, seats)| Arc::clone(seats)).unwrap_or_default()
    }

    /// WebSockets refused since the start.
    pub(super) fn refused(&self) -> u64 {
        self.0.iter().map(|seats| seats.refused()).sum()
    }
}

/// How often an address may write.
pub(super) fn address_rates(limits: &RelayForeignLimits) -> Result<AddressRates, Failure> {
    let writes_max = count("foreignAddressWritesPerMinuteMax", limits.address_writes_per_minute_max)?;
    Ok(AddressRates::per_minute(writes_max))
}

pub(super) fn rules(limits: &RelayForeignLimits) -> Result<TenantRules, Failure> {
    Ok(TenantRules {
        tenants_max: count("foreignTenantsMax", limits.tenants_max)?,
        open_bytes_max: count("foreignOpenBytesMax", limits.open_bytes_max)?,
        writes_per_second_max: count("foreignTenantWritesPerSecondMax", limits.tenant_writes_per_second_max)?,
    })
}
