//! What a connection serves: a message-oriented protocol endpoint, sans-IO.
//!
//! The transport (relay-net, a simulator, a fuzzer) owns the socket and the write queue; the endpoint owns the protocol.
//! Output is **pulled**: the transport calls [`Endpoint::poll`] only while its write queue has room, so a peer that does
//! not read costs no memory beyond the queue's named limit, and a live subscription is a cursor that chases the head.

use bytes::Bytes;
use relay_proto::frame::{EncodedFrame, Frame};
use relay_proto::wire::ws_binary_header;
use std::sync::Arc;
use std::time::Duration;

/// A point on the relay's monotonic clock: time since the relay started. Passed in, never read, by everything sans-IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub Duration);

/// Wakes the transport of one connection so that it calls [`Endpoint::poll`]; cheap, may be called from any thread,
/// and calling it twice before the poll is the same as calling it once.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Why and how the endpoint wants the connection closed, once everything pushed before it has been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// WebSocket close code (RFC 6455 or the protocol's 4xxx range).
    pub code: u16,
    /// Short reason, at most 123 bytes of UTF-8.
    pub reason: &'static str,
}

/// One outbound message.
#[derive(Clone, Debug)]
pub enum Outbound {
    /// A protocol frame for this connection alone; the transport adds its own framing.
    Own(Bytes),
    /// A frame encoded once for many subscribers, with its WebSocket header in front.
    Shared(SharedFrame),
}

/// A protocol frame that carries its unmasked WebSocket binary-message header in front, so that one buffer serves
/// every subscriber and leaves in one contiguous write.
#[derive(Clone, Debug)]
pub struct SharedFrame {
    /// WebSocket header followed by the protocol frame.
    pub bytes: Bytes,
    /// Length of the header: 2, 4 or 10 bytes.
    pub header_bytes: u8,
}

/// The first byte of a whole text message of a server, and of a binary one.
const TEXT_FRAME: u8 = 0x81;
const BINARY_FRAME: u8 = 0x82;

impl SharedFrame {
    /// A frame of the native protocol.
    #[must_use]
    pub fn of(frame: &impl Frame) -> Self {
        EncodedFrame::of(frame).into()
    }

    /// A text message, for the foreign protocols that send text; the payload must be UTF-8.
    #[must_use]
    pub fn text(payload: &[u8]) -> Self {
        Self::whole(payload, TEXT_FRAME)
    }

    /// A binary message.
    #[must_use]
    pub fn binary(payload: &[u8]) -> Self {
        Self::whole(payload, BINARY_FRAME)
    }

    fn whole(payload: &[u8], first: u8) -> Self {
        let (header, header_bytes) = ws_binary_header(payload.len());
        let mut frame = Vec::with_capacity(header_bytes.saturating_add(payload.len()));
        frame.push(first);
        frame.extend_from_slice(header.get(1..header_bytes).unwrap_or_default());
        frame.extend_from_slice(payload);
        Self { bytes: frame.into(), header_bytes: u8::try_from(header_bytes).unwrap_or_default() }
    }

    /// The protocol frame without the WebSocket header, for transports that frame differently.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        self.bytes.slice(usize::from(self.header_bytes)..)
    }
}

impl From<EncodedFrame> for SharedFrame {
    fn from(EncodedFrame { bytes, header_bytes }: EncodedFrame) -> Self {
        Self { bytes, header_bytes }
    }
}

impl From<SharedFrame> for SharedRun {
    fn from(frame: SharedFrame) -> Self {
        Self { bytes: frame.bytes, frames: 1 }
    }
}

/// Frames encoded once, in one piece, for subscribers that lack the same ones.
#[derive(Clone, Debug)]
pub struct SharedRun {
    /// All of them, each with its unmasked WebSocket header.
    pub bytes: Bytes,
    /// How many there are.
    pub frames: u32,
}

