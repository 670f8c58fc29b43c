//! RFC 6455 on the server's side, sans-IO and without extensions: handshake, frame decoder, message assembly, close.
//!
//! A text message is a violation unless the route takes text: the native protocol is binary only, foreign ones are not. Nothing here knows sockets or clocks.

pub mod close;
pub mod decoder;
pub mod frame;
pub mod handshake;
pub mod mask;
pub mod message;
pub mod violation;

pub use close::CloseFrame;
pub use decoder::{Decoder, DecoderLimits, Event, Step};
pub use violation::Violation;

use bytes::Bytes;

/// Limits of the fuzz entry point: small, so that the fuzzer reaches them.
const FUZZ_LIMITS: DecoderLimits = DecoderLimits { message_bytes_max: 4096, fragments_max: 8, takes_text: false };

/// Everything one input decodes to: the events in order, and the violation that ended it, if any.
#[must_use]
pub fn decode_all(input: &mut [u8], limits: DecoderLimits, piece_bytes: usize) -> (Vec<Event>, Option<Violation>) {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for piece in input.chunks_mut(piece_bytes.max(1)) {
        let mut rest = piece;
        while !rest.is_empty() {
            if let Some((message, consumed)) = decoder.whole_message(rest, limits) {
                events.push(Event::Message(Bytes::copy_from_slice(message)));
                rest = rest.get_mut(consumed..).unwrap_or_default();
                continue;
            }
            match decoder.decode(rest, limits) {
                Ok(step) => {
                    events.extend(step.event);
                    rest = rest.get_mut(step.consumed..).unwrap_or_default();
                }
                Err(violation) => return (events, Some(violation)),
            }
        }
    }
    (events, None)
}

/// Entry point of the fuzz target: decodes `data` at once and byte by byte; `true` if both agree, which they always must.
#[must_use]
pub fn fuzz_decode(data: &[u8]) -> bool {
    [false, true].into_iter().all(|takes_text| {
        let limits = DecoderLimits { takes_text, ..FUZZ_LIMITS };
        let whole = decode_all(&mut data.to_vec(), limits, data.len());
        let split = decode_all(&mut data.to_vec(), limits, 1);
        whole == split
    })
}
