//! The rules of the relay: spaces, entries, cursors, devices, acks, forgetting, fan-out. Sans-IO: time, randomness and
//! storage are parameters; no sockets, no threads.
#![forbid(unsafe_code)]

pub mod endpoint;
pub mod environment;
pub mod store;
