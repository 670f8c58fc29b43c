//! The relay's dialect: a space of our own, real sessions, and answers checked with the protocol's own rules.

mod entries;
mod ephemeral;
mod session;
mod space;

pub(crate) use entries::{EntriesHead, walk_entries};
pub(crate) use ephemeral::{EPHEMERAL_FEATURE, Heard, ephemeral_frame, hear, listen_frame};
pub(crate) use session::open_session;
pub(crate) use space::Space;

use crate::failure::Failure;
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{ErrorFrame, Frame};
use relay_proto::wire::Writer;

/// The route of the relay's protocol.
pub(crate) const ROUTE: &str = "/v1/connect";
/// Generation of the content keys our rosters name.
pub(crate) const KEY_EPOCH: u32 = 1;

/// A Push frame of one entry.
pub(crate) fn push_frame(push_seq: u64, sealed: &[u8]) -> Bytes {
    push_frame_of(push_seq, 1, sealed)
}

/// A Push frame of so many entries, all with the same bytes.
pub(crate) fn push_frame_of(push_seq: u64, count: usize, sealed: &[u8]) -> Bytes {
    let mut w = Writer::with_capacity(sealed.len().saturating_add(8).saturating_mul(count).saturating_add(32));
    w.u8(relay_proto::frame::Push::TYPE.number()).u64(push_seq).u32(KEY_EPOCH).count_u16(count);
    for _ in 0..count {
        w.bytes_u32(sealed);
    }
    w.into_bytes()
}

/// The first byte of a frame.
pub(crate) fn frame_number(frame: &[u8]) -> u8 {
    frame.first().copied().unwrap_or_default()
}

/// A sentence for an Error or Goaway frame; nothing for any other.
pub(crate) fn refusal(frame: &[u8]) -> Result<(), Failure> {
    let number = frame_number(frame);
    if number == relay_proto::frame::Goaway::TYPE.number() {
        return Err(Failure::new("the relay says goodbye"));
    }
    if number != ErrorFrame::TYPE.number() {
        return Ok(());
    }
    let error = ErrorFrame::decode(&Bytes::copy_from_slice(frame))?;
    let name = ErrorCode::from_number(error.code).map_or("an unknown error", ErrorCode::name);
    Err(Failure::new(format!("the relay refuses: {name} ({}), context {}", error.code, error.context)))
}
