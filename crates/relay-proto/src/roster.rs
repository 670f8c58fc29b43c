//! The roster: the signed list of a space's devices and their rights.

mod chain;
mod error;
mod rules;
mod statement;

pub use chain::{Chain, Extension};
pub use error::RosterError;
pub use rules::{check_keyring, departures, follow};
pub use statement::{Device, Former, Rights, Statement, StatementFields};
