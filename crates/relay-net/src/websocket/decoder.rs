//! The incremental decoder: bytes of one client in any pieces, messages and control frames out.
//!
//! State machine: `Header` (collecting at most 14 bytes) → `Payload` (of the frame just announced) → `Header` …
//! A violation is final: the decoder answers it again for whatever follows.
//! Invariant: while no message and no frame is open the decoder holds no heap memory.

use super::close::{self, CloseFrame};
use super::frame::{CLIENT_HEADER_BYTES_MAX, FrameHeader, OpCode, parse_header};
use super::mask::unmask;
use super::message::Assembly;
use super::violation::Violation;
use bytes::Bytes;

/// What a peer may send.
#[derive(Clone, Copy, Debug)]
pub struct DecoderLimits {
    /// Longest message, all its fragments together.
    pub message_bytes_max: usize,
    /// Most frames in one message.
    pub fragments_max: u32,
    /// Whether text messages are taken.
    pub takes_text: bool,
}

/// Something complete that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A binary message.
    Message(Bytes),
    /// A text message; it is UTF-8.
    Text(Bytes),
    /// A ping and its payload, which the pong repeats.
    Ping(Bytes),
    /// A pong; its payload says nothing we need.
    Pong,
    /// The peer's half of the close handshake.
    Close(CloseFrame),
}

/// Progress of one call.
#[derive(Debug)]
pub struct Step {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// What they completed, if anything.
    pub event: Option<Event>,
}

#[derive(Debug)]
enum State {
    Header { bytes: [u8; CLIENT_HEADER_BYTES_MAX], length: usize },
    Payload { header: FrameHeader, received: u64 },
    Failed(Violation),
}

const EMPTY_HEADER: State = State::Header { bytes: [0; CLIENT_HEADER_BYTES_MAX], length: 0 };

