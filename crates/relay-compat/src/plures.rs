//! PluresDB: peers find each other in a topic and everything one of them says goes to all others. Nothing is stored.
//!
//! Two protocols: in the first a peer joins by a JSON message, whatever the path ([`joined`]); in the second the path is the topic
//! and messages are opaque ([`opaque`]). Their topics are apart. A topic's name is the secret that opens it: it is in no log, no
//! error and no figure.

mod hub;
mod joined;
mod mailbox;
mod message;
mod opaque;
mod patience;
mod service;

pub use hub::PluresStats;
pub use message::fuzz_message;
pub use service::{PluresOptions, PluresService};

/// Largest message, in bytes: 10 MB in base64 and room for the JSON around it.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Peers in one topic; more are refused.
pub const TOPIC_PEERS_MAX: usize = 256;
/// Longest name of a topic, in bytes.
pub const TOPIC_BYTES_MAX: usize = 1024;
/// Longest id of a peer, in bytes.
pub const PEER_ID_BYTES_MAX: usize = 256;
/// Bytes that wait for one receiver before its senders are not read any more; one message of each may overshoot.
pub const WAITING_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of words about peers that wait for one receiver; with more it leaves the topic. Who says them may be gone already, so
/// that nobody can be made to wait.
pub const WORDS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A receiver that takes nothing for this long while others wait for it leaves the topic, in milliseconds.
pub const RECEIVER_WAIT_MS_MAX: u64 = 30_000;
