//! The length-checked big-endian codec under every frame.

mod error;
mod reader;
mod websocket;
mod writer;

pub use error::DecodeError;
pub use reader::Reader;
pub(crate) use reader::to_usize;
pub use websocket::{WS_HEADER_BYTES_MAX, ws_binary_header};
pub use writer::Writer;

/// Largest `u64` on the wire: what a JavaScript number holds exactly.
pub const U64_MAX: u64 = (1 << 53) - 1;