impl SharedRun {
    /// The frames one by one.
    pub fn split(&self) -> impl Iterator<Item = SharedFrame> + use<> {
        let mut rest = self.bytes.clone();
        std::iter::from_fn(move || {
            let (header_bytes, length) = server_header(&rest)?;
            let end = length.checked_add(usize::from(header_bytes)).filter(|end| *end <= rest.len())?;
            Some(SharedFrame { bytes: rest.split_to(end), header_bytes })
        })
    }
}

/// Length of the WebSocket header in front, and of what follows it.
fn server_header(bytes: &[u8]) -> Option<(u8, usize)> {
    let (short, rest) = (bytes.get(1)?, bytes.get(2..)?);
    match short {
        126 => Some((4, usize::from(u16::from_be_bytes(*rest.first_chunk()?)))),
        127 => Some((10, usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?)),
        _ => Some((2, usize::from(*short))),
    }
}

/// A way past an endpoint to what it would only pass on. The transport takes from it while it owes the peer nothing else, and never
/// while the endpoint runs; what it finds there costs no look at the endpoint.
pub trait Feed: Send + Sync {
    /// What comes next: one frame, or frames that were joined for many.
    fn take(&self) -> Fed;
}

/// What a feed came up with.
#[derive(Clone, Debug)]
pub enum Fed {
    /// The next frames.
    Run {
        /// Some of them.
        run: SharedRun,
        /// Whether the endpoint is to be polled for more; otherwise more wakes the transport.
        more: bool,
    },
    /// Nothing; more wakes the transport.
    Nothing,
    /// There is more to it: the endpoint is to be polled.
    AskEndpoint,
}

/// What a feed brings; a connection has at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// Entries of the subscription.
    Entries,
    /// Ephemeral frames.
    Ephemeral,
}

/// Wakes the transport of one connection so that it takes from the connection's feeds; otherwise like a [`Waker`].
pub trait FeedWaker: Send + Sync {
    /// Wakes it.
    fn wake(self: Arc<Self>);
}

/// Where an endpoint puts its output. The transport decides how much room there is.
pub trait Outbox {
    /// Bytes that may still be pushed before the endpoint must wait for the next poll. One message may overshoot.
    fn room_bytes(&self) -> usize;
    /// Appends one message.
    fn push(&mut self, message: Outbound);
    /// Appends several messages; one run may overshoot.
    fn push_run(&mut self, run: SharedRun) {
        run.split().for_each(|frame| self.push(Outbound::Shared(frame)));
    }
    /// Offers a feed, in the place of one of its kind. A transport that takes it says how it is woken for it; one that does not is woken
    /// for its endpoint, which passes everything on.
    fn offer_feed(&mut self, _kind: FeedKind, _feed: Arc<dyn Feed>) -> Option<Arc<dyn FeedWaker>> {
        None
    }
    /// Asks for an orderly close after everything pushed so far; later pushes are ignored.
    fn close(&mut self, close: Close);
    /// Stops reading from the peer until the next poll returns with reading resumed (`true` pauses, `false` resumes).
    fn pause_reading(&mut self, paused: bool);
}

/// What the transport knows about a connection when it opens.
#[derive(Clone)]
pub struct Opened {
    /// Unique in this process; for logs and metrics only.
    pub connection_id: u64,
    /// Wakes the transport.
    pub waker: Waker,
}

