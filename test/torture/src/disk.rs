//! The embedded store on a simulated disk: what it promised is written down, its disk crashes, and it is asked again.

pub mod cast;
pub mod chain;
pub mod corruption;
pub mod history;
pub mod session;
pub mod sites;
pub mod states;
pub mod verify;
