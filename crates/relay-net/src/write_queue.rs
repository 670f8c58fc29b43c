//! What one connection still has to send: bounded in bytes, handed to the socket in contiguous pieces.
//!
//! Invariant: `queued_bytes` is the sum over the pieces of their unsent bytes plus [`PIECE_BYTES`] each, so that a flood
//! of tiny messages counts for the memory it takes.

use crate::websocket::frame::{OpCode, ServerHeader};
use bytes::{Buf, Bytes};
use relay_core::endpoint::{SharedFrame, SharedRun};
use std::collections::VecDeque;

/// Bookkeeping charged for every queued piece.
pub(crate) const PIECE_BYTES: usize = std::mem::size_of::<Piece>();
/// From this size on a piece is sent from where it is; smaller ones are gathered into one send.
const DIRECT_BYTES_MIN: usize = 32 * 1024;
/// Bytes of one piece handed to a socket at a time.
const DIRECT_BYTES_MAX: usize = 256 * 1024;

#[derive(Debug)]
struct Piece {
    /// Own header of the piece; already in front of `payload` for shared frames.
    header: Option<ServerHeader>,
    header_sent: u8,
    messages: u32,
    payload: Bytes,
}

impl Piece {
    fn header(&self) -> &[u8] {
        let header = self.header.as_ref().map_or(&[][..], ServerHeader::as_slice);
        header.get(usize::from(self.header_sent)..).unwrap_or_default()
    }

    fn unsent(&self) -> usize {
        self.header().len() + self.payload.len()
    }

    /// Drops up to `count` bytes that were sent and returns how many.
    fn advance(&mut self, count: usize) -> usize {
        let from_header = count.min(self.header().len());
        self.header_sent += u8::try_from(from_header).unwrap_or(u8::MAX);
        let from_payload = (count - from_header).min(self.payload.len());
        self.payload.advance(from_payload);
        from_header + from_payload
    }
}

/// The write queue of one connection.
#[derive(Debug)]
pub(crate) struct WriteQueue {
    /// The first piece lies here: mostly there is no other, and then there is no memory to get and give back.
    front: Option<Piece>,
    /// Empty while there is no first piece.
    rest: VecDeque<Piece>,
    queued_bytes: usize,
    bytes_max: usize,
    low_water_bytes: usize,
}

impl WriteQueue {
    pub(crate) fn new(bytes_max: usize, low_water_bytes: usize) -> Self {
        let low_water_bytes = low_water_bytes.min(bytes_max);
        Self { front: None, rest: VecDeque::new(), queued_bytes: 0, bytes_max, low_water_bytes }
    }

    /// Bytes that may still be pushed.
    pub(crate) fn room_bytes(&self) -> usize {
        self.bytes_max.saturating_sub(self.queued_bytes)
    }

    /// Whether there is so little left that the endpoint should be asked for more.
    pub(crate) fn wants_more(&self) -> bool {
        self.front.is_none() || self.queued_bytes < self.low_water_bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.front.is_none()
    }

    /// Appends a protocol frame for this connection alone.
    pub(crate) fn push_own(&mut self, payload: Bytes) {
        self.push(Some(ServerHeader::new(OpCode::Binary, payload.len())), payload, 1);
    }

    /// Appends a frame that carries its header.
    pub(crate) fn push_shared(&mut self, frame: SharedFrame) {
        self.push(None, frame.bytes, 1);
    }

    /// Appends frames that carry their headers, as one piece.
    pub(crate) fn push_run(&mut self, run: SharedRun) {
        self.push(None, run.bytes, run.frames);
    }

    /// Appends a control frame.
    pub(crate) fn push_control(&mut self, opcode: OpCode, payload: Bytes) {
        self.push(Some(ServerHeader::new(opcode, payload.len())), payload, 0);
    }

    fn push(&mut self, header: Option<ServerHeader>, payload: Bytes, messages: u32) {
        let piece = Piece { header, header_sent: 0, messages, payload };
        self.queued_bytes = self.queued_bytes.saturating_add(piece.unsent() + PIECE_BYTES);
        if self.front.is_none() {
            self.front = Some(piece);
        } else {
            self.rest.push_back(piece);
        }
    }