/// One side of one message-oriented connection. All methods are called from one task at a time and must not block.
pub trait Endpoint: Send {
    /// One complete binary message from the peer.
    fn on_message(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox);
    /// A message that still lies where it was read: `true` when the endpoint took what it needs of it; otherwise it comes again
    /// by [`Self::on_message`]. Whoever calls this calls [`Self::on_read_end`] after the last one of a read.
    fn take_in_place(&mut self, _message: &[u8], _now: Moment) -> bool {
        false
    }
    /// One complete text message: UTF-8. Only factories that take text ([`EndpointFactory::takes_text`]) meet one.
    fn on_text(&mut self, _message: Bytes, _now: Moment, out: &mut dyn Outbox) {
        out.close(Close { code: 1003, reason: "text_message" });
    }
    /// The messages of one read were handed over: what was gathered of them goes on together. What is not taken in place
    /// an endpoint must also work off in [`Self::poll`].
    fn on_read_end(&mut self, _now: Moment, _out: &mut dyn Outbox) {}
    /// The peer will send no more, and waits for its answers. Byte streams have such an end, WebSockets do not.
    fn on_input_end(&mut self, _now: Moment, _out: &mut dyn Outbox) {}
    /// Called after the waker fired, after the deadline passed, and whenever the write queue has room again.
    fn poll(&mut self, now: Moment, out: &mut dyn Outbox);
    /// Whether it owes the peer nothing now: everything that was asked is answered.
    fn is_idle(&self) -> bool {
        false
    }
    /// When `poll` must be called even if nothing else happens (handshake time-out, delayed answer, idle limit).
    fn next_deadline(&self) -> Option<Moment>;
    /// The relay drains: tell the peer when to return; the transport closes afterwards.
    fn on_drain(&mut self, now: Moment, out: &mut dyn Outbox);
    /// Largest binary message it takes in its present state, in bytes. The transport asks before every frame, and obeys the
    /// factory's limit as well; by default that one alone.
    fn message_bytes_max(&self) -> usize {
        usize::MAX
    }
    /// The socket is gone; release everything that is registered elsewhere. Called exactly once.
    fn on_closed(&mut self);
}

/// Makes the endpoint of a route (`/v1/connect` → native protocol; the compat protocols have their own).
pub trait EndpointFactory: Send + Sync {
    /// Opens an endpoint for a new connection.
    fn open(&self, opened: Opened, now: Moment) -> Box<dyn Endpoint>;
    /// Largest message the transport may assemble for any of its endpoints, in bytes, whatever their state.
    fn message_bytes_max(&self) -> usize;
    /// Whether text messages are messages; otherwise the transport closes on one.
    fn takes_text(&self) -> bool {
        false
    }
    /// Whether the peer may stay silent for as long as it answers pings; otherwise its first message is waited for only so long.
    fn may_stay_silent(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::SharedFrame;
    use super::SharedRun;
    use bytes::Bytes;
    use relay_proto::frame::{EncodedFrame, Ping};
    use relay_proto::wire::ws_binary_header;

    #[test]
    fn a_text_frame_differs_from_a_binary_one_in_its_first_byte() {
        for length in [0_usize, 1, 125, 126, 65_535, 65_536] {
            let (text, binary) = (SharedFrame::text(&vec![b'a'; length]), SharedFrame::binary(&vec![b'a'; length]));
            assert_eq!((text.bytes[0], binary.bytes[0]), (0x81, 0x82));
            assert_eq!(text.bytes[1..], binary.bytes[1..]);
            assert_eq!(text.frame(), vec![b'a'; length]);
            assert_eq!(text.header_bytes, binary.header_bytes);
        }
    }

    #[test]
    fn a_run_splits_into_its_frames_whatever_their_length() {
        let mut bytes = EncodedFrame::of(&Ping { nonce: 7 }).bytes.to_vec();
        let mut expected = vec![bytes.clone()];
        for length in [0_usize, 125, 126, 65_535, 65_536] {
            let (header, header_bytes) = ws_binary_header(length);
            let mut frame = header[..header_bytes].to_vec();
            frame.resize(header_bytes + length, 9);
            bytes.extend_from_slice(&frame);
            expected.push(frame);
        }
        let run = SharedRun { frames: u32::try_from(expected.len()).unwrap(), bytes: bytes.into() };
        let frames: Vec<_> = run.split().collect();
        assert!(frames.iter().map(|frame| &frame.bytes[..]).eq(expected.iter().map(|frame| &frame[..])));
        assert!(
            frames
                .iter()
                .zip(&expected)
                .all(|(frame, whole)| frame.frame().len() + usize::from(frame.header_bytes) == whole.len())
        );
        let cut = SharedRun { bytes: Bytes::from_static(&[0x82, 126, 1]), frames: 1 };
        assert_eq!(cut.split().count(), 0, "half a frame is none");
    }
}
