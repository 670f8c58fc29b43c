//! Eidetica: databases are trees of entries that name their parents by hash; peers exchange entries over `POST /api/v0`.
//!
//! Three dialects of the same requests are told apart by request: A (ids are bare SHA-256), B (ids begin with `sha256:`) and
//! C (ids are CIDs, entries are hashed as DAG-CBOR). An entry never carries its id, so the relay computes it; it checks the
//! signature wherever the entry names the public key. What an entry holds besides its place in the tree is kept as it came.
//!
//! An entry has a number in its tree once all of its parents have one: numbers go up from parents to children, so that answers
//! in their order bring parents first. An entry that came before a parent waits, durably, and is shown to nobody.

mod accept;
mod answer;
mod authority;
mod batch;
mod canonical;
mod cbor;
mod cid;
mod entry;
mod handshake;
mod key;
mod place;
mod proof;
mod pull;
mod pull_old;
mod push;
mod record;
mod send;
mod service;
mod sweep;
mod transcript;
mod walk;
mod wire;

pub use authority::fuzz_settings;
pub use entry::fuzz_request;
pub use key::{RelayKey, SEED_BYTES};
pub use record::tree_range;
pub use service::{EideticaOptions, EideticaParts, EideticaService, EideticaStats};

/// Largest body of a request, in bytes (default).
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Entries in one request.
pub const ENTRIES_MAX: usize = 50_000;
/// Parents of an entry, or of one of its subtrees.
pub const PARENTS_MAX: usize = 1000;
/// Subtrees of an entry.
pub const SUBTREES_MAX: usize = 1000;
/// Tips, or ids asked for, in one request.
pub const TIPS_MAX: usize = 5000;
/// Tips in one answer.
pub const TIPS_SENT_MAX: usize = 5000;
/// Longest id, in bytes.
pub const ID_BYTES_MAX: usize = 256;
/// Bytes of entries in one answer, as they are kept; one entry may overshoot.
pub const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Entries in one answer.
pub const ANSWER_ENTRIES_MAX: usize = 50_000;
/// Entries and bytes of them that an answer of dialect A adds before those that were asked for.
pub const ANCESTORS_MAX: usize = 10_000;
/// Entries looked at for one answer.
pub const WALK_ENTRIES_MAX: usize = 5_000_000;
/// Entries of a tree that wait for a parent.
pub const ORPHANS_MAX: u64 = 10_000;
/// Bytes of entries of a tree that wait for a parent.
pub const ORPHAN_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long an entry waits for a parent, in milliseconds.
pub const ORPHAN_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Keys and trees that the settings in one entry may name.
pub const SETTINGS_GRANTS_MAX: usize = 1000;
/// Trees named in the answer to a handshake.
pub const TREES_LISTED_MAX: usize = 256;
/// How long a peer may take to answer the relay's challenge, in milliseconds.
pub const CHALLENGE_MS: u64 = 60_000;
/// How far the time of a proof may be from the relay's, in milliseconds.
pub const FRESH_MS: u64 = 60_000;
/// Longest challenge that is signed, in bytes: nothing else that a key of this protocol signs is as short.
pub const CHALLENGE_BYTES_MAX: usize = 32;
/// Entries that are stored in one turn.
const TURN_ENTRIES_MAX: usize = 1000;
/// Bytes of entries that are stored in one turn; one entry may overshoot.
const TURN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Entries of a request from which on it is not looked into by the thread that brought it.
const OFFLOAD_BODY_BYTES: usize = 64 * 1024;
