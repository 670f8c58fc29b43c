//! What the limit server and the load generator share: unfragmented WebSocket frames, the upgrade, two settings of the
//! system.
//!
//! Deliberately not the relay's codec: a bench that shared it would hide its cost.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod frame;
mod open_files;
mod receive_buffer;
mod upgrade;

pub use frame::{
    BINARY, CLOSE, FrameError, Header, PAYLOAD_BYTES_MAX, PING, PONG, TEXT, parse_header, unmask_onto,
    write_client_frame, write_server_header,
};
pub use open_files::raise_open_files_limit;
pub use receive_buffer::shrink_receive_buffer;
pub use upgrade::{UpgradeRequest, accept_key, head_bytes, parse_upgrade, switching_protocols, upgrade_request};
