//! Close frames: which codes may be sent, and how a close payload is read and written.

use super::frame::CONTROL_BYTES_MAX;
use super::violation::Violation;
use bytes::{BufMut, Bytes, BytesMut};

/// Longest reason: a control payload without the code.
pub const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// Close code for "nothing went wrong".
pub const NORMAL: u16 = 1000;
/// Close code for a peer that is gone or a relay that goes.
pub const GOING_AWAY: u16 = 1001;
/// Close code for a broken rule that has no code of its own.
pub const POLICY: u16 = 1008;
/// Close code for a fault of the relay.
pub const INTERNAL: u16 = 1011;
/// Close code for a relay that restarts.
pub const RESTART: u16 = 1012;
/// Close code for a relay that has too much to do.
pub const TRY_AGAIN: u16 = 1013;

/// What a peer said when it closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// The close code; none when the payload was empty.
    pub code: Option<u16>,
    /// The peer's reason, empty if it gave none.
    pub reason: String,
}

/// Whether a peer may send this close code (RFC 6455 section 7.4 and the IANA registry).
#[must_use]
pub const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads the payload of a close frame.
///
/// # Errors
/// The [`Violation`] of a payload of one byte, a code that must not be sent or a reason that is not UTF-8.
pub fn parse(payload: &[u8]) -> Result<CloseFrame, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        let empty = CloseFrame { code: None, reason: String::new() };
        return if payload.is_empty() { Ok(empty) } else { Err(Violation::CloseLength) };
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(Violation::CloseCode);
    }
    let reason = std::str::from_utf8(reason).map_err(|_| Violation::CloseReason)?;
    Ok(CloseFrame { code: Some(code), reason: reason.to_owned() })
}

/// Writes the payload of a close frame; a reason that is too long is cut at a character boundary.
#[must_use]
pub fn payload(code: Option<u16>, reason: &str) -> Bytes {
    let Some(code) = code else {
        return Bytes::new();
    };
    let cut = reason.floor_char_boundary(REASON_BYTES_MAX);
    let reason = reason.get(..cut).unwrap_or_default();
    let mut bytes = BytesMut::with_capacity(2 + reason.len());
    bytes.put_u16(code);
    bytes.put_slice(reason.as_bytes());
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::{may_be_sent, payload};

    #[test]
    fn codes_of_the_registry() {
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            assert!(may_be_sent(code), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
            assert!(!may_be_sent(code), "{code}");
        }
    }

    #[test]
    fn long_reasons_are_cut_between_characters() {
        let bytes = payload(Some(1000), &"é".repeat(100));
        assert_eq!(bytes.len(), 2 + 122);
        assert!(std::str::from_utf8(&bytes[2..]).is_ok());
    }
}