    /// The next contiguous bytes to send: a piece as it lies when it is big or the only one, or what fits of the next pieces,
    /// copied into `scratch`.
    pub(crate) fn gather<'a>(&'a self, scratch: &'a mut [u8]) -> &'a [u8] {
        if let Some(front) = &self.front
            && front.header().is_empty()
            && (front.payload.len() >= DIRECT_BYTES_MIN || self.rest.is_empty())
        {
            let length = front.payload.len().min(DIRECT_BYTES_MAX);
            return front.payload.get(..length).unwrap_or_default();
        }
        let mut filled = 0;
        for piece in self.front.iter().chain(&self.rest) {
            for source in [piece.header(), &piece.payload] {
                filled += copy_prefix(scratch.get_mut(filled..).unwrap_or_default(), source);
            }
            if filled >= scratch.len() {
                break;
            }
        }
        scratch.get(..filled).unwrap_or_default()
    }

    /// Forgets `count` sent bytes; returns how many messages were completed by them.
    pub(crate) fn advance(&mut self, count: usize) -> u64 {
        let mut left = count;
        let mut messages = 0;
        while let Some(front) = &mut self.front {
            let used = front.advance(left);
            left -= used;
            self.queued_bytes = self.queued_bytes.saturating_sub(used);
            if front.unsent() > 0 {
                break;
            }
            messages += u64::from(front.messages);
            self.queued_bytes = self.queued_bytes.saturating_sub(PIECE_BYTES);
            self.front = self.rest.pop_front();
        }
        if self.front.is_none() {
            self.rest = VecDeque::new();
        }
        messages
    }
}

fn copy_prefix(target: &mut [u8], source: &[u8]) -> usize {
    let length = target.len().min(source.len());
    if let (Some(target), Some(source)) = (target.get_mut(..length), source.get(..length)) {
        target.copy_from_slice(source);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::{DIRECT_BYTES_MIN, PIECE_BYTES, WriteQueue};
    use crate::websocket::frame::OpCode;
    use bytes::Bytes;
    use relay_core::endpoint::SharedFrame;

    fn drain(queue: &mut WriteQueue, step: usize) -> (Vec<u8>, u64, usize) {
        let (mut out, mut messages, mut sends) = (Vec::new(), 0, 0);
        while !queue.is_empty() {
            let mut scratch = vec![0; 64 * 1024];
            let piece = queue.gather(&mut scratch);
            let taken = piece.len().min(step);
            out.extend_from_slice(&piece[..taken]);
            messages += queue.advance(taken);
            sends += 1;
        }
        (out, messages, sends)
    }

    fn filled() -> (WriteQueue, Vec<u8>) {
        let mut queue = WriteQueue::new(1 << 20, 1 << 10);
        let mut expected = Vec::new();
        for size in [0, 1, 125, 126, 300, DIRECT_BYTES_MIN, 70_000] {
            let payload = Bytes::from(vec![7; size]);
            let header = super::ServerHeader::new(OpCode::Binary, size);
            let mut shared = header.as_slice().to_vec();
            shared.extend_from_slice(&payload);
            expected.extend_from_slice(&shared);
            expected.extend_from_slice(&shared);
            queue.push_own(payload);
            let header_bytes = u8::try_from(header.as_slice().len()).unwrap();
            queue.push_shared(SharedFrame { bytes: shared.into(), header_bytes });
        }
        queue.push_control(OpCode::Ping, Bytes::new());
        expected.extend_from_slice(&[0x89, 0]);
        (queue, expected)
    }

    #[test]
    fn bytes_leave_in_order_whatever_the_socket_takes() {
        for step in [1, 2, 3, 7, 1000, 40_000, usize::MAX] {
            let (mut queue, expected) = filled();
            let (out, messages, _) = drain(&mut queue, step);
            assert_eq!(out, expected, "step {step}");
            assert_eq!(messages, 14);
            assert_eq!(queue.queued_bytes, 0);
        }
    }

    #[test]
    fn small_pieces_leave_in_one_send_and_the_memory_is_given_back() {
        let mut queue = WriteQueue::new(1 << 20, 1 << 10);
        for _ in 0..200 {
            queue.push_own(Bytes::from_static(&[1; 128]));
        }
        let (_, messages, sends) = drain(&mut queue, usize::MAX);
        assert_eq!((messages, sends), (200, 1));
        assert_eq!(queue.rest.capacity(), 0);
    }

    #[test]
    fn room_counts_the_bookkeeping() {
        let mut queue = WriteQueue::new(1000, 100);
        assert!(queue.wants_more());
        queue.push_own(Bytes::from_static(&[0; 100]));
        assert_eq!(queue.room_bytes(), 1000 - 102 - PIECE_BYTES);
        assert!(!queue.wants_more());
        queue.push_own(Bytes::from(vec![0; 5000]));
        assert_eq!(queue.room_bytes(), 0);
    }
}
