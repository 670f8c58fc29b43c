//! What a commit group needs besides its bytes: a time that never goes back, and the one signature over all its heads.

mod attestor;
mod clock;
mod signing;

pub use attestor::{CommittedGroup, GroupAttestor, UnsignedGroup};
pub use clock::LogClock;
pub use signing::{sign, sign_log_reset};
