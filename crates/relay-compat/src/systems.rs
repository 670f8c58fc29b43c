//! Numbers of the systems that keep documents. They are on disk: a number is never used again for another system.

/// Graceful Books.
pub const GRACEFUL: u8 = 1;
/// GUN.
pub const GUN: u8 = 2;
/// Eidetica.
pub const EIDETICA: u8 = 3;
