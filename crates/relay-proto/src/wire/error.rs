//! Why bytes are not a frame.

use crate::ErrorCode;
use std::fmt;

/// Why bytes were refused by a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    Truncated,
    /// Bytes are left over after the last field.
    TrailingBytes,
    /// A `u64` is above 2^53 − 1.
    NumberTooLarge,
    /// A list has more items than its limit.
    TooMany,
    /// A byte string is longer than its limit.
    TooLong,
    /// An enumerated field has a value this version does not know.
    UnknownValue,
    /// A flags field has an unknown bit set.
    UnknownFlags,
    /// A number or a count is outside its allowed range.
    OutOfRange,
    /// The chain, the device list or the keyring is over its limit.
    RosterTooLarge,
    /// The frame number is not in the table.
    UnknownFrame,
    /// The frame number is reserved for a feature that was not agreed.
    ReservedFrame,
    /// The frame belongs to the other direction.
    WrongDirection,
}

impl DecodeError {
    /// The name used in the shared vectors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing_bytes",
            Self::NumberTooLarge => "number_too_large",
            Self::TooMany => "too_many",
            Self::TooLong => "too_long",
            Self::UnknownValue => "unknown_value",
            Self::UnknownFlags => "unknown_flags",
            Self::OutOfRange => "out_of_range",
            Self::RosterTooLarge => "roster_too_large",
            Self::UnknownFrame => "unknown_frame",
            Self::ReservedFrame => "reserved_frame",
            Self::WrongDirection => "wrong_direction",
        }
    }

    /// The error of the registry that the peer is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::UnknownFrame | Self::ReservedFrame | Self::WrongDirection => ErrorCode::UnexpectedFrame,
            Self::RosterTooLarge => ErrorCode::RosterTooLarge,
            Self::OutOfRange => ErrorCode::RequestInvalid,
            _ => ErrorCode::MalformedFrame,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for DecodeError {}
