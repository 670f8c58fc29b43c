//! RosterPut, RosterUpdate, and the chain and keyring they share with Proof.

use super::{Frame, FrameType};
use crate::limits::{CHAIN_BYTES_MAX, CHAIN_STATEMENTS_MAX, KEYRING_BYTES_MAX};
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// Length field of a statement: the least a list item takes.
const STATEMENT_BYTES_MIN: usize = 4;

pub(super) fn write_chain(w: &mut Writer, chain: &[Bytes]) {
    w.count_u16(chain.len());
    for statement in chain {
        w.bytes_u32(statement);
    }
}

pub(super) fn read_chain(r: &mut Reader<'_>) -> Result<Vec<Bytes>, DecodeError> {
    let count = usize::from(r.u16()?);
    if count > CHAIN_STATEMENTS_MAX {
        return Err(DecodeError::RosterTooLarge);
    }
    let mut room_bytes = CHAIN_BYTES_MAX;
    r.list(count, CHAIN_STATEMENTS_MAX, STATEMENT_BYTES_MIN, |r| {
        let statement = large_as_roster(r.bytes_u32(room_bytes))?;
        room_bytes = room_bytes.saturating_sub(statement.len());
        Ok(statement)
    })
}

pub(super) fn read_keyring(r: &mut Reader<'_>) -> Result<Bytes, DecodeError> {
    large_as_roster(r.bytes_u32(KEYRING_BYTES_MAX))
}

/// Too long a statement or keyring has an error of its own in the registry.
fn large_as_roster(read: Result<Bytes, DecodeError>) -> Result<Bytes, DecodeError> {
    match read {
        Err(DecodeError::TooLong) => Err(DecodeError::RosterTooLarge),
        other => other,
    }
}

macro_rules! roster_frame {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            /// Roster statements in order.
            pub chain: Vec<Bytes>,
            /// Keyring of the last statement.
            pub keyring: Bytes,
        }

        impl Frame for $name {
            const TYPE: FrameType = FrameType::$name;

            fn write(&self, w: &mut Writer) {
                write_chain(w, &self.chain);
                w.bytes_u32(&self.keyring);
            }

            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self { chain: read_chain(r)?, keyring: read_keyring(r)? })
            }
        }
    };
}

roster_frame!(
    /// New statements, from the root or an admin.
    RosterPut
);
roster_frame!(
    /// Statements the client may not know, with the newest keyring.
    RosterUpdate
);
