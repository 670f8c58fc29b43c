//! GUN: peers put nodes of a graph, get them, and are told of changes to what they got.
//!
//! A graph is kept property by property, each with the state (a time in milliseconds) under which it was written; of two writes the
//! one with the higher state wins, whatever the order in which they arrive ([`ham`]). So whatever is sent twice, late or again
//! changes nothing, and a peer that could not be told every change is told the last one. What the relay says is stored is durable.

mod answer;
mod asks;
mod block;
mod certificate;
mod checker;
mod dedup;
mod deferred;
mod follow;
mod ham;
mod hub;
mod inbox;
mod json;
mod lex;
mod links;
mod mailbox;
mod message;
mod number;
mod peer;
mod put;
mod reconcile;
mod record;
mod rules;
mod sea;
mod service;
mod shares;
mod write;

pub use hub::GunStats;
pub use message::fuzz_message;
pub use service::{GunOptions, GunParts, GunService, WrongToken};

/// Largest message, in bytes; a larger one is answered with an error.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest message the transport assembles, in bytes; a larger one closes the connection.
pub const FRAME_BYTES_MAX: usize = 32 * 1024 * 1024;
/// JSON values in one message.
pub const MESSAGE_VALUES_MAX: usize = 400_000;
/// Levels of JSON in each other.
pub const MESSAGE_DEPTH_MAX: usize = 32;
/// Messages in one frame.
pub const FRAME_MESSAGES_MAX: usize = 20_000;
/// Lists of messages in each other; older peers have texts of messages in them, which count as one.
pub const BATCH_DEPTH_MAX: usize = 8;
/// Longest soul, key or message id, in bytes.
pub const NAME_BYTES_MAX: usize = 7 * 1024;
/// Signed values in one message: each costs about a tenth of a millisecond.
pub const SIGNED_VALUES_MAX: usize = 1000;
/// Signed values that are checked before others have their turn; one message may overshoot.
pub const CHECKED_VALUES_MAX: usize = 100;
/// Messages that are checked before others have their turn.
pub const CHECKED_MESSAGES_MAX: usize = 1000;
/// Messages of one peer that are taken in before others on its thread have their turn.
pub const TURN_MESSAGES_MAX: usize = 1000;
/// Size from which on a frame is not read by the thread that serves its connection, in bytes.
pub const LARGE_FRAME_BYTES: usize = 64 * 1024;
/// Bytes of frames of one peer that are not taken in yet, before it is not read any more; one frame may overshoot.
pub const INBOX_BYTES_MAX: usize = 256 * 1024;
/// Bytes of frames of all peers that are not taken in yet; a frame beyond them is answered with an error.
pub const INBOX_TOTAL_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long a message id is remembered on a connection, in milliseconds.
pub const ID_MS: u64 = 9000;
/// Message ids remembered on a connection.
pub const IDS_MAX: usize = 1024;
/// Bytes of puts of one peer that are not durable yet, before it is not read any more; one message may overshoot.
pub const PUT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Gets of one peer that are not answered yet, before it is not read any more; one message may overshoot.
pub const GETS_MAX: usize = 1000;
/// Pages that are read for one peer at the same time.
pub const READS_MAX: usize = 4;
/// Bytes of one part of an answer; one property may overshoot.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Properties in one part of an answer.
pub const ANSWER_ITEMS_MAX: usize = 4000;
/// Properties that one query looks at.
pub const QUERY_ITEMS_MAX: usize = 1_000_000;
/// Subscriptions of one peer.
pub const SUBSCRIPTIONS_MAX: usize = 50_000;
/// Bytes of the names of one peer's subscriptions.
pub const SUBSCRIPTION_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long the greeting of a new peer is waited for, in milliseconds; whoever does not greet came back.
pub const GREETING_MS: u64 = 1000;
/// How long after connecting a peer that came back asks again for what it had, in milliseconds.
pub const RENEWAL_MS: u64 = 10_000;
/// Links that are followed for one peer that came back.
pub const FOLLOWED_SOULS_MAX: usize = 10_000;
/// Bytes that are sent to it for that; one part of an answer may overshoot.
pub const FOLLOWED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Relays that one graph is linked with; those that this relay was told to dial have their places among them.
pub const RELAYS_MAX: usize = 16;
/// Souls and properties that one stock relay is asked for.
pub const ASKED_MAX: usize = 50_000;
/// Bytes of the names of those.
pub const ASKED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Gets of one graph that wait for the answers of others.
pub const ASKS_MAX: usize = 10_000;
/// Bytes of the names of those.
pub const ASK_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Gets of all graphs that wait for the answers of others.
pub const ASKS_TOTAL_MAX: usize = 40_000;
/// Bytes of the names of those.
pub const ASK_TOTAL_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a get waits for the answers of other relays when nothing is here, in milliseconds.
pub const ASK_MS: u64 = 1000;
/// How long it waits for those of other clients, in milliseconds.
pub const CLIENT_ASK_MS: u64 = 200;
/// How long clients are not asked again for what none of them had, in milliseconds.
pub const ASK_AGAIN_MS: u64 = 10_000;
/// Clients that are asked for what is not here.
pub const CLIENTS_ASKED_MAX: usize = 4;
/// Clients that are looked at to find those.
pub const CLIENTS_LOOKED_AT_MAX: usize = 64;
/// Questions in a row that a client lets pass before it is asked no more.
pub const UNANSWERED_MAX: u32 = 3;
/// Gets that wait for one answer of others.
pub const ASKERS_MAX: usize = 1000;
/// Pages that are compared with another relay at the same time.
pub const OFFERS_MAX: usize = 8;
/// Places whose changes one relay missed, before it is compared as a whole.
pub const MISSED_MAX: usize = 50_000;
/// Bytes of the names of those.
pub const MISSED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of changes that wait for one peer; of what comes on top only the name is kept, and it is read again later.
pub const NEWS_BYTES_MAX: usize = 1024 * 1024;
/// A state this far ahead is taken at once, in milliseconds: clocks are not finer than that.
pub const FUTURE_GRACE_MS: u64 = 100;
/// How far ahead a state may be, in milliseconds; the write waits until then.
pub const FUTURE_MS_MAX: u64 = 10 * 60 * 1000;
/// Writes to one graph that wait for their state.
pub const DEFERRED_MAX: usize = 10_000;
/// Bytes of the writes to one graph that wait for their state.
pub const DEFERRED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Writes to all graphs that wait for their state.
pub const DEFERRED_TOTAL_MAX: usize = 40_000;
/// Bytes of the writes to all graphs that wait for their state.
pub const DEFERRED_TOTAL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Lists of those who may not write that one message is checked against.
pub const BLOCKS_MAX: usize = 1000;
/// Period of heartbeats, in milliseconds.
pub const HEARTBEAT_MS: u64 = 20_000;
