//! The ways a peer can break RFC 6455 or the limits of this relay, each with the close code it gets.

macro_rules! violations {
    ($($(#[doc = $doc:literal])+ $name:ident => $code:literal, $text:literal;)+) => {
        /// What the peer did wrong; always the peer's fault, never temporary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Violation { $($(#[doc = $doc])+ $name,)+ }

        impl Violation {
            /// Every violation, in the order of the counters in the stats.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// WebSocket close code the connection is closed with.
            #[must_use]
            pub const fn close_code(self) -> u16 {
                match self { $(Self::$name => $code,)+ }
            }

            /// Name for metrics and for the reason of the close frame.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

violations! {
    /// A client frame without a mask.
    Unmasked => 1002, "unmasked_frame";
    /// A reserved bit is set although no extension was agreed.
    ReservedBits => 1002, "reserved_bits";
    /// An opcode RFC 6455 does not define.
    ReservedOpcode => 1002, "reserved_opcode";
    /// A control frame without the final bit.
    FragmentedControl => 1002, "fragmented_control";
    /// A control frame with more than 125 bytes.
    OversizedControl => 1002, "oversized_control";
    /// A length written in more bytes than it needs.
    NonMinimalLength => 1002, "non_minimal_length";
    /// A 64-bit length with the highest bit set.
    LengthOverflow => 1002, "length_overflow";
    /// A continuation frame without a message to continue.
    UnexpectedContinuation => 1002, "unexpected_continuation";
    /// A new data frame inside a fragmented message.
    InterleavedMessage => 1002, "interleaved_message";
    /// A close frame with one byte of payload.
    CloseLength => 1002, "close_length";
    /// A close code that must not be sent.
    CloseCode => 1002, "close_code";
    /// A close reason that is not UTF-8.
    CloseReason => 1007, "close_reason";
    /// A text message where only binary ones are taken.
    Text => 1003, "text_message";
    /// A text message that is not UTF-8.
    TextEncoding => 1007, "text_encoding";
    /// More fragments in one message than allowed.
    TooManyFragments => 1008, "too_many_fragments";
    /// A message longer than allowed, decided on the declared length.
    MessageTooBig => 1009, "message_too_big";
}