/// The incremental decoder of one connection.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    message: Assembly,
    /// Whether the message that is open, or was last, is text.
    is_text: bool,
    /// While a control frame has come in part, which is rare.
    control: Option<Box<Assembly>>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self { state: EMPTY_HEADER, message: Assembly::default(), is_text: false, control: None }
    }

    /// Heap memory held for what has begun and not ended, in bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.message.held_bytes() + self.control.as_deref().map_or(0, Assembly::held_bytes)
    }

    /// Whether a frame or a message has begun and not ended.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.message.is_open() || !matches!(self.state, State::Header { length: 0, .. })
    }

    /// The binary message that begins and ends in `input`, unmasked where it lies, and how many bytes are done with. Without one,
    /// or with anything to object to, nothing has changed, and [`Self::decode`] is asked.
    pub fn whole_message<'a>(&self, input: &'a mut [u8], limits: DecoderLimits) -> Option<(&'a [u8], usize)> {
        if self.is_mid_message() || matches!(self.state, State::Failed(_)) {
            return None;
        }
        let (header, header_bytes) = parse_header(input).ok()??;
        let length = usize::try_from(header.payload_bytes).ok()?;
        let is_whole = header.is_final && header.opcode == OpCode::Binary;
        if !is_whole || length > limits.message_bytes_max || limits.fragments_max == 0 {
            return None;
        }
        let end = header_bytes.checked_add(length)?;
        let payload = input.get_mut(header_bytes..end)?;
        unmask(payload, header.mask, 0);
        Some((payload, end))
    }

    /// Decodes from the start of `input`, unmasking it in place, up to the next event or the end of the input.
    /// Call again with the rest until everything is consumed.
    ///
    /// # Errors
    /// The [`Violation`] that ends the connection.
    pub fn decode(&mut self, input: &mut [u8], limits: DecoderLimits) -> Result<Step, Violation> {
        let result = self.step(input, limits);
        if let Err(violation) = result {
            *self = Self { state: State::Failed(violation), ..Self::new() };
        }
        result
    }

    fn step(&mut self, input: &mut [u8], limits: DecoderLimits) -> Result<Step, Violation> {
        let mut consumed = 0;
        loop {
            let rest = input.get_mut(consumed..).unwrap_or_default();
            match &mut self.state {
                State::Failed(violation) => return Err(*violation),
                State::Header { bytes, length } => {
                    let Some((header, used)) = take_header(bytes, length, rest)? else {
                        return Ok(Step { consumed: input.len(), event: None });
                    };
                    consumed += used;
                    self.admit(header, limits)?;
                    self.state = State::Payload { header, received: 0 };
                }
                State::Payload { header, received } => {
                    let (header, received) = (*header, *received);
                    let (used, complete) = self.take_payload(header, received, rest);
                    consumed += used;
                    let Some(payload) = complete else {
                        return Ok(Step { consumed, event: None });
                    };
                    self.state = EMPTY_HEADER;
                    if let Some(event) = finish(header, payload, self.is_text)? {
                        return Ok(Step { consumed, event: Some(event) });
                    }
                }
            }
        }
    }

    /// Checks a header against the message that is open and the limits, before a byte of its payload is kept.
    fn admit(&mut self, header: FrameHeader, limits: DecoderLimits) -> Result<(), Violation> {
        match header.opcode {
            OpCode::Text if !self.message.is_open() && !limits.takes_text => return Err(Violation::Text),
            OpCode::Text | OpCode::Binary if self.message.is_open() => {
                return Err(Violation::InterleavedMessage);
            }
            OpCode::Continuation if !self.message.is_open() => {
                return Err(Violation::UnexpectedContinuation);
            }
            OpCode::Close | OpCode::Ping | OpCode::Pong => return Ok(()),
            OpCode::Text | OpCode::Binary | OpCode::Continuation => {}
        }
        let room = limits.message_bytes_max.saturating_sub(self.message.len());
        if header.payload_bytes > room as u64 {
            return Err(Violation::MessageTooBig);
        }
        if self.message.fragments >= limits.fragments_max {
            return Err(Violation::TooManyFragments);
        }
        self.message.fragments += 1;
        if header.opcode != OpCode::Continuation {
            self.is_text = header.opcode == OpCode::Text;
        }
        Ok(())
    }

    /// Takes what `rest` holds of the frame's payload; the payload of the message (or control frame) once complete.
    fn take_payload(&mut self, header: FrameHeader, received: u64, rest: &mut [u8]) -> (usize, Option<Payload>) {
        let missing = header.payload_bytes - received;
        let used = usize::try_from(missing).unwrap_or(usize::MAX).min(rest.len());
        let piece = rest.get_mut(..used).unwrap_or_default();
        unmask(piece, header.mask, received);
        let missing = missing - used as u64;
        if header.opcode.is_control() {
            let payload = self.take_control(piece, missing);
            if payload.is_none() {
                self.state = State::Payload { header, received: received + used as u64 };
            }
            return (used, payload.map(Payload::Whole));
        }
        let assembly = &mut self.message;
        if missing > 0 {
            assembly.append(piece, missing);
            self.state = State::Payload { header, received: received + used as u64 };
            return (used, None);
        }
        if !header.is_final {
            assembly.append(piece, 0);
            return (used, Some(Payload::Fragment));
        }
        if assembly.is_empty() {
            assembly.fragments = 0;
            return (used, Some(Payload::Whole(Bytes::copy_from_slice(piece))));
        }
        assembly.append(piece, 0);
        (used, Some(Payload::Whole(assembly.take())))
    }

    /// Takes a piece of a control frame of which `missing` more bytes are declared; the payload once it is complete.
    fn take_control(&mut self, piece: &[u8], missing: u64) -> Option<Bytes> {
        if self.control.is_none() && missing == 0 {
            return Some(Bytes::copy_from_slice(piece));
        }
        self.control.get_or_insert_default().append(piece, missing);
        self.control.take_if(|_| missing == 0).map(|mut control| control.take())
    }
}

enum Payload {
    Fragment,
    Whole(Bytes),
}

/// Collects a header across pieces; `None` while it is incomplete, in which case all of `rest` was taken.
fn take_header(
    bytes: &mut [u8; CLIENT_HEADER_BYTES_MAX],
    length: &mut usize,
    rest: &[u8],
) -> Result<Option<(FrameHeader, usize)>, Violation> {
    if *length == 0
        && let Some(parsed) = parse_header(rest)?
    {
        return Ok(Some(parsed));
    }
    let before = *length;
    let room = bytes.get_mut(before..).unwrap_or_default();
    let mut copied = 0;
    for (to, from) in room.iter_mut().zip(rest) {
        *to = *from;
        copied += 1;
    }
    *length = before + copied;
    let parsed = parse_header(bytes.get(..*length).unwrap_or_default())?;
    Ok(parsed.map(|(header, header_bytes)| (header, header_bytes - before)))
}

fn finish(header: FrameHeader, payload: Payload, is_text: bool) -> Result<Option<Event>, Violation> {
    let Payload::Whole(payload) = payload else {
        return Ok(None);
    };
    Ok(Some(match header.opcode {
        OpCode::Ping => Event::Ping(payload),
        OpCode::Pong => Event::Pong,
        OpCode::Close => Event::Close(close::parse(&payload)?),
        OpCode::Text | OpCode::Binary | OpCode::Continuation if is_text => {
            std::str::from_utf8(&payload).map_err(|_| Violation::TextEncoding)?;
            Event::Text(payload)
        }
        OpCode::Text | OpCode::Binary | OpCode::Continuation => Event::Message(payload),
    }))
}
