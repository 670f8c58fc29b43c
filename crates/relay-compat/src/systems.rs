//! Numbers of the foreign systems. They are on disk where a system keeps documents: a number is never used again for another one, and
//! 0 is that of the book of tenants (`relay_core::foreign::TENANT_BOOK_SYSTEM`).

/// Graceful Books.
pub const GRACEFUL: u8 = 1;
/// GUN.
pub const GUN: u8 = 2;
/// Eidetica.
pub const EIDETICA: u8 = 3;
/// PluresDB, which keeps none.
pub const PLURES: u8 = 4;
